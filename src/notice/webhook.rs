//! Webhooks, signed as the Standard Webhooks are: HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::Sha256;
use url::Url;

use super::Notice;
use crate::clock::Timestamp;

/// The address is none that takes webhooks. It is not shown: it may let somebody in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No URL, or not over HTTP.
    #[error("a webhook is an address such as https://hooks.example/usher")]
    NoUrl,
    /// A user or a password.
    #[error("a webhook's address has no user and no password in it: who calls is known by the signature")]
    User,
    /// No key.
    #[error("the key of a signature is 24 to 64 bytes in base64, behind `whsec_` or not")]
    Key,
}

/// The address as it may be shown: without its path, which may let somebody in.
pub(super) fn check(url: &str) -> Result<String, AddressError> {
    let url = Url::parse(url).map_err(|_| AddressError::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(AddressError::NoUrl);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::User);
    }
    Ok(url.origin().ascii_serialization())
}

/// The bytes of a key.
pub(super) fn key(secret: &str) -> Result<Vec<u8>, AddressError> {
    let text = secret.trim();
    let bytes =
        STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).map_err(|_| AddressError::Key)?;
    if (24..=64).contains(&bytes.len()) { Ok(bytes) } else { Err(AddressError::Key) }
}

/// Sends webhooks. Clones share the connections.
#[derive(Clone, Debug)]
pub(super) struct Webhooks(Result<Client<HttpsConnector<HttpConnector>, String>, String>);

impl Webhooks {
    pub(super) fn new() -> Self {
        let roots = HttpsConnectorBuilder::new().with_native_roots();
        let client = roots.map(|roots| {
            Client::builder(TokioExecutor::new()).build(roots.https_or_http().enable_http1().build())
        });
        Self(client.map_err(|error| format!("this machine trusts no certificate authority: {error}")))
    }

    /// Sends one; only an answer of 2xx says that it was taken.
    pub(super) async fn send(
        &self,
        url: &str,
        secret: &str,
        notice: &Notice,
        now: Timestamp,
    ) -> Result<(), String> {
        let client = self.0.as_ref().map_err(Clone::clone)?;
        let body = notice.json().to_string();
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("usher/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", now.as_secs())
            .header("webhook-signature", signature(secret, &notice.id, now, &body)?)
            .body(body)
            // Its words would name the address.
            .map_err(|_| "the address cannot be called".to_owned())?;
        let answer = client.request(request).await.map_err(|error| match error.is_connect() {
            true => "it cannot be reached".to_owned(),
            false => "the connection broke".to_owned(),
        })?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}

fn signature(secret: &str, id: &str, now: Timestamp, body: &str) -> Result<String, String> {
    let bytes = key(secret).map_err(|error| error.to_string())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&bytes).map_err(|error| error.to_string())?;
    mac.update(format!("{id}.{}.{body}", now.as_secs()).as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_lets_somebody_in() {
        assert_eq!(check("https://hooks.example/T0/B1/secret?x=y").unwrap(), "https://hooks.example");
        assert_eq!(check("http://127.0.0.1:9000/a").unwrap(), "http://127.0.0.1:9000");
        for (wrong, why) in [
            ("hooks.example", AddressError::NoUrl),
            ("ftp://hooks.example", AddressError::NoUrl),
            ("https://me:secret@hooks.example", AddressError::User),
        ] {
            assert_eq!(check(wrong), Err(why), "{wrong}");
        }
    }

    /// The example of the specification.
    #[test]
    fn a_signature_is_that_of_the_standard_webhooks() {
        let now = Timestamp::from_ms(1_614_265_330_000);
        let made = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            now,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(made.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(key("whsec_c2hvcnQ=").is_err());
    }
}
