//! The binary as people and scripts use it: what it prints, where, and how it exits.

mod author;
mod check;
mod contract;
mod data;
mod db;
mod evidence;
mod job;
mod open;
mod pick;
mod readme;
mod recordings;
mod replay;
mod run;
mod scim_journal;
mod serve;
mod sync;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_usher");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder to call the binary in, with a copy of Acme Desk's connector.
struct Shell {
    root: TempDir,
}

/// What a call printed and how it exited.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    /// Asserts that it went well, and returns what it printed.
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Asserts that it failed, said why on standard error alone, and returns that.
    fn failed(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        self.err
    }

    fn json(self) -> serde_json::Value {
        let out = self.done();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

impl Shell {
    fn new() -> Self {
        let shell = Self { root: tempfile::tempdir().unwrap() };
        copy(&root().join("connectors/acme-desk"), &shell.path("connectors/acme-desk"));
        shell
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.root.path()).stdin(Stdio::null());
        for variable in [
            "USHER_ARTIFACTS",
            "USHER_BROWSER",
            "USHER_DATA",
            "USHER_CONNECTORS",
            "USHER_DATABASE",
            "USHER_LOG",
            "USHER_MASTER_KEY",
            "USHER_TO",
        ] {
            command.env_remove(variable);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Replaces text of a file, which must be there.
    fn edit(&self, path: &str, from: &str, to: &str) {
        let path = self.path(path);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Sets `name` up with `connector`.
    fn create(&self, name: &str, connector: &str) {
        std::fs::write(self.path("password.txt"), "acme-password\n").unwrap();
        let fixed = ["--set", "base_url=http://127.0.0.1:9", "--set", "org_id=acme", "--patience", "0s"];
        let credentials =
            ["--credential", "username=owner@acme.example", "--credential", "password=@password.txt"];
        let arguments =
            [&["integration", "create", name, "--connector", connector][..], &fixed, &credentials].concat();
        self.run(&arguments).done();
    }
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            drop(std::fs::copy(entry.path(), target))
        }
    }
}
