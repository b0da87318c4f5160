//! What commands are given: values as `KEY=VALUE`, secrets from files, standard input or the environment.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::secret::SecretString;

/// `KEY=VALUE` arguments as a map.
pub(super) fn pairs(arguments: &[String], option: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for argument in arguments {
        let (key, value) = argument
            .split_once('=')
            // What stands there may be a secret that somebody forgot the key of.
            .with_context(|| format!("a value of {option} has no `=`: it takes KEY=VALUE"))?;
        if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
            bail!("{option} {key}=… is given twice");
        }
    }
    Ok(pairs)
}

/// A number of seconds with or without an `s` behind it.
pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    text.trim_end_matches('s')
        .parse()
        .map(Duration::from_secs)
        .map_err(|_| "a number of seconds, as in 25s".to_owned())
}

/// Credentials from where the arguments say they are.
pub(super) fn read_credentials(arguments: &[String]) -> anyhow::Result<BTreeMap<String, SecretString>> {
    let mut credentials = BTreeMap::new();
    for (key, source) in pairs(arguments, "--credential")? {
        let secret = match read_secret(&format!("the credential `{key}`"), &source)? {
            Some(secret) => secret,
            None if key == "username" => SecretString::from(source),
            None => bail!(
                "the credential `{key}` must not be an argument, where every process can read it; \
                 use {key}=@FILE, {key}=- or {key}=$VARIABLE"
            ),
        };
        credentials.insert(key, secret);
    }
    Ok(credentials)
}

/// A secret from where `source` says it is: `@FILE`, `-` for standard input, `$VARIABLE`; without the line's end. `None` where it says
/// nothing of that kind, and may be the secret itself. `what` names it in errors.
pub(super) fn read_secret(what: &str, source: &str) -> anyhow::Result<Option<SecretString>> {
    let text = if let Some(path) = source.strip_prefix('@') {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {what} from {path}"))?
    } else if source == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.with_context(|| format!("cannot read {what} from standard input"))?;
        text
    } else if let Some(name) = source.strip_prefix('$') {
        std::env::var(name).with_context(|| format!("{what}: {name} is not in the environment"))?
    } else {
        return Ok(None);
    };
    Ok(Some(SecretString::from(text.trim_end_matches(['\r', '\n']))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_a_number_of_seconds() {
        assert_eq!(parse_seconds("25s"), Ok(Duration::from_secs(25)));
        assert_eq!(parse_seconds("0"), Ok(Duration::ZERO));
        assert!(parse_seconds("soon").is_err());
    }

    #[test]
    fn a_password_is_not_taken_from_an_argument_and_not_repeated() {
        let error = read_credentials(&["password=hunter2-hunter2".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("password=@FILE") && !error.contains("hunter2"), "{error}");
        let error = read_credentials(&["hunter2-hunter2".to_owned()]).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(read_credentials(&["username=ada".to_owned()]).is_ok());
    }
}
