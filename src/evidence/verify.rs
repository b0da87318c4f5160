//! Verifies a bundle from itself alone: every byte of every file, the chain of its events, and that its stories say what the events say.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::chain::{Ends, EventLine, OtherLine};
use super::claims::{Claim, Said, claims_of, pictures_of};
use super::follow::{Remembered, follow};
use super::package::{PackageError, list};
use super::seal::Hashed;
use super::unpack::{Limits, read_package};
use super::{ABOUT, CHAIN, EVENTS, PICTURES, SUMS, VERSION};
use crate::store::{ChainHead, chained};

const LIMITS: Limits = Limits { files: 5_000_000, bytes_of_one: 64 << 30, bytes: 1 << 40 };

/// What is read into memory at once: a file that is not read by lines, or a line.
const IN_MEMORY: u64 = 256 << 20;

/// After so many lines that cannot be read no more of the file are.
const MOST_UNREAD: usize = 1000;

/// Something of a bundle that is not as it was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// The file, where it is one.
    pub file: Option<String>,
    /// The event, where it is one.
    pub event: Option<i64>,
    /// What is wrong with it.
    pub what: String,
}

/// What a bundle was found to be.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it says of itself; nothing where that cannot be read.
    pub about: Value,
    /// The hash of its list of hashes.
    pub digest: String,
    /// How many files it has.
    pub files: usize,
    /// Its events, by their place and the hash of the chain with them.
    pub events: Vec<(i64, String)>,
    /// Where the chain ends in it.
    pub head: Option<ChainHead>,
    /// What is wrong with it; nothing where it is as it was exported.
    pub wrong: Vec<Wrong>,
}

/// There is nothing to verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something else is there.
    #[error("{} is no evidence bundle: it has no {ABOUT}, {EVENTS} and {SUMS}", .0.display())]
    NotOne(PathBuf),
    /// A later Usher wrote it.
    #[error("the bundle has version {0}, this program knows up to {VERSION}: verify it with a newer usher")]
    Newer(u64),
    /// It cannot be read.
    #[error(transparent)]
    Package(#[from] PackageError),
}

/// Verifies the bundle at `path`; `digest` is what the export printed.
///
/// # Errors
/// It is no bundle, or cannot be read.
pub fn verify(path: &Path, digest: Option<&str>) -> Result<Verified, VerifyError> {
    let mut bundle = Bundle::default();
    let odd = read_package(path, LIMITS, &mut |name, from| bundle.take(name, from))?;
    if ![ABOUT, EVENTS, SUMS].iter().any(|name| bundle.found.contains_key(*name)) {
        return Err(VerifyError::NotOne(path.to_owned()));
    }
    for odd in odd {
        bundle.wrong(Some(&odd.name), None, odd.what);
    }
    let is_about_sound = bundle.check_sums();
    let about: Value = serde_json::from_slice(&bundle.about).unwrap_or_default();
    let version = about["version"].as_u64().filter(|_| is_about_sound).unwrap_or(VERSION);
    if version > VERSION {
        return Err(VerifyError::Newer(version));
    }
    let found = bundle.found.get(SUMS).cloned().unwrap_or_default();
    if digest.is_some_and(|digest| !digest.eq_ignore_ascii_case(&found)) {
        let what = "has another digest than the export printed: the bundle was made anew, or is another one";
        bundle.wrong(Some(SUMS), None, what);
    }
    let head = match Ends::deserialize_from(&about) {
        Some(ends) => {
            bundle.events.sort_by_key(|event| event.seq);
            bundle.others.sort_by_key(|(seq, _)| *seq);
            let (head, wrong) = follow(&bundle.events, &bundle.others, &ends);
            bundle.wrong.extend(wrong);
            head
        }
        None => {
            bundle.wrong(Some(ABOUT), None, "does not say where the chain of events begins and ends");
            None
        }
    };
    bundle.check_stories(about["missing"].as_array().map_or(&[], Vec::as_slice));
    let mut wrong = bundle.wrong;
    wrong.sort_by(|one, other| (&one.file, one.event).cmp(&(&other.file, other.event)));
    wrong.dedup();
    let events = bundle.events.into_iter().map(|event| (event.seq, event.hash)).collect();
    Ok(Verified { about, digest: found, files: bundle.found.len(), events, head, wrong })
}

impl Ends {
    fn deserialize_from(about: &Value) -> Option<Self> {
        serde_json::from_value(about["chain"].clone()).ok()
    }
}

fn is_story(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|name| {
        name.starts_with("people/") || name.starts_with("groups/") || name == "integration"
    })
}

#[derive(Default)]
struct Bundle {
    /// The hashes of the files that are there.
    found: BTreeMap<String, String>,
    sums: Vec<u8>,
    about: Vec<u8>,
    events: Vec<Remembered>,
    others: Vec<(i64, String)>,
    claims: Vec<Claim>,
    /// The pictures that stories point at, each with one of those stories.
    pointed: BTreeMap<String, String>,
    wrong: Vec<Wrong>,
}

