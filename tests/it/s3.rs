//! A server of S3 that checks signatures, with a bucket `pictures`, and buckets nobody answers for.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use usher::artifact::{ArtifactError, ArtifactName, Artifacts};
use usher::clock::Timestamp;

use crate::from_pypi::programs;

/// A server that ends when it is dropped.
pub struct Bucket {
    _process: Child,
    pub url: String,
    pub key_id: String,
    pub secret: String,
}

impl Bucket {
    /// Starts it; none where the program is not installed.
    pub async fn start() -> Option<Self> {
        let python = programs()?.join("python");
        let mut process = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            // What makes the bucket and its user; from then on each request must be signed as that user's.
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "4")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next_line().await.unwrap().expect("it says where it listens");
            if let Some((_, url)) = line.split_once("Running on ") {
                break url.trim().to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

        let http = reqwest::Client::new();
        let of = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
            )
        };
        let made =
            http.put(format!("{url}/pictures")).header("Authorization", of("s3")).send().await.unwrap();
        assert!(made.status().is_success());
        let iam = async |action: &str| {
            let body = format!("Version=2010-05-08&UserName=usher&Action={action}");
            let request = http.post(&url).header("Authorization", of("iam")).body(body);
            let request = request.header("Content-Type", "application/x-www-form-urlencoded");
            request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
        };
        iam("CreateUser").await;
        let all_of_s3 = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A*%22%2C%22Resource%22%3A%22*%22%7D%5D%7D";
        iam(&format!("PutUserPolicy&PolicyName=all&PolicyDocument={all_of_s3}")).await;
        let answer = iam("CreateAccessKey").await;
        let text = |tag: &str| {
            let (_, rest) = answer.split_once(&format!("<{tag}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        let (key_id, secret) = (text("AccessKeyId"), text("SecretAccessKey"));
        Some(Self { _process: process, url, key_id, secret })
    }

    /// How to reach it, as environment variables.
    pub fn variables(&self) -> Vec<(String, String)> {
        variables(&self.url, &self.key_id, &self.secret)
    }
}

/// How to reach a server of S3, as environment variables.
pub fn variables(url: &str, key_id: &str, secret: &str) -> Vec<(String, String)> {
    [("AWS_ENDPOINT_URL", url), ("AWS_ACCESS_KEY_ID", key_id), ("AWS_SECRET_ACCESS_KEY", secret)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

async fn behaves(artifacts: &Artifacts) {
    let picture = b"a picture".to_vec();
    let name = artifacts.put(picture.clone(), "jpeg").await.unwrap();
    assert_eq!(name, artifacts.put(picture.clone(), "jpeg").await.unwrap());
    assert_eq!(artifacts.get(&name).await.unwrap(), Some(picture));
    let empty = artifacts.put(Vec::new(), "").await.unwrap();
    assert_eq!(artifacts.get(&empty).await.unwrap(), Some(Vec::new()));
    // More than one piece of anything.
    let large: Vec<u8> = (0..6_000_000_u32).map(|n| (n % 251) as u8).collect();
    let of_large = artifacts.put(large.clone(), "bin").await.unwrap();
    assert_eq!(artifacts.get(&of_large).await.unwrap(), Some(large));
    for _ in 0..2 {
        artifacts.remove(&name).await.unwrap();
        assert_eq!(artifacts.get(&name).await.unwrap(), None);
    }
    assert!(artifacts.get(&of_large).await.unwrap().is_some());
    let page = artifacts.put(b"a page".to_vec(), "html").await.unwrap();
    let stored = async |before: Timestamp| {
        let mut names = Vec::new();
        for part in 0..=u8::MAX {
            names.extend(artifacts.stored(part, before).await.unwrap());
        }
        names.into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(stored(Timestamp::from_ms(i64::MAX)).await, [empty, of_large, page].into());
    assert_eq!(stored(Timestamp::from_ms(1)).await, [].into(), "what is young");
}

#[tokio::test]
async fn a_folder_keeps_gives_and_removes() {
    let root = tempfile::tempdir().unwrap();
    behaves(&Artifacts::folder(root.path().join("pictures"))).await;
}

#[tokio::test]
async fn a_bucket_keeps_gives_and_removes_and_what_it_refuses_is_told_with_its_cure() {
    let Some(bucket) = Bucket::start().await else { return };
    for place in ["s3://pictures", "s3://pictures/usher/test"] {
        behaves(&Artifacts::at(place, bucket.variables()).unwrap()).await;
    }

    let name = ArtifactName::of(b"picture", "jpeg");
    let no_bucket = ("s3://no-such-bucket", bucket.variables());
    let no_user = ("s3://pictures", variables(&bucket.url, "AKIAAAAAAAAAAAAAAAAA", "canary-5ecret"));
    let no_secret = ("s3://pictures", variables(&bucket.url, &bucket.key_id, "canary-5ecret"));
    for ((place, variables), says) in [
        (no_bucket, "S3 says NoSuchBucket; make the bucket"),
        (no_user, "S3 says InvalidAccessKeyId; look at AWS_ACCESS_KEY_ID"),
        (no_secret, "S3 says SignatureDoesNotMatch; look at AWS_ACCESS_KEY_ID"),
    ] {
        let artifacts = Artifacts::at(place, variables).unwrap();
        let errors = [
            artifacts.put(b"picture".to_vec(), "jpeg").await.unwrap_err(),
            artifacts.get(&name).await.unwrap_err(),
            artifacts.remove(&name).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(says), "{error}");
            let all = format!("{error:?}");
            assert!(!all.contains("canary") && !all.contains(&bucket.secret), "{all}");
        }
    }
}

#[tokio::test]
async fn a_bucket_that_nobody_answers_for_is_given_up_and_tells_no_secret() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let at = || Artifacts::at("s3://pictures", variables(&url, "key", "canary-5ecret")).unwrap();
    let silent = at().put(b"picture".to_vec(), "jpeg").await.unwrap_err();
    assert!(matches!(silent, ArtifactError::Silent { .. }), "{silent:?}");
    drop(listener);
    let refused = at().put(b"picture".to_vec(), "jpeg").await.unwrap_err();
    assert!(refused.to_string().contains("it cannot be reached: Connection refused"), "{refused:?}");
    assert!(!format!("{silent:?}{refused:?}{:?}", at()).contains("canary"));
}

/// The files below a folder.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
