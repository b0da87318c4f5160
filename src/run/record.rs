//! The records of a run: what each step was, how it went, how long its parts took, its pictures.

use std::collections::BTreeMap;
use std::time::Duration;

use super::runner::Runner;
use crate::browser::{Acted, Exposure, Kept, Overheard, Photograph, Sent, Shot, Target};
use crate::clock::Timestamp;
use crate::secret::{MASK, mask_named};
use crate::step::{At, Failure, Need, Pictures, Role, Step, shorten};
use crate::trace::{Moment, Picture, Pictures as Wanted, Request, StepOutcome, StepRecord};

/// What is measured and noted while one step goes on.
#[derive(Debug)]
pub(super) struct Notes {
    /// The order in which it began.
    pub seq: u32,
    /// How many steps it is nested in.
    pub depth: u32,
    started_at: Timestamp,
    /// On the clock that only goes forward.
    pub began: Duration,
    find_ms: u64,
    wait_ms: u64,
    act_ms: u64,
    settle_ms: u64,
    /// What it was about on the page last.
    pub target: Option<Target>,
    /// Its templates and what they give.
    values: BTreeMap<String, String>,
    /// Whether it changed the page.
    pub changed: bool,
    /// What it did, where it said so itself.
    pub said: Option<String>,
    /// What it was to do.
    pub doing: String,
    /// What it did, in its kind's words.
    pub done: String,
    /// Whether it is the commit step.
    pub role: Role,
    /// Whether it may come to nothing.
    pub need: Need,
    /// Where it is.
    pub at: At,
    /// Whether pictures are taken.
    pub wanted: Pictures,
    pictures: Vec<Picture>,
    /// A picture that is being taken, while the step looks for its element.
    coming: Vec<(Moment, Exposure)>,
}

/// A record that waits for its last pictures: they are being taken while the next step looks for its element.
#[derive(Debug)]
pub(super) struct Untold {
    record: StepRecord,
    pictures: Vec<Picture>,
    coming: Vec<(Moment, Exposure)>,
}

impl Notes {
    /// Adds the times of an action.
    pub fn acted(&mut self, acted: &Acted) {
        self.find_ms += acted.find_ms;
        self.wait_ms += acted.wait_ms;
        self.act_ms += acted.act_ms;
        self.settle_ms += acted.settle_ms;
        self.changed |= acted.changed;
    }

    /// Adds the time of opening a page.
    pub fn opened(&mut self, took: Duration) {
        self.settle_ms += ms(took);
        self.changed = true;
    }
}