impl Bundle {
    fn wrong(&mut self, file: Option<&str>, event: Option<i64>, what: impl Into<String>) {
        self.wrong.push(Wrong { file: file.map(str::to_owned), event, what: what.into() });
    }

    /// Takes a file in.
    fn take(&mut self, name: &str, from: &mut dyn Read) -> io::Result<()> {
        let mut from = Hashed::new(from);
        match name {
            SUMS => self.sums = self.whole(name, &mut from)?,
            ABOUT => self.about = self.whole(name, &mut from)?,
            EVENTS => self.lines(name, &mut from, Self::event)?,
            CHAIN => self.lines(name, &mut from, |bundle, line: OtherLine| {
                bundle.others.push((line.seq, line.digest));
            })?,
            _ if is_story(name) => {
                let story = self.whole(name, &mut from)?;
                self.story(name, &story);
            }
            _ => {}
        }
        io::copy(&mut from, &mut io::sink())?;
        let sum = from.sum();
        let named = name.strip_prefix(PICTURES).and_then(|picture| picture.split('.').next());
        if named.is_some_and(|named| named != sum) {
            self.wrong(Some(name), None, "is not the picture that its name says");
        }
        self.found.insert(name.to_owned(), sum);
        Ok(())
    }

    fn whole(&mut self, name: &str, from: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        from.take(IN_MEMORY).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == IN_MEMORY {
            self.wrong(Some(name), None, "is too large to be read");
        }
        Ok(bytes)
    }

    fn lines<L: DeserializeOwned>(
        &mut self,
        name: &str,
        from: &mut impl Read,
        mut take: impl FnMut(&mut Self, L),
    ) -> io::Result<()> {
        let mut lines = BufReader::with_capacity(1 << 16, from);
        let mut line = Vec::new();
        let mut unread = 0;
        for number in 1_u64.. {
            line.clear();
            if unread == MOST_UNREAD {
                self.wrong(Some(name), None, "is not read any further");
                break;
            }
            if (&mut lines).take(IN_MEMORY).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            match serde_json::from_slice(&line) {
                Ok(read) => take(self, read),
                Err(_) => {
                    unread += 1;
                    self.wrong(Some(name), None, format!("line {number} is not one of such a file"));
                }
            }
        }
        Ok(())
    }

    fn event(&mut self, EventLine { event, before, hash }: EventLine) {
        if chained(&before, &event.digest()) != hash {
            self.wrong(Some(EVENTS), Some(event.seq), "is not as it was recorded");
        }
        self.events.push(Remembered { seq: event.seq, before, hash, said: Said::of(&event) });
    }

    fn story(&mut self, name: &str, text: &[u8]) {
        let Ok(story) = serde_json::from_slice::<Value>(text) else {
            return self.wrong(Some(name), None, "cannot be read");
        };
        self.claims.extend(claims_of(name, &story));
        let pictures = pictures_of(&story).into_iter().map(|picture| (picture, name.to_owned()));
        self.pointed.extend(pictures);
    }

    /// Compares the files with the list of hashes; returns whether what the bundle says of itself is what was exported.
    fn check_sums(&mut self) -> bool {
        let text = String::from_utf8_lossy(&self.sums).into_owned();
        let listed: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
            .collect();
        if !self.found.contains_key(SUMS) {
            self.wrong(Some(SUMS), None, "is missing");
            return false;
        }
        if list(&listed) != text || text.as_bytes() != self.sums {
            self.wrong(Some(SUMS), None, "is not written as such a list is");
        }
        let names: BTreeSet<String> = listed.keys().chain(self.found.keys()).cloned().collect();
        for name in names.iter().filter(|name| *name != SUMS) {
            match (listed.get(name), self.found.get(name)) {
                (Some(listed), Some(found)) if listed == found => {}
                (Some(_), Some(_)) => self.wrong(
                    Some(name),
                    None,
                    format!("is not what was exported: it has another hash than {SUMS} says"),
                ),
                (Some(_), None) => self.wrong(Some(name), None, "is missing"),
                (None, _) => {
                    self.wrong(Some(name), None, format!("was not exported: {SUMS} does not know it"));
                }
            }
        }
        listed.contains_key(ABOUT) && listed.get(ABOUT) == self.found.get(ABOUT)
    }

    /// Compares the stories with the events, and with the pictures.
    fn check_stories(&mut self, missing: &[Value]) {
        let said: BTreeMap<i64, Said> = self.events.iter().map(|event| (event.seq, event.said)).collect();
        for claim in std::mem::take(&mut self.claims) {
            let holds = match said.get(&claim.event) {
                Some(said) => claim.is(said),
                // What a job did before the time that the bundle is about.
                None => claim.may_be_of_others(),
            };
            if !holds {
                self.wrong(Some(&claim.file), Some(claim.event), "is told otherwise than it was recorded");
            }
        }
        let missing: BTreeSet<&str> = missing.iter().filter_map(|one| one["picture"].as_str()).collect();
        for (picture, story) in std::mem::take(&mut self.pointed) {
            if !self.found.contains_key(&picture) && !missing.contains(picture.as_str()) {
                self.wrong(Some(&picture), None, format!("is missing; {story} points at it"));
            }
        }
    }
}
