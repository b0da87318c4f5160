//! Secrets that cannot be printed by accident, and the masking of those that an app echoes back.
//!
//! A secret is a [`SecretString`]: its `Debug` hides it, it has no `Display`, its memory is cleared. Reading one takes
//! a visible `expose_secret()`. What comes from outside (a page's text, a URL, an error) may repeat a secret that was
//! typed into it: a [`Redactor`] takes it out again before anything is written.

mod named;
mod names;
mod written;

pub use named::mask_named;
pub use names::names_a_secret;
#[cfg(test)]
pub(crate) use names::{ENDS, WORDS};
pub use secrecy::{ExposeSecret, SecretString};
pub use written::written_forms;

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
        // As PHP, Python, Ruby, Go, JavaScript and their templates write it.
        let secret = r#"né/o's <"key">!"#;
        redactor.add(&SecretString::from(secret));
        for written in [
            r#"n\u00e9\/o's <\"key\">!"#,
            r#"n\u00e9/o's <\"key\">!"#,
            "né/o&#x27;s &lt;&quot;key&quot;&gt;!",
            r#"né/o\u0027s \u003c\"key\"\u003e!"#,
            r#"n\u00e9/o\u0027s \u003c\"key\"\u003e!"#,
            "né/o&#39;s &lt;&#34;key&#34;&gt;!",
            "n%C3%A9%2Fo's%20%3C%22key%22%3E!",
        ] {
            assert_eq!(redactor.redact(written), MASK, "{written}");
        }
        assert_eq!(written_forms("a").len(), written_forms(secret).len());
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