impl Runner<'_> {
    /// Begins the notes of a step.
    pub(super) fn begin(&mut self, step: &Step, doing: String, done: String) -> Notes {
        self.seq += 1;
        let (pictures, coming, said) = (Vec::new(), Vec::new(), None);
        let (began, started_at) = (self.clock.elapsed(), self.clock.now());
        let (seq, depth, role, wanted) = (self.seq, self.depth, step.role, step.pictures);
        let (find_ms, wait_ms, act_ms, settle_ms, changed, target) = (0, 0, 0, 0, false, None);
        let (need, at, values) = (step.need, self.at(step, &doing), self.values(step));
        Notes {
            seq,
            depth,
            started_at,
            began,
            find_ms,
            wait_ms,
            act_ms,
            settle_ms,
            target,
            values,
            changed,
            said,
            doing,
            done,
            role,
            need,
            at,
            wanted,
            pictures,
            coming,
        }
    }

    /// Begins to take a picture for the step that is going on. That one cannot be taken fails nothing.
    pub(super) async fn picture(&mut self, moment: Moment) {
        let exposure = self.expose(moment).await;
        if let (Some(exposure), Some(notes)) = (exposure, &mut self.notes) {
            notes.coming.push((moment, exposure));
        }
    }

    /// Gives the step that is going on the picture of the page as it is before anything is done to it, which waits until it is taken:
    /// `last`, where the page has not changed since.
    pub(super) async fn picture_before(&mut self, last: Option<Photograph>) {
        match last {
            Some(last) if last.jpeg.is_some() && self.page.still_shows(&last).await => {
                let picture = self.picture_of(Moment::Before, last);
                if let Some(notes) = &mut self.notes {
                    notes.pictures.push(picture);
                }
            }
            _ => self.picture(Moment::Before).await,
        }
    }

    /// Begins to take a picture, where pictures are wanted.
    async fn expose(&self, moment: Moment) -> Option<Exposure> {
        let notes = self.notes.as_ref().filter(|notes| notes.wanted == Pictures::On)?;
        let proves = notes.role == Role::Commit || moment != Moment::After;
        let shot = match self.witness.pictures() {
            Wanted::Nothing => return None,
            Wanted::Moments if !proves => Shot::Page,
            Wanted::Moments | Wanted::EveryStep => Shot::Picture,
        };
        let target = self.notes.as_ref().and_then(|notes| notes.target.clone());
        let scope = || {
            let (locator, within) = self.within.split_last()?;
            Some(Target { within: within.to_vec(), locator: locator.clone() })
        };
        Some(self.page.expose(shot, Kept::Page(target.or_else(scope))).await)
    }

    /// Tells the witness of the step that ended last, as soon as its pictures are there; gives the last.
    pub(super) async fn tell_untold(&mut self) -> Option<Photograph> {
        let Untold { record, mut pictures, coming } = self.untold.take()?;
        let mut last = None;
        for (moment, exposure) in coming {
            last = developed(exposure).await;
            pictures.extend(last.clone().map(|photograph| self.picture_of(moment, photograph)));
        }
        self.witness.step(record, pictures).await;
        last
    }

    /// A photograph as it is kept: of what our script left in the page, known secrets are taken out once more.
    fn picture_of(&self, moment: Moment, photograph: Photograph) -> Picture {
        let Photograph { jpeg, page, .. } = photograph;
        Picture { moment, jpeg, page: page.map(|page| self.redactor.redact(&page)) }
    }

    fn request_of(&self, sent: Sent) -> Request {
        let Sent { method, url, status, failed } = sent;
        Request { method, url: self.redactor.redact(&url), status, failed }
    }

    /// What the page wrote on its console, and how much more it did than is told.
    fn console(&self, overheard: &Overheard) -> Vec<String> {
        let more = (overheard.left_out > 0)
            .then(|| format!("({} more lines and requests are left out)", overheard.left_out));
        overheard.console.iter().map(|line| self.told(line)).chain(more).collect()
    }

    /// A text that the app wrote: without known secrets, and without what is named as one.
    fn told(&self, text: &str) -> String {
        self.redactor.redact(&mask_named(text))
    }

    /// The templates of a step and what they give, those that read a secret masked.
    fn values(&self, step: &Step) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        step.effect.texts(&mut |_, template| {
            if template.literal().is_some() {
                return;
            }
            if let Ok(rendered) = template.render(&self.scope) {
                let text =
                    if rendered.secret { MASK.to_owned() } else { self.redactor.redact(&rendered.text) };
                values.insert(template.source().to_owned(), shorten(&text));
            }
        });
        values
    }

    /// Where the step is that is going on: `flows/list_accounts.yaml:4`.
    pub(super) fn place(&self) -> String {
        self.notes.as_ref().map(|notes| format!("{}:{}", notes.at.file, notes.at.line)).unwrap_or_default()
    }

    /// Where a step is, for people.
    pub(super) fn at(&self, step: &Step, doing: &str) -> At {
        At {
            flow: self.flow_name().to_owned(),
            file: At::file_of(&step.span),
            line: u32::try_from(step.span.line()).unwrap_or(u32::MAX),
            words: self.redactor.redact(doing),
        }
    }

    /// Ends the record of the step that is going on and begins to take its last picture.
    pub(super) async fn tell(&mut self, step: &Step, outcome: StepOutcome) {
        self.tell_untold().await;
        let total = self.notes.as_ref().map(|notes| self.clock.elapsed().saturating_sub(notes.began));
        let moment = match (&outcome, self.notes.as_ref().is_some_and(|notes| notes.changed)) {
            (StepOutcome::Failed { .. }, _) if self.untold_failure => Some(Moment::Failed),
            // A page behind its window is not drawn.
            (StepOutcome::Ok, true) if !self.window_follows => Some(Moment::After),
            _ => None,
        };
        if let Some(moment) = moment {
            self.untold_failure = false;
            self.picture(moment).await;
        }
        let dialogs = self.answered_dialogs();
        let overheard = self.page.take_overheard();
        let Some(notes) = self.notes.take() else { return };
        let words = match &outcome {
            StepOutcome::Ok => notes.said.as_ref().unwrap_or(&notes.done),
            _ => &notes.doing,
        };
        let told: String = dialogs.iter().map(|dialog| format!("; {dialog}")).collect();
        let At { flow, file, line, words } = self.at(step, &format!("{words}{told}"));
        let record = StepRecord {
            seq: notes.seq,
            depth: notes.depth,
            flow,
            file,
            line,
            keyword: step.keyword.to_owned(),
            name: step.name.clone(),
            words,
            commit: notes.role == Role::Commit,
            outcome,
            started_at: notes.started_at,
            find_ms: notes.find_ms,
            wait_ms: notes.wait_ms,
            act_ms: notes.act_ms,
            settle_ms: notes.settle_ms,
            total_ms: ms(total.unwrap_or_default()),
            url: self.told(&self.page.url()),
            values: notes.values,
            console: self.console(&overheard),
            dialogs: dialogs.iter().map(|line| self.redactor.redact(line)).collect(),
            requests: overheard.requests.into_iter().map(|sent| self.request_of(sent)).collect(),
            missing: None,
        };
        self.untold = Some(Untold { record, pictures: notes.pictures, coming: notes.coming });
    }

    /// The outcome of a step that failed, as it is written down.
    pub(super) fn failed(&self, failure: &Failure) -> StepOutcome {
        let told = self.after_commit(failure.clone());
        StepOutcome::Failed { class: told.class, message: self.redactor.redact(&told.message) }
    }
}

async fn developed(exposure: Exposure) -> Option<Photograph> {
    let picture = exposure.picture().await;
    picture.inspect_err(|error| tracing::debug!(%error, "no picture of a step")).ok()
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
