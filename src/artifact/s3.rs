//! Artifacts in a bucket of S3, or of a server that speaks as S3 does.
//!
//! An object is whole or not there, and is only made where there is none of its name (`If-None-Match`).

use std::error::Error as _;
use std::fmt;
use std::future::Future;

use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::HttpError;
use object_store::path::Path;
use object_store::{Error, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload, RetryConfig};

use super::http::Connector;
use super::{ArtifactError, ArtifactName, LIMIT};
use crate::clock::Timestamp;

/// The place is none where artifacts can be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Another scheme than `s3`, or none.
    #[error("write a bucket as s3://BUCKET/PREFIX; where it is, AWS_REGION or AWS_ENDPOINT_URL says")]
    NotS3,
    /// There is a password, or what could be one. It is not shown.
    #[error(
        "write s3://BUCKET/PREFIX and nothing more: credentials come from AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, region and endpoint from AWS_REGION and AWS_ENDPOINT_URL"
    )]
    TooMuch,
    /// The bucket's name.
    #[error(
        "`{0}` is no name of a bucket: 3 to 63 small letters, digits, dots and hyphens, as in s3://pictures/usher"
    )]
    Bucket(String),
    /// The prefix.
    #[error("`{0}` is no prefix: write letters, digits, `.`, `_` and `-`, with single slashes between them")]
    Prefix(String),
    /// Half a credential.
    #[error("of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set; set both")]
    HalfACredential,
    /// The endpoint.
    #[error(
        "AWS_ENDPOINT_URL must begin with https://, or with http:// for a server that you trust the way to"
    )]
    Endpoint,
    /// Anything else in the variables.
    #[error("the AWS_… variables do not fit: {0}")]
    Variables(String),
}

/// A bucket and a prefix in it. Clones share it.
#[derive(Clone)]
pub struct S3 {
    store: AmazonS3,
    /// `s3://bucket/`
    bucket: String,
    /// `prefix/`, or empty.
    prefix: String,
    credentials: Credentials,
}

/// Where the credentials are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credentials {
    Environment,
    /// None are in the environment; on a machine of AWS's, the machine has some.
    Machine,
}

