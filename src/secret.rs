//! Secrets that cannot be printed by accident, and the masking of those that an app echoes back.
//!
//! A secret is a [`SecretString`]: its `Debug` hides it, it has no `Display`, its memory is cleared. Reading one takes
//! a visible `expose_secret()`. What comes from outside (a page's text, a URL, an error) may repeat a secret that was
//! typed into it: a [`Redactor`] takes it out again before anything is written.

pub use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret stood.
pub const MASK: &str = "••••••";

/// Takes known secrets out of text.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    /// Also takes out `secret`, as it is and percent-encoded. Anything shorter than four characters would blot out
    /// ordinary words and is left alone.
    pub fn add(&mut self, secret: &SecretString) {
        let plain = secret.expose_secret();
        if plain.chars().count() < 4 {
            return;
        }
        let encoded =
            percent_encoding::utf8_percent_encode(plain, percent_encoding::NON_ALPHANUMERIC).to_string();
        for form in [plain.to_owned(), encoded] {
            if !self.secrets.iter().any(|known| known.expose_secret() == form) {
                self.secrets.push(SecretString::from(form));
            }
        }
        // The longest first, so that a secret inside another leaves nothing of it behind.
        self.secrets.sort_by_key(|known| std::cmp::Reverse(known.expose_secret().len()));
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
    }

    #[test]
    fn a_secret_inside_another_leaves_nothing_behind() {
        let mut redactor = Redactor::default();
        redactor.add(&SecretString::from("tiger"));
        redactor.add(&SecretString::from("tiger-tail"));
        assert_eq!(redactor.redact("tiger-tail"), MASK);
    }
}
