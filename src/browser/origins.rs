//! The origins that a session may reach.
//!
//! Enforced by Chromium's network service itself, for every kind of request (redirects, frames, workers and WebSockets too) and at
//! no cost per request: the session's context has a proxy that refuses every connection, and only the allowed origins bypass
//! it. Hosts that are not allowed are not even looked up. What was refused is recorded from the page's network events.

use url::Url;

use super::error::BrowserError;

/// The allowed origins, each as scheme, host and port.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Vec<(String, String, u16)>);

impl Origins {
    /// Reads URLs, of which only the origin counts.
    pub(super) fn parse(origins: &[String]) -> Result<Self, BrowserError> {
        let read = |origin: &String| {
            Url::parse(origin)
                .ok()
                .filter(|url| matches!(url.scheme(), "http" | "https"))
                .and_then(|url| origin_of(&url))
                .ok_or_else(|| BrowserError::Origin { origin: origin.clone() })
        };
        Ok(Self(origins.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// Whether `url` may be reached. What never leaves the browser (`about:`, `data:`, `blob:`) may.
    pub(super) fn allow(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        match url.scheme() {
            "about" | "data" | "blob" => true,
            "http" | "https" | "ws" | "wss" => origin_of(&url).is_some_and(|origin| self.0.contains(&origin)),
            _ => false,
        }
    }

    /// Chromium's rules for what bypasses the proxy. `<-loopback>` takes away its own exception for this machine.
    /// The rules by which nothing goes around the proxy.
    pub(super) const NONE: &str = "<-loopback>";

    pub(super) fn bypass_rules(&self) -> String {
        let mut rules = vec![Self::NONE.to_owned()];
        for (scheme, host, port) in &self.0 {
            let socket = if scheme == "https" { "wss" } else { "ws" };
            rules.push(format!("{scheme}://{host}:{port}"));
            rules.push(format!("{socket}://{host}:{port}"));
        }
        rules.join(";")
    }
}

fn origin_of(url: &Url) -> Option<(String, String, u16)> {
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        other => other,
    };
    // A host with a star would be a pattern in Chromium's rules.
    let host = url.host_str().filter(|host| !host.contains('*'))?;
    Some((scheme.to_owned(), host.to_owned(), url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_scheme_host_and_port_are_allowed() {
        let origins =
            Origins::parse(&["https://Desk.example/a".into(), "http://127.0.0.1:8080".into()]).unwrap();
        let cases = [
            ("https://desk.example/x?y", true),
            ("https://desk.example:443/", true),
            ("wss://desk.example/socket", true),
            ("http://desk.example/", false),
            ("https://desk.example.evil.test/", false),
            ("https://desk.example@evil.test/", false),
            ("https://sub.desk.example/", false),
            ("http://127.0.0.1:8080/", true),
            ("http://127.0.0.1:8081/", false),
            ("ws://127.0.0.1:8080/", true),
            ("about:blank", true),
            ("file:///etc/passwd", false),
            ("chrome://settings", false),
            ("javascript:alert(1)", false),
            ("nonsense", false),
        ];
        for (url, expected) in cases {
            assert_eq!(origins.allow(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_web_site_is_no_origin() {
        for origin in ["ftp://x", "x", "file:///", "https://*.example"] {
            assert!(Origins::parse(&[origin.to_owned()]).is_err(), "{origin}");
        }
    }

    #[test]
    fn the_rules_name_each_origin_with_its_port() {
        let origins = Origins::parse(&["https://desk.example".into()]).unwrap();
        assert_eq!(origins.bypass_rules(), "<-loopback>;https://desk.example:443;wss://desk.example:443");
    }
}
