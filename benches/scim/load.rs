//! Load on a server: a few connections, each with one request at a time, as an identity provider's workers have.
//!
//! HTTP is written and read here by hand: what a client library costs would be taken from the server, on the same cores.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use usher::clock::{Clock, SystemClock};

use crate::server::Server;

const CONNECTIONS: usize = 8;
const PAGE: usize = 100;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Get,
    Lookup,
    Page,
    Patch,
    Create,
}

impl Mode {
    pub const ALL: [Self; 5] = [Self::Get, Self::Lookup, Self::Page, Self::Patch, Self::Create];

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Lookup => "lookup",
            Self::Page => "page",
            Self::Patch => "patch",
            Self::Create => "create",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Get => "read by id",
            Self::Lookup => "`userName eq`",
            Self::Page => "page of 100, anywhere",
            Self::Patch => "PATCH of one attribute",
            Self::Create => "create",
        }
    }
}

/// What a run did.
pub struct Run {
    pub requests: usize,
    pub took: Duration,
}

pub struct Load {
    address: String,
    path: String,
    token: String,
    /// Ids and user names of those who are there.
    users: Vec<(String, String)>,
    /// How many were asked for, each under a name of its own.
    named: usize,
    drawn: u64,
}

impl Load {
    pub fn new(server: &Server) -> Self {
        let (address, path) = (server.address.clone(), server.path.clone());
        Self { address, path, token: server.token.clone(), users: Vec::new(), named: 0, drawn: 1 }
    }

    /// Creates users until there are so many.
    pub async fn fill(&mut self, users: usize) {
        let work: Vec<Vec<(String, String)>> = (0..CONNECTIONS)
            .map(|share| {
                let names =
                    (share..users).step_by(CONNECTIONS).map(|number| format!("f{number}@example.com"));
                names.map(|name| (self.create(&name), name)).collect()
            })
            .collect();
        let sending = work.into_iter().map(|work| {
            let address = self.address.clone();
            async move {
                let (mut connection, mut made) = (Connection::new(&address), Vec::new());
                for (request, name) in work {
                    let answer: Value = serde_json::from_slice(&connection.ask(&request).await).unwrap();
                    made.push((answer["id"].as_str().unwrap().to_owned(), name));
                }
                made
            }
        });
        self.users = futures::future::join_all(sending).await.concat();
        assert_eq!(self.users.len(), users);
    }

    /// Sends requests of a kind on all connections for so long.
    pub async fn run(&mut self, mode: Mode, length: Duration) -> Run {
        let began = SystemClock.elapsed();
        let next = std::cell::RefCell::new(&mut *self);
        let sending = (0..CONNECTIONS).map(|_| async {
            let mut connection = Connection::new(&next.borrow().address);
            let mut requests = 0;
            while SystemClock.elapsed() - began < length {
                let request = next.borrow_mut().request(mode);
                connection.ask(&request).await;
                requests += 1;
            }
            requests
        });
        let requests = futures::future::join_all(sending).await.into_iter().sum();
        Run { requests, took: SystemClock.elapsed() - began }
    }

    fn request(&mut self, mode: Mode) -> String {
        let draw = self.draw();
        let (id, name) = &self.users[draw % self.users.len()];
        match mode {
            Mode::Get => self.message("GET", &format!("/Users/{id}"), None),
            Mode::Lookup => {
                let filter = format!("userName eq \"{name}\"");
                let filter = utf8_percent_encode(&filter, NON_ALPHANUMERIC);
                self.message("GET", &format!("/Users?filter={filter}&startIndex=1&count=100"), None)
            }
            Mode::Page => {
                let start = 1 + PAGE * (draw % (self.users.len() / PAGE).max(1));
                self.message("GET", &format!("/Users?startIndex={start}&count={PAGE}"), None)
            }
            Mode::Patch => {
                let body = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [{ "op": "replace", "path": "title", "value": format!("t{draw}") }],
                });
                self.message("PATCH", &format!("/Users/{id}"), Some(&body))
            }
            Mode::Create => {
                self.named += 1;
                self.create(&format!("n{}@example.com", self.named))
            }
        }
    }

    fn create(&self, name: &str) -> String {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "name": { "givenName": "Test", "familyName": "User" },
            "emails": [{ "primary": true, "value": name, "type": "work" }],
            "displayName": "Test User", "locale": "en-US", "externalId": format!("e-{name}"), "groups": [], "active": true,
        });
        self.message("POST", "/Users", Some(&user))
    }

    fn message(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        let body = body.map(ToString::to_string).unwrap_or_default();
        format!(
            "{method} {}{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nAccept: application/scim+json\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
            self.path,
            self.address,
            self.token,
            body.len()
        )
    }

    /// Numbers that look drawn, the same in each run (the generator of Lehmer, modulo 2^61 - 1).
    fn draw(&mut self) -> usize {
        let product = u128::from(self.drawn.max(1)) * 437_799_614_237_992_725;
        self.drawn = (product % ((1 << 61) - 1)) as u64;
        self.drawn as usize
    }
}

struct Connection {
    address: String,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

impl Connection {
    fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, received: Vec::new() }
    }

    /// Sends a request and gives the body of the answer, which must be a success.
    async fn ask(&mut self, request: &str) -> Vec<u8> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                stream
            }
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        self.received.clear();
        let (head, length, stays) = loop {
            assert!(
                stream.read_buf(&mut self.received).await.unwrap() > 0,
                "the server hung up on {request}"
            );
            if let Some(head) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let text = std::str::from_utf8(&self.received[..head]).unwrap();
                assert!(text.get(8..11) == Some(" 20"), "{text}\nto {request}");
                let value = |name: &str| {
                    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
                    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
                };
                let is_closed = value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
                let stays = text.starts_with("HTTP/1.1") && !is_closed;
                break (head + 4, value("content-length").unwrap().parse::<usize>().unwrap(), stays);
            }
        };
        while self.received.len() < head + length {
            assert!(stream.read_buf(&mut self.received).await.unwrap() > 0, "the answer was cut");
        }
        self.stream = stays.then_some(stream);
        self.received[head..].to_vec()
    }
}
