//! What an author sees while a flow runs: a line for each step, its pictures, and a question before each where asked for.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::cli::output::Format;
use crate::failure::FailureClass;
use crate::trace::{Moment, NextStep, NotAllowed, Picture, Preview, StepOutcome, StepRecord, Witness};

/// Whether the author is asked before each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Pace {
    /// The flow runs by itself.
    Through,
    /// One step at a time.
    StepByStep,
}

/// Shows the steps of runs.
#[derive(Debug)]
pub(in crate::cli) struct Progress {
    format: Format,
    pace: Pace,
    pictures: Pictures,
    /// The flow that runs, for the names of its pictures.
    pub(super) flow: String,
    /// A step that began and of which nothing was shown yet.
    open: Option<NextStep>,
    /// Every step that ended, for JSON.
    pub(super) steps: Vec<Value>,
    /// The same as they were told.
    pub(super) records: Vec<StepRecord>,
    /// Every picture by step, where they are asked for.
    pub(in crate::cli) taken: Option<BTreeMap<u32, Vec<Picture>>>,
    /// The picture of the commit step that was shown instead of done.
    pub(super) commit_picture: Option<PathBuf>,
}

/// Where pictures go.
#[derive(Debug)]
pub(in crate::cli) struct Pictures {
    /// The folder; a temporary one, made when it is needed, if none.
    pub(in crate::cli) folder: Option<PathBuf>,
    /// Every picture, or only those of the commit step and of failures.
    pub(in crate::cli) all: bool,
}

impl Pictures {
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => tempfile::Builder::new().prefix("usher-pictures-").tempdir()?.keep(),
        };
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        self.folder = Some(folder);
        std::fs::write(&path, bytes)?;
        Ok(path)
    }
}

impl Progress {
    pub(in crate::cli) fn new(format: Format, pace: Pace, pictures: Pictures) -> Self {
        let (flow, steps, records) = (String::new(), Vec::new(), Vec::new());
        Self { format, pace, pictures, flow, open: None, steps, records, taken: None, commit_picture: None }
    }

    /// Shows the steps on standard error and keeps no pictures but those of failures.
    pub(in crate::cli) fn quiet() -> Self {
        Self::new(Format::Json, Pace::Through, Pictures { folder: None, all: false })
    }

    /// Begins a run.
    pub(in crate::cli) fn begin(&mut self, flow: &str) {
        flow.clone_into(&mut self.flow);
        (self.open, self.commit_picture) = (None, None);
        self.steps.clear();
        self.records.clear();
        self.taken.iter_mut().for_each(BTreeMap::clear);
        self.say(&format!("{flow}:"));
    }

    /// Says a line to the author: on standard error where standard output is for JSON.
    pub(super) fn say(&self, line: &str) {
        match self.format {
            Format::Text => println!("{line}"),
            Format::Json | Format::Sarif => eprintln!("{line}"),
        }
    }

    /// The line of a step that began and in which others begin now.
    fn show_open(&mut self) {
        if let Some(open) = self.open.take() {
            let (depth, words) = ("  ".repeat(open.depth as usize), &open.words);
            self.say(&format!("  {:>3}             {depth}{words}  ({}:{})", open.seq, open.file, open.line));
        }
    }

    fn show(&mut self, record: &StepRecord, kept: &[PathBuf]) {
        let began = self.open.take_if(|open| open.seq == record.seq).is_some();
        let (mark, detail) = match &record.outcome {
            // A step around others was shown when it began.
            StepOutcome::Ok if !began => return,
            StepOutcome::Ok => (' ', None),
            StepOutcome::Skipped { why } => ('-', Some(why.clone())),
            StepOutcome::Failed { class, message } => ('!', Some(format!("{class}: {message}"))),
        };
        if !began && matches!(record.outcome, StepOutcome::Failed { .. }) && kept.is_empty() {
            return;
        }
        let depth = "  ".repeat(record.depth as usize);
        let StepRecord { seq, total_ms, words, file, line, .. } = record;
        self.say(&format!("{mark} {seq:>3}  {total_ms:>6} ms  {depth}{words}  ({file}:{line})"));
        let below = " ".repeat(18) + &depth;
        for line in detail.iter().flat_map(|detail| detail.lines()) {
            self.say(&format!("{below}{line}"));
        }
        for picture in kept {
            self.say(&format!("{below}picture: {}", picture.display()));
        }
    }

