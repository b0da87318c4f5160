//! A PostgreSQL server for tests: the one that `tests/with-postgres` started, or one that this process starts by it and that ends with
//! this process, however it ends.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
            let (address, server) = start(&[]);
            // Its standard input is closed with this process; then it ends.
            std::mem::forget(server);
            address
        })
    })
}

/// Starts a server, with this environment, that ends once the child's standard input is closed. Gives its address.
pub fn start(environment: &[(&str, &str)]) -> (String, Child) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/with-postgres");
    let mut server = Command::new(script)
        .args(["sh", "-c", "echo $USHER_TEST_POSTGRES; exec cat >/dev/null"])
        .envs(environment.iter().copied())
        .env_remove("USHER_TEST_POSTGRES")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let address = address.trim().to_owned();
    assert!(address.starts_with("postgres://"), "no PostgreSQL: `.ci/setup postgres` installs it");
    (address, server)
}
