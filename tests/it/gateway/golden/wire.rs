//! HTTP/1.1 in the very characters of a conversation, which no HTTP client would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The headers of an answer that matter, in the order in which they are written down.
const HEADERS: [&str; 6] = ["Content-Type", "ETag", "Location", "Allow", "Retry-After", "WWW-Authenticate"];

/// Sends a request as it is written, and the three headers that belong to the connection; gives back the answer as it is to be written.
pub(super) async fn ask(address: SocketAddr, request: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut head = head.replace('\n', "\r\n");
    head.push_str("\r\nHost: usher.acme.example\r\nConnection: close\r\n");
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    written(&answer)
}

fn written(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.split("\r\n");
    let status = lines.next().expect("a status line");
    let headers: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ").expect("a header")).collect();
    let values = |wanted: &str| -> Vec<&str> {
        headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| *value)
            .collect()
    };
    assert!(values("Transfer-Encoding").is_empty(), "answers have a length: {head}");
    if let [length] = values("Content-Length")[..] {
        assert_eq!(length, body.len().to_string(), "{answer}");
    }
    let mut written = vec![status.to_owned()];
    for name in HEADERS {
        written.extend(values(name).iter().map(|value| format!("{name}: {value}")));
    }
    if !body.is_empty() {
        written.extend([String::new(), body.to_owned()]);
    }
    written.join("\n")
}