    /// Writes the pictures that are wanted; gives where they are.
    fn keep(&mut self, record: &StepRecord, pictures: &[Picture]) -> Vec<PathBuf> {
        let mut kept = Vec::new();
        for picture in pictures {
            let word = picture.moment.as_str();
            if !self.pictures.all && picture.moment == Moment::After {
                continue;
            }
            let name = format!("{}-{:03}-{word}.jpeg", self.flow, record.seq);
            let Some(jpeg) = &picture.jpeg else { continue };
            match self.pictures.write(&name, jpeg) {
                Ok(path) => kept.push(path),
                Err(error) => self.say(&format!("cannot write the picture {name}: {error}")),
            }
        }
        kept
    }
}

#[async_trait]
impl Witness for Progress {
    async fn step(&mut self, record: StepRecord, pictures: Vec<Picture>) {
        let kept = self.keep(&record, &pictures);
        if let Some(taken) = &mut self.taken {
            taken.insert(record.seq, pictures);
        }
        if record.commit && matches!(record.outcome, StepOutcome::Skipped { .. }) {
            self.commit_picture = kept.last().cloned();
        }
        self.show(&record, &kept);
        self.records.push(record.clone());
        let mut step = json!(record);
        if let Value::Object(fields) = &mut step {
            fields.insert("pictures".to_owned(), json!(kept));
        }
        self.steps.push(step);
    }

    fn pictures(&self) -> crate::trace::Pictures {
        match self.pictures.all || self.taken.is_some() {
            true => crate::trace::Pictures::EveryStep,
            false => crate::trace::Pictures::Moments,
        }
    }

    async fn may_go_on(&mut self) -> Result<(), NotAllowed> {
        Ok(())
    }

    fn preview(&self) -> Preview {
        match self.pace {
            Pace::Through => Preview::Steps,
            Pace::StepByStep => Preview::Matches,
        }
    }

    async fn begins(&mut self, next: NextStep) -> Result<(), NotAllowed> {
        self.show_open();
        if self.pace == Pace::StepByStep {
            let commit = if next.commit { "  COMMIT" } else { "" };
            self.say(&format!("next: {}  ({}:{}){commit}", next.words, next.file, next.line));
            for (locator, elements) in &next.matches {
                self.say(&format!("      {locator} matches {}", in_words(elements)));
            }
            match ask().await {
                Answer::Next => {}
                Answer::GoOn => self.pace = Pace::Through,
                Answer::Quit => {
                    let reason = "you asked for it".to_owned();
                    return Err(NotAllowed { class: FailureClass::Internal, reason });
                }
            }
        }
        self.open = Some(next);
        Ok(())
    }

    async fn before_commit(&mut self) -> Result<(), NotAllowed> {
        Ok(())
    }

    async fn committed(&mut self) {}
}

fn in_words(elements: &[String]) -> String {
    match elements {
        [] => "nothing yet".to_owned(),
        [one] => format!("1: {one}"),
        many => format!("{}: {}", many.len(), many.join("    ")),
    }
}

enum Answer {
    Next,
    GoOn,
    Quit,
}

/// Asks on standard error, reads a line of standard input. Where nobody answers the run ends.
async fn ask() -> Answer {
    let read = || {
        eprint!("      [Enter] next  [c] go on  [q] quit > ");
        drop(io::stderr().flush());
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(1..) => Some(line.trim().to_owned()),
            _ => None,
        }
    };
    let line = tokio::task::spawn_blocking(read).await.ok().flatten();
    match line.as_deref() {
        Some("" | "n" | "next") => Answer::Next,
        Some("c" | "continue") => Answer::GoOn,
        _ => Answer::Quit,
    }
}