impl S3 {
    pub(super) fn new(
        place: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, PlaceError> {
        let (bucket, prefix) = parse(place)?;
        let mut builder = AmazonS3Builder::new();
        for (name, value) in variables {
            let key = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse());
            if let (Some(Ok(key)), false) = (key, value.is_empty()) {
                builder = builder.with_config(key, value);
            }
        }
        let is_set = |key| builder.get_config_value(&key).is_some();
        let key_id = is_set(AmazonS3ConfigKey::AccessKeyId);
        if key_id != is_set(AmazonS3ConfigKey::SecretAccessKey) {
            return Err(PlaceError::HalfACredential);
        }
        let others = [
            AmazonS3ConfigKey::WebIdentityTokenFile,
            AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
            AmazonS3ConfigKey::ContainerCredentialsFullUri,
        ];
        let credentials = match key_id || others.into_iter().any(is_set) {
            true => Credentials::Environment,
            false => Credentials::Machine,
        };
        let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint]
            .into_iter()
            .find_map(|key| builder.get_config_value(&key))
            .unwrap_or_else(|| "https://".to_owned());
        if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
            return Err(PlaceError::Endpoint);
        }
        let store = builder
            .with_bucket_name(&bucket)
            .with_allow_http(endpoint.starts_with("http://"))
            .with_retry(RetryConfig { max_retries: 2, retry_timeout: LIMIT, ..RetryConfig::default() })
            .with_http_connector(Connector)
            .build()
            .map_err(|error| PlaceError::Variables(error.to_string()))?;
        let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
        Ok(Self { store, bucket: format!("s3://{bucket}/"), prefix, credentials })
    }

    pub(super) async fn keep(&self, name: &ArtifactName, bytes: Vec<u8>) -> Result<(), ArtifactError> {
        let key = self.key(name);
        let put = self.store.put_opts(&key, PutPayload::from(bytes), PutMode::Create.into());
        self.within(name, async {
            match put.await {
                Ok(_) | Err(Error::AlreadyExists { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await
    }

    pub(super) async fn get(&self, name: &ArtifactName) -> Result<Option<Vec<u8>>, ArtifactError> {
        self.within(name, async {
            match self.store.get(&self.key(name)).await {
                Ok(found) => Ok(Some(found.bytes().await?.to_vec())),
                Err(error @ Error::NotFound { .. }) if code(&error).as_deref() != Some("NoSuchBucket") => {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// The names whose hash begins so, of objects that were put there before then.
    pub(super) async fn stored(
        &self,
        part: u8,
        before: Timestamp,
    ) -> Result<Vec<ArtifactName>, ArtifactError> {
        let folder = format!("{part:02x}");
        let path = Path::from(format!("{}{folder}", self.prefix));
        let mut listed = self.store.list(Some(&path));
        let mut names = Vec::new();
        let address = || format!("{}{path}", self.bucket);
        // Each page of the list may take so long as one artifact.
        while let Some(object) = self.bounded(address, listed.try_next()).await? {
            let name = object.location.filename().and_then(|file| ArtifactName::at(&folder, file));
            if object.last_modified.timestamp_millis() < before.as_ms() {
                names.extend(name);
            }
        }
        Ok(names)
    }

    pub(super) async fn remove(&self, name: &ArtifactName) -> Result<(), ArtifactError> {
        self.within(name, async { self.store.delete(&self.key(name)).await }).await
    }

    pub(super) fn address(&self, name: &ArtifactName) -> String {
        format!("{}{}", self.bucket, self.key(name))
    }

    fn key(&self, name: &ArtifactName) -> Path {
        let (folder, file) = name.place();
        Path::from(format!("{}{folder}/{file}", self.prefix))
    }

    /// What S3 answers about this name, in bounded time.
    async fn within<T>(
        &self,
        name: &ArtifactName,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, ArtifactError> {
        self.bounded(|| self.address(name), asked).await
    }

    async fn bounded<T>(
        &self,
        address: impl Fn() -> String,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, ArtifactError> {
        match tokio::time::timeout(LIMIT, asked).await {
            Ok(answered) => answered.map_err(|error| {
                let none = match self.credentials {
                    Credentials::Environment => "",
                    Credentials::Machine => "; no credentials are in the AWS_… variables",
                };
                ArtifactError::S3 { address: address(), why: format!("{}{none}", why(&error)) }
            }),
            Err(_) => Err(ArtifactError::Silent { address: address() }),
        }
    }
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3({}{})", self.bucket, self.prefix)
    }
}

/// The bucket and the prefix of `s3://bucket/prefix`; the prefix is without a slash at its ends.
fn parse(place: &str) -> Result<(String, String), PlaceError> {
    if place.contains(['@', '?', '#']) {
        return Err(PlaceError::TooMuch);
    }
    let (bucket, prefix) = match place.strip_prefix("s3://") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => return Err(PlaceError::NotS3),
    };
    let of_bucket = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(of_bucket) {
        return Err(PlaceError::Bucket(bucket.to_owned()));
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let of_prefix = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(of_prefix);
    if !prefix.is_empty() && !prefix.split('/').all(is_part) {
        return Err(PlaceError::Prefix(prefix.to_owned()));
    }
    Ok((bucket.to_owned(), prefix.to_owned()))
}

/// Why S3 did not do it, without anything that it repeats of the request.
fn why(error: &Error) -> String {
    if let Some(code) = code(error) {
        let cure = match code.as_str() {
            "AccessDenied"
            | "ExpiredToken"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "SignatureDoesNotMatch" => {
                "; look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they allow"
            }
            "AuthorizationHeaderMalformed" | "PermanentRedirect" => "; look at AWS_REGION",
            "NoSuchBucket" => "; make the bucket, or name another with --artifacts",
            _ => "",
        };
        return format!("S3 says {code}{cure}");
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<HttpError>() {
            let mut root = error;
            while let Some(deeper) = root.source() {
                root = deeper;
            }
            return format!("it cannot be reached: {root}");
        }
        cause = error.source();
    }
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => "S3 denies the access".to_owned(),
        Error::NotFound { .. } => "there is no such bucket or object".to_owned(),
        _ => "S3 failed; look at AWS_REGION and AWS_ENDPOINT_URL".to_owned(),
    }
}

/// The code of an answer of S3's, as `NoSuchBucket`.
fn code(error: &Error) -> Option<String> {
    let text = error.to_string();
    let (code, _) = text.split_once("<Code>")?.1.split_once("</Code>")?;
    (code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric())).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(place: &str, variables: &[(&str, &str)]) -> PlaceError {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        S3::new(place, variables).unwrap_err()
    }

    #[test]
    fn a_place_that_is_none_is_refused_with_what_to_write_instead() {
        for (place, expected) in [
            ("https://pictures.s3.amazonaws.com", PlaceError::NotS3),
            ("s3:/pictures", PlaceError::NotS3),
            ("s3://key:secret@pictures", PlaceError::TooMuch),
            ("s3://pictures?region=x", PlaceError::TooMuch),
            ("s3://", PlaceError::Bucket(String::new())),
            ("s3://Pictures/a", PlaceError::Bucket("Pictures".into())),
            ("s3://pictures//a", PlaceError::Prefix("/a".into())),
            ("s3://pictures/a/../b", PlaceError::Prefix("a/../b".into())),
            ("s3://pictures/a b", PlaceError::Prefix("a b".into())),
        ] {
            assert_eq!(refused(place, &[]), expected, "{place}");
        }
        assert!(!PlaceError::TooMuch.to_string().contains("secret@"));
        assert_eq!(
            refused("s3://pictures", &[("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "")]),
            PlaceError::HalfACredential
        );
        assert_eq!(refused("s3://pictures", &[("AWS_ENDPOINT_URL", "minio:9000")]), PlaceError::Endpoint);
    }

    #[test]
    fn nothing_of_a_bucket_shows_its_credentials() {
        let secret = "canary-5ecret";
        let variables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
            .map(|name| (name.to_owned(), secret.to_owned()));
        let s3 = S3::new("s3://pictures/usher/", variables).unwrap();
        assert_eq!(format!("{s3:?}"), "S3(s3://pictures/usher/)");
        let name = ArtifactName::of(b"", "jpeg");
        assert_eq!(
            s3.address(&name),
            format!("s3://pictures/usher/{}/{}", &name.hash()[..2], &name.as_str()[2..])
        );
    }
}
