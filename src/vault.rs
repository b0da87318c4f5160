//! Sealing and opening of secrets that have to be kept.
//!
//! Each secret is encrypted by a data key of its own, and that key by the master key (an envelope), both with
//! XChaCha20-Poly1305. The place where the secret is kept (table, row, field) and the id of the master key are
//! authenticated with it, so a sealed secret that is moved to another row does not open. The master key comes from a
//! file that only its owner can read, made on first use, or is given from outside.
//!
//! Nothing secret is in any error or `Debug` of this module.

use std::fmt;
use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::id::SharedEntropy;
use crate::secret::{ExposeSecret as _, SecretString};

/// Where the master key comes from.
#[derive(Clone, Debug)]
pub enum MasterKey {
    /// A file; made on first use.
    File(PathBuf),
    /// The key itself, as base64 of 32 bytes.
    Given(SecretString),
}

/// Where a sealed secret is kept; it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row: for a credential, the integration's id.
    pub row: &'a str,
    /// The field in it: for a credential, its name.
    pub field: &'a str,
}

impl<'a> Place<'a> {
    /// The place of a credential of an integration.
    pub fn credential(integration_id: &'a str, field: &'a str) -> Self {
        Self { table: "credentials", row: integration_id, field }
    }

    /// The place of an address at which somebody is told.
    pub fn hook(id: &'a str) -> Self {
        Self { table: "hooks", row: id, field: "address" }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.table, self.row, self.field)
    }
}

/// A sealed secret: safe to store and to show, useless without the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    key_id: String,
    bytes: Vec<u8>,
}

impl Sealed {
    /// A sealed secret as it was stored.
    pub fn from_parts(key_id: String, bytes: Vec<u8>) -> Self {
        Self { key_id, bytes }
    }

    /// The id of the master key that seals it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What is stored of it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The vault cannot be used, or a secret cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or made.
    #[error("cannot use the master key file {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others on this machine can read the key file.
    #[error("the master key file {} can be read by others (mode {mode:o}): chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What should be a key is none.
    #[error("the master key from {origin} is not base64 of 32 bytes")]
    BadKey {
        /// Where it came from.
        origin: String,
    },
    /// The secret was sealed by another master key.
    #[error(
        "{place} was sealed by master key {sealed_by}, this one is {have}: give back the key it was sealed with, or set the secret anew"
    )]
    WrongKey {
        /// The secret's place.
        place: String,
        /// The id of the key it needs.
        sealed_by: String,
        /// The id of the key that is here.
        have: String,
    },
    /// The stored bytes are not what was sealed for this place.
    #[error("{place} was changed since it was sealed, or belongs elsewhere: set the secret anew")]
    Damaged {
        /// The secret's place.
        place: String,
    },
}

/// Seals and opens secrets with one master key.
pub struct Vault {
    master: XChaCha20Poly1305,
    key_id: String,
    entropy: SharedEntropy,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Says how the bytes are laid out: nonce, wrapped data key, nonce, secret.
const FORMAT: u8 = 1;
const NONCE: usize = 24;
const KEY: usize = 32;
const TAG: usize = 16;

impl Vault {
    /// Reads the master key, or makes the file of it.
    pub fn load(source: &MasterKey, entropy: SharedEntropy) -> Result<Self, VaultError> {
        let key = match source {
            MasterKey::File(path) => load_file(path, &entropy)?,
            MasterKey::Given(text) => parse_key(text.expose_secret(), "the environment")?,
        };
        // One-way and of its own kind, so that the id tells nothing of the key.
        let hash = Sha256::new().chain_update("usher master key id").chain_update(key.as_slice()).finalize();
        let key_id = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { master: cipher(&key), key_id, entropy })
    }

    /// The id of the master key: may be shown.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Seals a secret for its place.
    pub fn seal(&self, place: Place<'_>, secret: &SecretString) -> Result<Sealed, VaultError> {
        let damaged = || VaultError::Damaged { place: place.to_string() };
        let mut data_key = Zeroizing::new([0; KEY]);
        self.entropy.fill(data_key.as_mut_slice());
        let (key_nonce, secret_nonce) = (self.nonce(), self.nonce());
        let aad = aad(place, &self.key_id);
        let wrapped = encrypt(&self.master, &key_nonce, data_key.as_slice(), &aad).ok_or_else(damaged)?;
        let sealed = encrypt(&cipher(&data_key), &secret_nonce, secret.expose_secret().as_bytes(), &aad)
            .ok_or_else(damaged)?;
        let bytes = [[FORMAT].as_slice(), &key_nonce, &wrapped, &secret_nonce, &sealed].concat();
        Ok(Sealed { key_id: self.key_id.clone(), bytes })
    }

    /// Opens a secret that was sealed for this place.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<SecretString, VaultError> {
        if sealed.key_id != self.key_id {
            return Err(VaultError::WrongKey {
                place: place.to_string(),
                sealed_by: sealed.key_id.clone(),
                have: self.key_id.clone(),
            });
        }
        self.try_open(place, &sealed.bytes).ok_or_else(|| VaultError::Damaged { place: place.to_string() })
    }

    fn try_open(&self, place: Place<'_>, bytes: &[u8]) -> Option<SecretString> {
        let (&format, rest) = bytes.split_first()?;
        if format != FORMAT {
            return None;
        }
        let (key_nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let (wrapped, rest) = rest.split_first_chunk::<{ KEY + TAG }>()?;
        let (secret_nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let aad = aad(place, &self.key_id);
        let data_key = decrypt(&self.master, key_nonce, wrapped, &aad)?;
        let secret = decrypt(&cipher(data_key.first_chunk()?), secret_nonce, sealed, &aad)?;
        Some(SecretString::from(std::str::from_utf8(&secret).ok()?))
    }

    fn nonce(&self) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        self.entropy.fill(&mut nonce);
        nonce
    }
}

