//! The address of a browser that runs elsewhere.
//!
//! Invariant: of an address only scheme, host and port are ever printed. Its path opens the browser to whoever knows it, and a user, a
//! password or a query is a hosted browser's key.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::secret::{ExposeSecret as _, Redactor, SecretString};

/// How many sessions a browser may have where its address does not say.
const SESSIONS: usize = 4;
const MOST_SESSIONS: usize = 1000;

/// Where a browser takes orders, and how many sessions it may have at a time.
#[derive(Clone)]
pub struct Address {
    url: SecretString,
    shown: String,
    sessions: usize,
}

/// Why a text is no address of a browser. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none that a browser takes orders at.
    #[error(
        "the address of a browser is `ws://host:port/devtools/browser/…`, `wss://…`, or `http://host:port` of Chromium itself"
    )]
    NoAddress,
    /// What is behind `#` is not how many sessions it may have.
    #[error(
        "behind `#` an address says how many sessions the browser may have, as `#sessions=4` (1 to {MOST_SESSIONS})"
    )]
    Sessions,
}

impl Address {
    /// Whether a text that was meant as an address carries a key, which belongs elsewhere.
    pub fn has_key(text: &str) -> bool {
        Url::parse(text)
            .is_ok_and(|url| !url.username().is_empty() || url.password().is_some() || url.query().is_some())
    }

    /// How many sessions it may have at a time.
    pub fn sessions(&self) -> usize {
        self.sessions
    }

    /// The whole address.
    pub(super) fn url(&self) -> Option<Url> {
        Url::parse(self.url.expose_secret()).ok()
    }

    /// Takes out of texts what must not be printed of this address, or of one that it led to.
    pub(super) fn redactor(&self, led_to: Option<&Url>) -> Redactor {
        let mut redactor = Redactor::default();
        for url in self.url().iter().chain(led_to) {
            let plain =
                |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
            let values = url.query_pairs().map(|(_, value)| value.into_owned());
            let parts = [url.path(), url.query().unwrap_or_default(), url.username()].map(str::to_owned);
            let password = url.password().map(plain);
            for part in values.chain(parts).chain(password).chain([url.to_string()]) {
                redactor.add(&SecretString::from(part));
            }
        }
        redactor
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({} with {} sessions)", self.shown, self.sessions)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut url = Url::parse(text.trim()).map_err(|_| AddressError::NoAddress)?;
        let port = url.port_or_known_default();
        let (true, Some(host), Some(port)) =
            (matches!(url.scheme(), "ws" | "wss" | "http"), url.host_str(), port)
        else {
            return Err(AddressError::NoAddress);
        };
        let shown = format!("{}://{host}:{port}", url.scheme());
        let sessions = match url.fragment() {
            None => SESSIONS,
            Some(fragment) => {
                let count = fragment.strip_prefix("sessions=").and_then(|count| count.parse().ok());
                count.filter(|count| (1..=MOST_SESSIONS).contains(count)).ok_or(AddressError::Sessions)?
            }
        };
        url.set_fragment(None);
        Ok(Self { url: SecretString::from(String::from(url)), shown, sessions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_and_how_many_and_is_never_shown_whole() {
        for (text, shown, sessions) in [
            ("ws://10.0.0.7:9222/devtools/browser/0a1b", "ws://10.0.0.7:9222", 4),
            ("http://chromium:9222", "http://chromium:9222", 4),
            ("wss://ada:s3cret@hosted.example?token=s3cret#sessions=12", "wss://hosted.example:443", 12),
            (" ws://[::1]:9222/x#sessions=1", "ws://[::1]:9222", 1),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.sessions()), (shown, sessions), "{text}");
            assert!(!format!("{address:?}").contains("s3cret"), "{address:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        use AddressError::{NoAddress, Sessions};
        for (text, expected) in [
            ("s3cret", NoAddress),
            ("https://s3cret.example", NoAddress),
            ("file:///s3cret", NoAddress),
            ("ws://h:1/s3cret#sessions=0", Sessions),
            ("ws://h:1/s3cret#sessions=1001", Sessions),
            ("ws://h:1/s3cret#4", Sessions),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_key_in_an_address_is_noticed_and_taken_out_of_texts() {
        assert!(Address::has_key("wss://hosted.example?token=s3cret"));
        assert!(Address::has_key("ws://ada:s3cret@h:1/x"));
        assert!(Address::has_key("ws://s3cret@h:1/x"));
        assert!(!Address::has_key("ws://h:1/devtools/browser/0a1b#sessions=2"));
        let address: Address = "wss://ada:s3%2Fcret@h/devtools/0a1b?token=t0ken&a=b".parse().unwrap();
        let redactor = address.redactor(None);
        for text in
            ["s3/cret", "s3%2Fcret", "t0ken", "/devtools/0a1b", "to wss://h/devtools/0a1b?token=t0ken&a=b"]
        {
            let redacted = redactor.redact(text);
            for secret in ["cret", "t0ken", "0a1b"] {
                assert!(!redacted.contains(secret), "{text}: {redacted}");
            }
        }
    }
}
