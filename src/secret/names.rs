//! Which names are those of secrets.

/// Words that make a name one of a secret, wherever they stand in it.
pub(crate) const WORDS: [&str; 16] = [
    "apikey",
    "authenticity",
    "authorization",
    "csrf",
    "nonce",
    "otp",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "pwd",
    "secret",
    "token",
    "totp",
];

/// Ends of names that are written without a break: `csrfmiddlewaretoken`, `newpassword`.
pub(crate) const ENDS: [&str; 7] = ["token", "password", "passwd", "secret", "apikey", "csrf", "nonce"];

/// With one of these beside it, a `code` is a one-time code; a country's or a city's code is not.
const BESIDE_CODE: [&str; 8] = ["2fa", "auth", "backup", "factor", "mfa", "security", "sms", "verification"];

/// Whether a field, parameter, attribute or header of that name holds a secret: a password, a one-time code, a token.
pub fn names_a_secret(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    let is_code = words.iter().any(|word| word == "code")
        && (words.len() == 1 || words.iter().any(|word| BESIDE_CODE.contains(&word.as_str())));
    let is_key =
        last == "key" && words.iter().any(|word| matches!(word.as_str(), "api" | "private" | "access"));
    is_code
        || is_key
        || words.iter().any(|word| WORDS.contains(&word.as_str()))
        || ENDS.iter().any(|end| last.ends_with(end))
}

/// The words of a name in small letters: `user[newPassword]` → `user`, `new`, `password`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for c in name.chars() {
        let begins = before.is_none_or(|before: char| {
            !before.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase())
        });
        before = Some(c);
        if !c.is_alphanumeric() {
            continue;
        }
        if begins || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_others() {
        for name in [
            "password",
            "user[password]",
            "newPassword",
            "new_password_confirmation",
            "passwd",
            "pwd",
            "csrf",
            "_csrf",
            "csrfmiddlewaretoken",
            "authenticity_token",
            "X-CSRF-Token",
            "access_token",
            "clientSecret",
            "otp",
            "code",
            "verificationCode",
            "mfa_code",
            "api_key",
            "X-Api-Key",
            "_wpnonce",
            "Authorization",
            "pin",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
        for name in [
            "",
            "email",
            "userName",
            "postcode",
            "country_code",
            "zipCode",
            "compass",
            "passenger",
            "role",
            "spin",
            "key",
            "sort_key",
            "description",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }
}
