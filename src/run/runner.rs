//! The runner: carries out steps one after the other, with everything that holds for steps of every kind.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::commit::not_allowed;
use super::dialogs::Declared;
use super::password::random_password;
use super::record::{Notes, Untold};
use super::session::Login;
use super::{Call, Codes, Committed, Identity, Limits, pace};
use crate::browser::{Drifted, Page, Target, Wait};
use crate::clock::SharedClock;
use crate::failure::FailureClass;
use crate::locator::Locator;
use crate::playbook::{Scope, ScopeValue, Template};
use crate::secret::Redactor;
use crate::step::{
    Book, Failure, Flow, KnownError, Need, Next, Output, PopUp, RANDOM_PASSWORD, Stage, Step, Teller,
};
use crate::trace::{StepOutcome, Witness};

/// A run that is going on.
pub(super) struct Runner<'a> {
    pub book: &'a Book,
    /// The page that steps are done on: that of the session, or a window that it opened.
    pub page: Page,
    pub witness: &'a mut dyn Witness,
    pub identity: Identity,
    pub redactor: Redactor,
    pub clock: SharedClock,
    pub codes: &'a dyn Codes,
    pub login: Login,
    /// What every flow of the run sees from its start.
    pub roots: Scope,
    pub scope: Scope,
    pub within: Vec<Locator>,
    pub output: Output,
    pub committed: Committed,
    /// The flows that are going on, innermost last.
    pub flows: Vec<&'a str>,
    /// What sub-flows have set since the innermost one began.
    pub yielded: Vec<(String, ScopeValue)>,
    /// Looked for whenever a wait is not met.
    pub watched: Vec<(Watched<'a>, Locator)>,
    /// The pop-ups that were met and closed.
    pub met: Vec<Locator>,
    /// The step that is going on.
    pub notes: Option<Notes>,
    /// The record of the step that ended last.
    pub untold: Option<Untold>,
    pub timeout: Duration,
    pub wait_began: Instant,
    pub limits: Limits,
    pub deadline: Instant,
    pub seq: u32,
    pub depth: u32,
    /// A failure of which no step has told yet.
    pub untold_failure: bool,
    /// The answers to native dialogs that no dialog has used yet, by the steps that declared them.
    pub declared: VecDeque<Declared>,
    /// The step that is going on, or the list it is in, is followed by steps in a window that it opens.
    pub window_follows: bool,
    /// How many windows deep the run is.
    pub windows: u32,
    /// What came of the drift that the limits say.
    pub drifted: Option<Drifted>,
}

