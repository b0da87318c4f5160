//! The fuzz targets on a stable compiler: every seed, and mutations of it that are the same each time. Finding its own
//! way into the code is what `cargo fuzz` does (`fuzz/README.md`); this holds what it found, and that the targets build.
//!
//! `FUZZ_ROUNDS=100000` makes more mutations of each seed, `FUZZ_TARGET=locator` leaves the other targets out.

#[path = "../../fuzz/src/targets.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Pieces that the languages are made of.
const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "|",
    "\"",
    "'",
    "\\",
    "/",
    "(",
    ")",
    "(has ",
    " > ",
    "~",
    " nth 2",
    " first",
    "i",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "\n",
    "\r\n",
    "\t",
    "  ",
    "&a ",
    "*a",
    "!t ",
    "---\n",
    "? ",
    "|\n ",
    ">-\n ",
    "#",
    "é",
    "😀",
    "\u{feff}",
    "account.email",
    "settings.org_id",
    "role.key",
    " == ",
    " and ",
    " not ",
    " eq ",
    "[type eq \"work\"]",
    ".",
    "urn:",
    "do:\n",
    "commit: true",
    "run: a",
    "=== flows/a.yaml\n",
    "0",
    "-1",
    "99999999999999999999",
    "true",
    "null",
];

/// Numbers that look random and are the same in each run (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (below.max(1) as u64)).unwrap()
    }
}

fn mutate(seed: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=numbers.next(6) {
        let at = numbers.next(data.len() + 1);
        let end = (at + 1 + numbers.next(12)).min(data.len());
        match numbers.next(6) {
            0 => drop(data.splice(at..at, WORDS[numbers.next(WORDS.len())].bytes())),
            1 => drop(data.splice(at..end, WORDS[numbers.next(WORDS.len())].bytes())),
            2 => drop(data.drain(at..end)),
            3 => {
                let copy = data[at..end].to_vec();
                let times = 1 + numbers.next(40);
                drop(data.splice(at..at, copy.repeat(times)));
            }
            4 => {
                let from = numbers.next(other.len() + 1);
                let to = (from + numbers.next(60)).min(other.len());
                drop(data.splice(at..at, other[from..to].iter().copied()));
            }
            _ => data.extend(data.get(at).copied().map(|byte| byte ^ (1 << numbers.next(8)))),
        }
    }
    data
}

#[test]
fn no_seed_and_no_mutation_of_one_breaks_a_target() {
    let rounds = std::env::var("FUZZ_ROUNDS").map_or(30, |rounds| rounds.parse().unwrap());
    let only = std::env::var("FUZZ_TARGET").ok();
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in
        targets::TARGETS.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name))
    {
        let mut files: Vec<_> =
            std::fs::read_dir(seeds.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let seeds: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        assert!(!seeds.is_empty(), "{name} has no seed");
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        for seed in &seeds {
            for round in 0..=rounds {
                let other = &seeds[numbers.next(seeds.len())];
                let data = if round == 0 { seed.clone() } else { mutate(seed, other, &mut numbers) };
                let ran = catch_unwind(AssertUnwindSafe(|| target(&data)));
                assert!(ran.is_ok(), "{name} breaks on {:?}", String::from_utf8_lossy(&data));
            }
        }
    }
}
