//! A PostgreSQL server for tests: the one that `tests/with-postgres` started, or one that this process starts by it and that ends with
//! this process, however it ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use usher::id::{Ids, SystemEntropy};
use usher::store::Database;

/// Which of the engines that can keep durable state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// An empty database of its own.
    pub fn database(self) -> Database {
        match self {
            Self::Sqlite => Database::File,
            Self::Postgres => schema(&new_schema()),
        }
    }
}

/// The name of a schema that nobody has.
pub fn new_schema() -> String {
    let clock = std::sync::Arc::new(usher::clock::SystemClock);
    let id = Ids::new(clock, std::sync::Arc::new(SystemEntropy)).next();
    format!("t_{}", id.replace('-', "_"))
}

/// A schema of the server's database.
pub fn schema(name: &str) -> Database {
    Database::Server(format!("{}&schema={name}", server()).parse().unwrap())
}

/// The server's address.
pub fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| {
        std::env::var("USHER_TEST_POSTGRES").unwrap_or_else(|_| {
            let server = Server::start(&[]);
            let address = server.address.clone();
            // It ends with the standard input of its own, which is closed with this process.
            std::mem::forget(server);
            address
        })
    })
}

/// A server that ends when it is dropped, or with this process.
pub struct Server {
    process: Child,
    said: BufReader<ChildStdout>,
    pub address: String,
}

impl Server {
    /// Starts one, with this environment.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/with-postgres");
        let mut process = Command::new(script)
            .envs(environment.iter().copied())
            .env_remove("USHER_TEST_POSTGRES")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let mut server = Self { process, said, address: String::new() };
        server.address = server.listen();
        server
    }

    /// Ends it as a crash would, and starts it again.
    pub fn crash(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"crash\n").unwrap();
        assert_eq!(self.listen(), self.address);
    }

    fn listen(&mut self) -> String {
        let mut address = String::new();
        self.said.read_line(&mut address).unwrap();
        assert!(address.starts_with("postgres://"), "no PostgreSQL: `.ci/setup postgres` installs it");
        address.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
