//! Packing and reading: what is packed is read again, what was changed or could lead elsewhere is told of.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::*;
use crate::clock::Timestamp;

const LIMITS: Limits = Limits { files: 10, bytes_of_one: 1 << 20, bytes: 2 << 20 };
const AT: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const FILES: [(&str, &[u8]); 3] =
    [("about.json", b"{}\n"), ("pictures/a.jpeg", &[0, 1, 2, 255]), ("empty", b"")];

fn pack(path: &Path) -> Packed {
    let mut package = PackageWriter::create(path, AT).unwrap();
    for (name, bytes) in FILES {
        package.add(name, bytes).unwrap();
    }
    package.finish().unwrap()
}

type Read = (BTreeMap<String, Vec<u8>>, Vec<Odd>);

fn read(path: &Path, limits: Limits) -> Result<Read, PackageError> {
    let mut files = BTreeMap::new();
    let odd = read_package(path, limits, &mut |name, from| {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        files.insert(name.to_owned(), bytes);
        Ok(())
    })?;
    Ok((files, odd))
}

fn root() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// An archive without a seal of entries as nobody packs them.
fn archive(path: &Path, entries: &[(&str, EntryType, &[u8])]) {
    let mut builder = Builder::new(GzEncoder::new(std::fs::File::create(path).unwrap(), Compression::fast()));
    for (name, kind, bytes) in entries {
        let mut header = Header::new_ustar();
        // By hand, since `tar` refuses to write some of them.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
}

#[test]
fn what_is_packed_is_read_again_from_a_folder_and_from_an_archive() {
    let root = root();
    let packed = ["new/folder", "bundle.tar.gz"].map(|name| pack(&root.path().join(name)));
    assert_eq!(packed[0], packed[1]);
    for name in ["new/folder", "bundle.tar.gz"] {
        let (mut files, odd) = read(&root.path().join(name), LIMITS).unwrap();
        let sums = String::from_utf8(files.remove(SUMS).unwrap()).unwrap();
        assert!(
            sums.starts_with(
                "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356  about.json\n"
            ),
            "{sums}"
        );
        assert_eq!(odd, [], "{name}");
        assert_eq!(files, FILES.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).into());
    }
}

#[test]
fn the_tools_that_everybody_has_read_it_and_only_the_owner_may() {
    let root = root();
    let (bundle, unpacked) = (root.path().join("bundle.tar.gz"), root.path().join("unpacked"));
    pack(&bundle);
    std::fs::create_dir(&unpacked).unwrap();
    let tar = Command::new("tar").arg("xzf").arg(&bundle).arg("-C").arg(&unpacked).output().unwrap();
    assert!(tar.status.success() && tar.stderr.is_empty(), "{tar:?}");
    let sums =
        Command::new("sha256sum").args(["--strict", "-c", SUMS]).current_dir(&unpacked).output().unwrap();
    assert!(sums.status.success(), "{sums:?}");
    pack(&root.path().join("folder"));
    let mode = |path: &str| std::fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;
    let files = ["bundle.tar.gz", "unpacked/about.json", "folder/about.json", "folder/pictures/a.jpeg"];
    assert_eq!(files.map(mode), [0o600; 4]);
    assert_eq!(["folder", "folder/pictures"].map(mode), [0o700; 2]);
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let root = root();
    let place = |name: &str| -> PathBuf { root.path().join(name) };
    for name in ["bundle.tar.gz", "file"] {
        std::fs::write(place(name), "mine").unwrap();
        let refused = PackageWriter::create(&place(name), AT).err().unwrap();
        assert!(matches!(refused, PackageError::Exists(_)), "{refused:?}");
    }
    std::fs::create_dir(place("full")).unwrap();
    std::fs::write(place("full/mine"), "mine").unwrap();
    let refused = PackageWriter::create(&place("full"), AT).err().unwrap();
    assert!(matches!(refused, PackageError::NotEmpty(_)), "{refused:?}");
    // Came while it was packed.
    let package = PackageWriter::create(&place("late.tgz"), AT).unwrap();
    std::fs::write(place("late.tgz"), "mine").unwrap();
    assert!(matches!(package.finish(), Err(PackageError::Exists(_))));
    assert_eq!(std::fs::read(place("late.tgz")).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 4, "nothing half is left");
}