fn cipher(key: &[u8; KEY]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

fn encrypt(cipher: &XChaCha20Poly1305, nonce: &[u8; NONCE], msg: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    cipher.encrypt(&XNonce::from(*nonce), Payload { msg, aad }).ok()
}

fn decrypt(
    cipher: &XChaCha20Poly1305,
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg, aad }).ok().map(Zeroizing::new)
}

/// The parts with their lengths, so that none can run into the next.
fn aad(place: Place<'_>, key_id: &str) -> Vec<u8> {
    let mut aad = Vec::new();
    for part in [place.table, place.row, place.field, key_id] {
        aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
        aad.extend_from_slice(part.as_bytes());
    }
    aad
}

fn load_file(path: &Path, entropy: &SharedEntropy) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
    let failed = |source| VaultError::KeyFile { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_file(path, entropy).map_err(failed)?;
            File::open(path)
        }
        other => other,
    };
    let mut file = file.map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(failed)?;
    parse_key(&text, &path.display().to_string())
}

/// Makes the key file whole or not at all; leaves one that another process made meanwhile.
fn create_file(path: &Path, entropy: &SharedEntropy) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut key = Zeroizing::new([0; KEY]);
    entropy.fill(key.as_mut_slice());
    let text = Zeroizing::new(STANDARD.encode(key.as_slice()));
    // A temporary file of this kind is readable by its owner alone.
    let mut file = tempfile::Builder::new().prefix(".master.key-").tempfile_in(directory)?;
    writeln!(file, "{}", text.as_str())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => File::open(directory)?.sync_all(),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

fn parse_key(text: &str, origin: &str) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
    let bad = || VaultError::BadKey { origin: origin.to_owned() };
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| bad())?);
    bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::id::{SeededEntropy, SystemEntropy};

    const PLACE: Place<'static> = Place { table: "credentials", row: "int-1", field: "password" };

    fn vault(seed: u64) -> Vault {
        let mut key = [0; KEY];
        crate::id::Entropy::fill(&*SeededEntropy::new(seed), &mut key);
        Vault::load(&MasterKey::Given(STANDARD.encode(key).into()), Arc::new(SystemEntropy)).unwrap()
    }

    #[test]
    fn a_secret_opens_in_its_place_and_nowhere_else() {
        let vault = vault(1);
        let sealed = vault.seal(PLACE, &"acme-password".into()).unwrap();
        assert_eq!(vault.open(PLACE, &sealed).unwrap().expose_secret(), "acme-password");
        for elsewhere in [
            Place { row: "int-2", ..PLACE },
            Place { field: "totp", ..PLACE },
            Place { table: "operators", ..PLACE },
            Place { table: "credential", row: "sint-1", ..PLACE },
        ] {
            assert!(matches!(vault.open(elsewhere, &sealed), Err(VaultError::Damaged { .. })), "{elsewhere}");
        }
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let vault = vault(1);
        let sealed = vault.seal(PLACE, &"x".into()).unwrap();
        for index in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[index] ^= 1;
            let changed = Sealed::from_parts(sealed.key_id.clone(), bytes);
            assert!(vault.open(PLACE, &changed).is_err(), "byte {index}");
            let cut = Sealed::from_parts(sealed.key_id.clone(), sealed.bytes[..index].to_vec());
            assert!(vault.open(PLACE, &cut).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn another_key_is_named_not_guessed() {
        let sealed = vault(1).seal(PLACE, &"x".into()).unwrap();
        let other = vault(2);
        let error = other.open(PLACE, &sealed).unwrap_err();
        let VaultError::WrongKey { sealed_by, have, .. } = &error else { panic!("{error}") };
        assert_eq!((sealed_by.as_str(), have.as_str()), (vault(1).key_id(), other.key_id()));
    }

    #[test]
    fn one_secret_sealed_twice_looks_different_and_shows_nothing() {
        let vault = vault(1);
        let (first, second) =
            (vault.seal(PLACE, &"hunter22".into()).unwrap(), vault.seal(PLACE, &"hunter22".into()).unwrap());
        assert_ne!(first, second);
        assert!(!first.bytes.windows(8).any(|window| window == b"hunter22"));
        assert!(!format!("{first:?}{vault:?}").contains("hunter22"));
    }

    #[test]
    fn the_key_file_is_made_once_private_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/master.key");
        let source = MasterKey::File(path.clone());
        let first = Vault::load(&source, SeededEntropy::new(1)).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = first.seal(PLACE, &"secret".into()).unwrap();
        let again = Vault::load(&source, SeededEntropy::new(2)).unwrap();
        assert_eq!(again.open(PLACE, &sealed).unwrap().expose_secret(), "secret");
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let source = MasterKey::File(path.clone());
        Vault::load(&source, SeededEntropy::new(1)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            Vault::load(&source, SeededEntropy::new(1)),
            Err(VaultError::Exposed { mode: 0o640, .. })
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        for bad in ["", "c2hvcnQ=", "no base64 at all!"] {
            std::fs::write(&path, bad).unwrap();
            assert!(
                matches!(Vault::load(&source, SeededEntropy::new(1)), Err(VaultError::BadKey { .. })),
                "{bad}"
            );
        }
    }
}
