//! What commands are given: values as `KEY=VALUE`, secrets from files, standard input or the environment.

use std::collections::BTreeMap;
use std::io::Read as _;

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

/// Credentials from where the arguments say they are.
pub(super) fn read_credentials(arguments: &[String]) -> anyhow::Result<BTreeMap<String, SecretString>> {
    let mut credentials = BTreeMap::new();
    for (key, source) in pairs(arguments, "--credential")? {
        let secret = if let Some(path) = source.strip_prefix('@') {
            std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the credential `{key}` from {path}"))?
        } else if source == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("cannot read a credential from standard input")?;
            text
        } else if let Some(name) = source.strip_prefix('$') {
            std::env::var(name)
                .with_context(|| format!("the credential `{key}`: {name} is not in the environment"))?
        } else if key == "username" {
            source
        } else {
            bail!(
                "the credential `{key}` must not be an argument, where every process can read it; \
                 use {key}=@FILE, {key}=- or {key}=$VARIABLE"
            );
        };
        credentials.insert(key, SecretString::from(secret.trim_end_matches(['\r', '\n'])));
    }
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_taken_from_an_argument_and_not_repeated() {
        let error = read_credentials(&["password=hunter2-hunter2".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("password=@FILE") && !error.contains("hunter2"), "{error}");
        let error = read_credentials(&["hunter2-hunter2".to_owned()]).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(read_credentials(&["username=ada".to_owned()]).is_ok());
    }
}