#[test]
fn names_that_could_lead_elsewhere_are_not_packed() {
    let root = root();
    let mut package = PackageWriter::create(&root.path().join("folder"), AT).unwrap();
    let long = "x".repeat(100);
    for bad in ["", "..", "../x", "/x", "a//b", "a/../b", "a/.b", "a\\b", "a b", "é", "a\n", SUMS, &long] {
        assert!(matches!(package.add(bad, b""), Err(PackageError::BadName(_))), "{bad}");
    }
    package.add("once", b"").unwrap();
    assert!(matches!(package.add("once", b""), Err(PackageError::BadName(_))));
    let short = package.add_from("short", 3, &mut &b"ab"[..]);
    assert!(matches!(short, Err(PackageError::File { .. })), "{short:?}");
}

#[test]
fn a_change_of_any_byte_of_an_archive_is_told_of() {
    let root = root();
    let path = root.path().join("bundle.tar.gz");
    pack(&path);
    let whole = std::fs::read(&path).unwrap();
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[index] ^= 1 << bit;
            std::fs::write(&path, changed).unwrap();
            let told = read(&path, LIMITS);
            assert!(
                told.as_ref().is_err() || told.as_ref().is_ok_and(|(_, odd)| !odd.is_empty()),
                "{index}.{bit}"
            );
        }
    }
    for changed in [&whole[..whole.len() - 1], &[&whole[..], b"x"].concat(), &whole[..10], b""] {
        std::fs::write(&path, changed).unwrap();
        assert!(!read(&path, LIMITS).unwrap().1.is_empty());
    }
}

#[test]
fn what_leads_out_of_a_package_is_told_of_and_not_followed() {
    let root = root();
    let path = root.path().join("bad.tar.gz");
    let regular = EntryType::Regular;
    archive(
        &path,
        &[
            ("../out", regular, b"1"),
            ("/out", regular, b"2"),
            ("link", EntryType::Symlink, b""),
            ("hard", EntryType::Link, b""),
            ("pipe", EntryType::Fifo, b""),
            ("long", EntryType::GNULongName, b"../out"),
            ("good", regular, b"3"),
            ("good", regular, b"4"),
        ],
    );
    let (files, odd) = read(&path, LIMITS).unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["good"]);
    let names: Vec<&str> = odd.iter().map(|odd| odd.name.as_str()).collect();
    assert_eq!(names, ["bad.tar.gz", "../out", "/out", "link", "hard", "pipe", "long", "good"]);

    let folder = root.path().join("folder");
    pack(&folder);
    std::fs::write(root.path().join("secret"), "secret").unwrap();
    symlink("../secret", folder.join("linked")).unwrap();
    symlink("/", folder.join("everything")).unwrap();
    std::fs::create_dir(folder.join(".hidden")).unwrap();
    let (files, odd) = read(&folder, LIMITS).unwrap();
    assert_eq!(files.len(), 4);
    let names: Vec<&str> = odd.iter().map(|odd| odd.name.as_str()).collect();
    assert_eq!(names, [".hidden", "everything", "linked"]);
}

#[test]
fn no_more_is_read_than_the_limits_say() {
    let root = root();
    let bomb = root.path().join("bomb.tar.gz");
    let zeros = vec![0; 3 << 20];
    archive(&bomb, &[("zeros", EntryType::Regular, &zeros)]);
    assert!(std::fs::metadata(&bomb).unwrap().len() < 20_000);
    let refused = read(&bomb, LIMITS);
    assert!(
        matches!(&refused, Err(PackageError::TooLarge { limit, .. }) if *limit == 1 << 20),
        "{refused:?}"
    );
    let three = vec![0; 1 << 20];
    archive(&bomb, &["a", "b", "c"].map(|name| (name, EntryType::Regular, &three[..])));
    assert!(matches!(read(&bomb, LIMITS), Err(PackageError::TooLarge { limit: 0, .. })));
    let folder = root.path().join("folder");
    pack(&folder);
    assert!(matches!(read(&folder, Limits { files: 3, ..LIMITS }), Err(PackageError::TooMany(3))));
    let links: Vec<String> = (0..20).map(|number| format!("link{number}")).collect();
    let links: Vec<_> = links.iter().map(|name| (name.as_str(), EntryType::Symlink, &b""[..])).collect();
    archive(&bomb, &links);
    assert!(matches!(read(&bomb, LIMITS), Err(PackageError::TooMany(10))));
    // A size that the archive does not have.
    let mut header = Header::new_ustar();
    header.set_path("huge").unwrap();
    header.set_size(1 << 40);
    header.set_cksum();
    let mut packed = GzEncoder::new(std::fs::File::create(&bomb).unwrap(), Compression::fast());
    packed.write_all(header.as_bytes()).unwrap();
    packed.finish().unwrap();
    assert!(matches!(read(&bomb, LIMITS), Err(PackageError::TooLarge { .. })));
}