/// What is looked for whenever a wait is not met.
#[derive(Clone, Copy, Debug)]
pub(super) enum Watched<'a> {
    PopUp(&'a PopUp),
    Error(&'a KnownError),
}

impl<'a> Runner<'a> {
    pub fn new(call: Call<'a>, witness: &'a mut dyn Witness) -> Self {
        let Call { book, flow, mut scope, identity, page, mut redactor, limits, clock, entropy, codes } =
            call;
        let now = Instant::now();
        // One for the whole run, so that it can be typed twice; the next run has another.
        let password = random_password(entropy.as_ref());
        redactor.add(&password);
        scope.set(RANDOM_PASSWORD, password);
        page.never_show(rendered_all(&book.secrets, &scope));
        Self {
            book,
            page: page.clone(),
            witness,
            identity,
            redactor,
            clock,
            codes,
            login: Login::of(book, &scope, flow),
            watched: watched(book, &scope),
            met: Vec::new(),
            roots: scope.clone(),
            scope,
            within: Vec::new(),
            output: Output::default(),
            committed: Committed::No,
            flows: vec![flow],
            yielded: Vec::new(),
            notes: None,
            untold: None,
            timeout: limits.step,
            wait_began: now,
            limits,
            deadline: now + limits.flow,
            seq: 0,
            depth: 0,
            untold_failure: false,
            declared: VecDeque::new(),
            window_follows: false,
            windows: 0,
            drifted: None,
        }
    }

    /// Runs the flow of the call.
    pub async fn whole(&mut self, flow: &Flow) -> Result<(), Failure> {
        self.steps(&flow.steps).await?;
        self.after_login(flow).await?;
        self.all_dialogs_opened()
    }

    /// The name of the innermost flow.
    pub fn flow_name(&self) -> &str {
        self.flows.last().copied().unwrap_or_default()
    }

    /// `locator` with its texts.
    pub fn rendered(&self, locator: &Locator<Template>) -> Result<Locator, Failure> {
        let stage: &dyn Stage = self;
        locator.try_map(&mut |template: &Template| stage.render(template).map(|rendered| rendered.text))
    }

    /// Carries out one step: whether it is to be done, its record, its pictures, what an optional one puts up with.
    pub async fn step(&mut self, step: &Step) -> Result<Next, Failure> {
        let phrase = step.effect.phrase(&Teller { scope: &self.scope, within: &self.within });
        let notes = self.begin(step, phrase.doing, phrase.done);
        let outer = self.notes.replace(notes);
        let (outer_timeout, outer_began) = (self.timeout, self.wait_began);
        let (depth, within) = (self.depth, self.within.len());
        self.timeout = step.timeout.unwrap_or(self.limits.step);
        self.wait_began = Instant::now();
        self.depth += 1;
        let done = match self.why_skipped(step).await {
            Ok(None) => step.effect.run(self).await.map(|next| (next, StepOutcome::Ok)),
            Ok(Some(why)) => Ok((Next::GoOn, StepOutcome::Skipped { why })),
            Err(failure) => Err(failure),
        };
        // A run that stopped before its commit step ends there, and well.
        let done = match done {
            _ if self.output.stopped && self.is_commit() => {
                let why = "this run ends before the commit step".to_owned();
                Ok((Next::End, StepOutcome::Skipped { why }))
            }
            Ok((_, outcome)) if self.output.stopped => Ok((Next::End, outcome)),
            done => done,
        };
        self.depth = depth;
        self.within.truncate(within);
        let ended = self.end(step, done).await;
        self.notes = outer;
        (self.timeout, self.wait_began) = (outer_timeout, outer_began);
        ended
    }

    /// Why the step is not to be done; none where it is.
    async fn why_skipped(&mut self, step: &Step) -> Result<Option<String>, Failure> {
        if self.seq > self.limits.steps {
            let message = format!("the flow did not end within {} steps", self.limits.steps);
            return Err(Failure::new(FailureClass::Timeout, message));
        }
        if Instant::now() >= self.deadline {
            let message = format!("the flow did not end within {} s", self.limits.flow.as_secs());
            return Err(Failure::new(FailureClass::Timeout, message));
        }
        self.witness.may_go_on().await.map_err(|refusal| not_allowed(&refusal))?;
        if let Some(when) = &step.when {
            let holds = when.holds(&self.scope);
            if !holds.map_err(|error| Failure::of_connector(error.to_string(), when.span()))? {
                return Ok(Some(format!("not `{when}`")));
            }
        }
        if pace::types_a_code(step) {
            let pause = pace::until_a_good_code(self.codes, self.clock.now()).await;
            let pause = pause.map_err(|refusal| not_allowed(&refusal))?;
            self.wait_began += pause;
            #[expect(clippy::disallowed_methods, reason = "only time brings the next one-time code")]
            tokio::time::sleep(pause).await;
        }
        self.announce(step).await?;
        self.drift(step).await;
        Ok(None)
    }

    /// Tells of the step, and decides whether the flow goes on.
    async fn end(
        &mut self,
        step: &Step,
        done: Result<(Next, StepOutcome), Failure>,
    ) -> Result<Next, Failure> {
        for secret in self.page.shown_secrets().await {
            self.redactor.add(&secret);
        }
        let mut failure = match done {
            Ok((next, outcome)) => {
                self.tell(step, outcome).await;
                return Ok(next);
            }
            Err(failure) => failure,
        };
        if step.need == Need::Optional && failure.is_absence() {
            self.untold_failure = false;
            let why = format!("optional: {}", self.redactor.redact(&failure.message));
            self.tell(step, StepOutcome::Skipped { why }).await;
            return Ok(Next::GoOn);
        }
        if failure.at.is_none() {
            let doing = self.notes.as_ref().map(|notes| notes.doing.clone()).unwrap_or_default();
            failure.at = Some(self.at(step, &doing));
            self.untold_failure = true;
        }
        let outcome = self.failed(&failure);
        self.tell(step, outcome).await;
        Err(failure)
    }

    /// Until when the step that is going on may wait, and what is looked for meanwhile.
    pub fn now_waiting(&self) -> Wait {
        let until = (self.wait_began + self.timeout).min(self.deadline);
        Wait { until, watch: self.watched.iter().map(|(_, locator)| locator.clone()).collect() }
    }

    /// Deals with a pop-up or a known error that became visible.
    pub async fn meet(&mut self, index: usize) -> Result<(), Failure> {
        if index >= self.watched.len() {
            return Err(Failure::new(FailureClass::Internal, "the page saw what was not looked for"));
        }
        // Each once: a pop-up that comes again is in the way, and the step that it is in the way of says so.
        let (watched, locator) = self.watched.remove(index);
        match watched {
            Watched::Error(error) => Err(self.known_error(error, locator).await),
            Watched::PopUp(pop_up) => {
                self.met.push(locator);
                let within = std::mem::take(&mut self.within);
                self.flows.push("pop_ups");
                let closed = self.steps(&pop_up.steps).await;
                self.flows.pop();
                self.within = within;
                closed?;
                self.wait_began = Instant::now();
                Ok(())
            }
        }
    }

    /// Deals with what is watched for and there now; whether there was anything.
    pub async fn meet_now(&mut self) -> Result<bool, Failure> {
        let targets =
            self.watched.iter().map(|(_, locator)| Target { within: Vec::new(), locator: locator.clone() });
        for (index, target) in targets.collect::<Vec<_>>().iter().enumerate() {
            if self.page.is_there(target).await == Ok(true) {
                self.meet(index).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn known_error(&self, error: &KnownError, locator: Locator) -> Failure {
        let stage: &dyn Stage = self;
        if let Some(message) = error.message.as_ref().and_then(|message| stage.render(message).ok()) {
            return Failure::by_app(error.class, message.text);
        }
        let target = Target { within: Vec::new(), locator };
        let wait = Wait { until: self.wait_began + self.timeout, watch: Vec::new() };
        let words = self.page.read(&target, &crate::browser::Read::default(), &wait).await.ok().flatten();
        match words.filter(|words| !words.trim().is_empty()) {
            Some(words) => {
                Failure::by_app(error.class, format!("the app says: {}", crate::step::shorten(&words)))
            }
            None => Failure::by_app(error.class, format!("the app shows {}", target.locator)),
        }
    }
}

/// Those of `locators` whose values this run has; what uses another cannot appear in it.
fn rendered_all(locators: &[Locator<Template>], scope: &Scope) -> Vec<Locator> {
    let render = |locator: &Locator<Template>| {
        locator.try_map(&mut |template: &Template| template.render(scope).map(|rendered| rendered.text)).ok()
    };
    locators.iter().filter_map(render).collect()
}

/// What is looked for in this run. What uses a value that the run does not have cannot appear in it.
fn watched<'a>(book: &'a Book, scope: &Scope) -> Vec<(Watched<'a>, Locator)> {
    let pop_ups = book.pop_ups.iter().map(|pop_up| (Watched::PopUp(pop_up), &pop_up.when));
    let errors = book.errors.iter().map(|error| (Watched::Error(error), &error.when));
    let render = |locator: &Locator<Template>| {
        locator.try_map(&mut |template: &Template| template.render(scope).map(|rendered| rendered.text)).ok()
    };
    pop_ups.chain(errors).filter_map(|(watched, locator)| Some((watched, render(locator)?))).collect()
}
