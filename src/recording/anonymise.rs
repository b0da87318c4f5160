//! People's data in files replaced by fictional values that are the same for the same person, wherever and whenever they stand.
//!
//! Replaced are the values that are given, and every address of mail that stands in a text, whoever's it is. Pictures cannot be made so and
//! are left out. Deliberately absent: recognising names by themselves; who is not given stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use sha2::{Digest as _, Sha256};

use super::Files;
use crate::secret::written_forms;

/// Shorter values are words of a page as often as somebody's name.
const SHORTEST: usize = 3;

const FIRST: [&str; 16] = [
    "Alma", "Bela", "Cleo", "Dara", "Edda", "Finn", "Gil", "Hanno", "Ines", "Jori", "Kaia", "Lior", "Mika",
    "Nils", "Odile", "Pina",
];
const LAST: [&str; 16] = [
    "Ahlberg", "Brandt", "Castell", "Dorn", "Ekwall", "Falk", "Gruber", "Hale", "Ivers", "Jansen", "Keller",
    "Lund", "Moreau", "Novak", "Orlan", "Petri",
];

static MAIL: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    // As it is, with its `@` as forms write it, or with everything but letters and digits as addresses of pages may write it.
    Regex::new(
        r"(?i)\b(?:[a-z0-9._+-]|%2e|%5f|%2b|%2d)+(@|%40)(?:[a-z0-9-]|%2d)+(?:(?:\.|%2e)(?:[a-z0-9-]|%2d)+)+\b",
    )
});

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anonymised {
    /// The files, without pictures.
    pub files: Files,
    /// How many values were replaced by others.
    pub values: usize,
    /// How many pictures were left out.
    pub pictures: usize,
}

/// The files with the values of people replaced. `people` are names and other values that tell who somebody is; `kept` are addresses that
/// are nobody's, such as that of the service account.
pub fn anonymise(files: Files, people: &BTreeSet<String>, kept: &BTreeSet<String>) -> Anonymised {
    let mut fictional = Fictional::default();
    let (mut clean, mut pictures) = (Files::new(), 0);
    for name in people.iter().filter(|name| name.chars().count() >= SHORTEST && !kept.contains(*name)) {
        fictional.of(name);
    }
    for (path, bytes) in files {
        if path.ends_with(".jpeg") {
            pictures += 1;
            continue;
        }
        let is_connector = path.starts_with("connector/");
        let bytes = match String::from_utf8(bytes) {
            Ok(text) if !is_connector => fictional.replace(&text, kept).into_bytes(),
            Ok(text) => text.into_bytes(),
            Err(other) => other.into_bytes(),
        };
        clean.insert(path, bytes);
    }
    Anonymised { files: clean, values: fictional.by_value.len(), pictures }
}

/// Values and what stands for them.
#[derive(Default)]
struct Fictional {
    by_value: BTreeMap<String, String>,
    /// Each belongs to one.
    taken: BTreeSet<String>,
}

impl Fictional {
    /// What stands for a value: the same every time, as far as nobody else in these files has it already.
    fn of(&mut self, value: &str) -> String {
        let key = value.to_lowercase();
        if let Some(known) = self.by_value.get(&key) {
            return known.clone();
        }
        let digest = Sha256::digest(key.as_bytes());
        let (mut first, last) = (usize::from(digest[0]), LAST[usize::from(digest[1]) % LAST.len()]);
        let fictional = loop {
            let name = FIRST[first % FIRST.len()];
            let round = first / (FIRST.len() * 16);
            let number = if round == 0 { String::new() } else { round.to_string() };
            let candidate = if key.contains('@') {
                format!("{}.{}{number}@example.org", name.to_lowercase(), last.to_lowercase())
            } else if key.contains(' ') {
                format!("{name} {last}{number}")
            } else {
                format!("{name}{number}")
            };
            if self.taken.insert(candidate.clone()) {
                break candidate;
            }
            first += 1;
        };
        self.by_value.insert(key, fictional.clone());
        fictional
    }

    fn replace(&mut self, text: &str, kept: &BTreeSet<String>) -> String {
        let Ok(mail) = &*MAIL else { return text.to_owned() };
        let text = mail.replace_all(text, |found: &Captures<'_>| {
            let (whole, at) = (&found[0], &found[1]);
            let address = percent_encoding::percent_decode_str(whole).decode_utf8_lossy().into_owned();
            if kept.contains(&address) || address.ends_with("@example.org") {
                return whole.to_owned();
            }
            let fictional = self.of(&address);
            match whole.contains("%2E") || whole.contains("%2e") {
                true => percent(&fictional),
                false => fictional.replacen('@', at, 1),
            }
        });
        let mut names: Vec<(&String, &String)> =
            self.by_value.iter().filter(|(value, _)| !value.contains('@')).collect();
        // The longest first: a name may be a part of another.
        names.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        names.into_iter().fold(text.into_owned(), |text, (value, fictional)| {
            written_forms(value).into_iter().zip(written_forms(fictional)).fold(
                text,
                |text, (value, fictional)| match Regex::new(&format!("(?i){}", regex::escape(&value))) {
                    Ok(value) => value.replace_all(&text, regex::NoExpand(&fictional)).into_owned(),
                    Err(_) => text,
                },
            )
        })
    }
}

fn percent(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_replaced_the_same_everywhere_and_nobody_else_is() {
        let page = "<td>Ada Lovelace</td><td>ADA@acme.example</td><td>pal@acme.example</td><td>Pat O&#39;Hara</td><td>owner@acme.example</td>";
        let har = r#"{"url":"/members?q=ada%40acme.example&name=Ada+Lovelace","email":"ada@acme.example","to":"/m/ada%40acme%2Eexample"}"#;
        let files: Files = [
            ("bodies/a.html", page.as_bytes()),
            ("network.har", har.as_bytes()),
            ("connector/connector.yaml", b"like: ada@acme.example"),
            ("pictures/001-after.jpeg", b"jpeg"),
            ("bodies/b.png", &[0xff, 0xfe]),
        ]
        .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
        .into();
        let people = ["Ada Lovelace".to_owned(), "Pat O'Hara".to_owned(), "Al".to_owned()].into();
        let kept = ["owner@acme.example".to_owned()].into();
        let once = anonymise(files.clone(), &people, &kept);
        assert_eq!((once.values, once.pictures, once.files.len()), (4, 1, 4));
        let text = |path: &str| String::from_utf8_lossy(&once.files[path]).into_owned();
        let both = text("bodies/a.html") + &text("network.har");
        for gone in ["Ada Lovelace", "Ada+Lovelace", "ada@acme", "ADA@acme", "ada%40acme", "pal@acme", "Hara"]
        {
            assert!(!both.contains(gone), "{gone}: {both}");
        }
        assert!(both.contains("owner@acme.example"), "{both}");
        let mail = Regex::new("[a-z.0-9]+@example.org").unwrap();
        let first = mail.find(&both).unwrap().as_str();
        assert!(text("network.har").contains(&first.replace('@', "%40")), "{both}");
        assert!(text("network.har").contains(&format!("\"{first}\"")), "{both}");
        assert_eq!(text("connector/connector.yaml"), "like: ada@acme.example");
        assert_eq!(anonymise(files, &people, &kept), once, "the same again");
        let again = anonymise(once.files.clone(), &BTreeSet::new(), &kept);
        assert_eq!(again.files, once.files, "what is fictional stays");
    }
}
