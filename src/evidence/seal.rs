//! What is put on the end of an archive, and how bytes are hashed on their way.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// How many bytes a seal has.
pub(super) const SEAL: u64 = 98;

/// A gzip member (RFC 1952) without content, whose comment is the hash of the bytes before it.
pub(super) fn seal_of(hash: &str) -> Vec<u8> {
    const HEAD: &[u8] = &[0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 0xff];
    const EMPTY: &[u8] = &[0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    [HEAD, b"usher sha256 ", hash.as_bytes(), EMPTY].concat()
}

/// Hashes and counts what passes.
pub(super) struct Hashed<T> {
    pub(super) inner: T,
    hash: Sha256,
    pub(super) length: u64,
}

impl<T> Hashed<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, hash: Sha256::new(), length: 0 }
    }

    /// The hash of what passed so far, hexadecimal.
    pub(super) fn sum(&self) -> String {
        self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
    }
}

impl<T: Read> Read for Hashed<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.pass(&buffer[..read]);
        Ok(read)
    }
}

impl<T: Write> Write for Hashed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.pass(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
