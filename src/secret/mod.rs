//! Secrets that cannot be printed by accident, and the masking of those that an app echoes back.
//!
//! A secret is a [`SecretString`]: its `Debug` hides it, it has no `Display`, its memory is cleared. Reading one takes
//! a visible `expose_secret()`. What comes from outside (a page's text, a URL, an error) may repeat a secret that was
//! typed into it: a [`Redactor`] takes it out again before anything is written.

mod named;
mod names;

pub use named::mask_named;
pub use names::names_a_secret;
#[cfg(test)]
pub(crate) use names::{ENDS, WORDS};
pub use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret stood.
pub const MASK: &str = "••••••";

/// Takes known secrets out of text.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    /// Also takes out `secret`, as it is and as URLs, forms, HTML and JSON write it. Anything shorter than four characters would
    /// blot out ordinary words and is left alone.
    pub fn add(&mut self, secret: &SecretString) {
        let plain = secret.expose_secret();
        if plain.chars().count() < 4 {
            return;
        }
        for form in written_forms(plain) {
            if !self.secrets.iter().any(|known| known.expose_secret() == form) {
                self.secrets.push(SecretString::from(form));
            }
        }
        // The longest first, so that a secret inside another leaves nothing of it behind.
        self.secrets.sort_by_key(|known| std::cmp::Reverse(known.expose_secret().len()));
    }

    /// Whether `bytes` show one of the secrets.
    pub fn is_shown_by(&self, bytes: &[u8]) -> bool {
        self.secrets.iter().any(|secret| {
            let secret = secret.expose_secret().as_bytes();
            bytes.windows(secret.len()).any(|window| window == secret)
        })
    }

    /// `text` without the secrets.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), MASK))
    }
}

/// How texts of other forms write `plain`: as it is, in addresses, forms, HTML and JSON, in that order.
pub fn written_forms(plain: &str) -> Vec<String> {
    let percent =
        percent_encoding::utf8_percent_encode(plain, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
    let html = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let html_too = html.replace('\'', "&#39;");
    let json = serde_json::Value::from(plain).to_string();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json);
    vec![plain.to_owned(), percent, form, html, html_too, json.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_debug_and_taken_out_of_text() {
        let secret = SecretString::from("s3cret&word");
        let mut redactor = Redactor::default();
        redactor.add(&secret);
        assert!(!format!("{secret:?}{redactor:?}").contains("s3cret"));
        assert_eq!(redactor.redact("a s3cret&word b"), format!("a {MASK} b"));
        assert_eq!(redactor.redact("?q=s3cret%26word"), format!("?q={MASK}"));
        assert_eq!(redactor.redact("<b>s3cret&amp;word</b>"), format!("<b>{MASK}</b>"));
        redactor.add(&SecretString::from("pass \"word\""));
        assert_eq!(redactor.redact(r#"{"a":"pass \"word\""}"#), format!(r#"{{"a":"{MASK}"}}"#));
        assert_eq!(redactor.redact("p=pass+%22word%22"), format!("p={MASK}"));
        assert!(redactor.is_shown_by(b"\xff s3cret&word"));
        assert!(!redactor.is_shown_by(b"\xff"));
    }

    #[test]
    fn a_secret_inside_another_leaves_nothing_behind() {
        let mut redactor = Redactor::default();
        redactor.add(&SecretString::from("tiger"));
        redactor.add(&SecretString::from("tiger-tail"));
        assert_eq!(redactor.redact("tiger-tail"), MASK);
    }
}
