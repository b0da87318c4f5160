//! What steps see of the runner: [`Stage`].

use std::path::PathBuf;

use async_trait::async_trait;
use tokio::time::Instant;

use super::explain::{GuardFor, Situation, explain};
use super::runner::Runner;
use super::window::takes_window;
use super::{Committed, files, session};
use crate::browser::{Action, Answered, Asked, DialogAnswer, Page, PageError, Target, Wait};
use crate::failure::FailureClass;
use crate::locator::Locator;
use crate::playbook::{Scope, ScopeValue};
use crate::step::{Failure, Next, Output, Stage, Step};
use crate::trace::{ListedPage, Progress};

#[async_trait]
impl Stage for Runner<'_> {
    fn page(&self) -> &Page {
        &self.page
    }

    fn wait(&self) -> Wait {
        self.now_waiting()
    }

    fn restart_wait(&mut self) {
        self.wait_began = Instant::now();
    }

    fn say(&mut self, done: String) {
        if let Some(notes) = &mut self.notes {
            notes.said = Some(done);
        }
    }

    async fn progress(&mut self, progress: Progress) {
        self.witness.progress(progress).await;
    }

    async fn listed(&mut self, page: ListedPage) {
        let list = self.place();
        // An address with a secret in it is kept nowhere.
        if self.redactor.redact(&page.address) == page.address {
            self.witness.listed(&list, page).await;
        }
    }

    async fn left_off(&mut self) -> Vec<ListedPage> {
        let list = self.place();
        self.witness.left_off(&list).await
    }

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn set(&mut self, name: &str, value: ScopeValue) {
        self.yielded.push((name.to_owned(), value.clone()));
        self.scope.set(name, value);
    }

    fn within(&self) -> &[Locator] {
        &self.within
    }

    fn enter(&mut self, locator: Locator) {
        self.within.push(locator);
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    async fn deal(&mut self, error: PageError, target: Option<&Target>) -> Result<(), Failure> {
        self.is_about(target);
        match error.cause() {
            PageError::Watched(index) => self.meet(*index).await,
            _ => Err(self.failure_of(&error, target, &[]).await),
        }
    }

    async fn act(&mut self, target: &Target, action: Action) -> Result<(), Failure> {
        self.is_about(Some(target));
        if self.only_shows() {
            return self.show_commit(target, &action).await;
        }
        let commit = self.is_commit();
        let (guards, purposes) = if commit { self.guards()? } else { (Vec::new(), Vec::new()) };
        if commit {
            self.prepare_commit().await?;
        }
        loop {
            let wait = self.now_waiting();
            let error = match self.page.act(target, &action, &guards, &wait).await {
                Ok(acted) => {
                    if let Some(notes) = &mut self.notes {
                        notes.acted(&acted);
                    }
                    self.identity_is_renamed(acted.was.as_deref(), &action);
                    if commit && acted.changed {
                        self.committed = Committed::Yes;
                        self.witness.committed().await;
                    }
                    return Ok(());
                }
                Err(error) => error,
            };
            let sent = error.event_was_sent();
            if sent {
                if let Some(notes) = &mut self.notes {
                    notes.changed = true;
                }
                if commit {
                    self.committed = Committed::Yes;
                    self.witness.committed().await;
                }
            }
            match error.cause() {
                PageError::Watched(index) => self.meet(*index).await?,
                // The act was the last in its window.
                PageError::Closed if sent && self.is_window_closed() => return Ok(()),
                _ => return Err(self.failure_of(&error, Some(target), &purposes).await),
            }
            if sent {
                // The pop-up came after the act; doing it again would do it twice.
                return Ok(());
            }
        }
    }

    fn declare_dialog(&mut self, answer: DialogAnswer) {
        self.declare(answer);
    }

    fn file(&self, path: &str) -> Result<PathBuf, Failure> {
        files::inside(&self.book.folder, path)
    }

    async fn window(&mut self, steps: &[Step]) -> Result<Next, Failure> {
        self.in_window(steps).await
    }

    async fn request(&mut self, asked: Asked, expect: &[u16]) -> Result<Answered, Failure> {
        self.send(asked, expect).await
    }

    async fn meet_what_is_there(&mut self) -> Result<bool, Failure> {
        self.meet_now().await
    }

    async fn open(&mut self, address: &str) -> Result<(), Failure> {
        let stage: &dyn Stage = self;
        let base = stage.render(&self.book.base_url)?.text;
        let url = session::absolute(&base, address);
        let began = self.clock.elapsed();
        let arrival = loop {
            let wait = self.now_waiting();
            match self.page.goto(&url, &wait).await {
                Ok(arrival) => break arrival,
                Err(error) => self.deal(error, None).await?,
            }
        };
        let took = self.clock.elapsed().saturating_sub(began);
        if let Some(notes) = &mut self.notes {
            notes.opened(took);
        }
        self.check_arrival(&url, &arrival)
    }

    async fn steps(&mut self, steps: &[Step]) -> Result<Next, Failure> {
        let outer = self.window_follows;
        let mut ended = Ok(Next::GoOn);
        for (index, step) in steps.iter().enumerate() {
            let next = steps.get(index + 1);
            self.expect_window(step, outer || next.is_some_and(takes_window));
            ended = self.step(step).await;
            if !matches!(ended, Ok(Next::GoOn)) {
                break;
            }
        }
        self.window_follows = outer;
        ended
    }

    async fn call(&mut self, flow: &str, with: Vec<(String, ScopeValue)>) -> Result<Next, Failure> {
        let Some((name, flow)) = self.book.flows.get_key_value(flow) else {
            return Err(Failure::new(
                FailureClass::Unsupported,
                format!("the connector has no flow `{flow}`"),
            ));
        };
        if self.flows.contains(&name.as_str()) {
            return Err(Failure::new(FailureClass::Internal, format!("`{name}` runs itself again")));
        }
        let mut scope = self.roots.clone();
        with.into_iter().for_each(|(name, value)| scope.set(name, value));
        let outer = std::mem::replace(&mut self.scope, scope);
        let yielded = std::mem::take(&mut self.yielded);
        self.flows.push(name);
        let ended = self.steps(&flow.steps).await;
        self.flows.pop();
        self.scope = outer;
        for (name, value) in std::mem::replace(&mut self.yielded, yielded) {
            self.set(&name, value);
        }
        ended
    }
}

impl Runner<'_> {
    /// Notes what the step that is going on is about, for whoever looks at it afterwards.
    fn is_about(&mut self, target: Option<&Target>) {
        if let (Some(target), Some(notes)) = (target, &mut self.notes) {
            notes.target = Some(target.clone());
        }
    }

    /// Where the page shows whose it is only in the control that is to be changed, what stands there afterwards tells it as
    /// well as what stood there before.
    fn identity_is_renamed(&mut self, was: Option<&str>, action: &Action) {
        let (Some(was), Action::Set(now) | Action::Fill(now)) = (was, action) else { return };
        let same = |identity: &String| identity.to_lowercase() == was.trim().to_lowercase();
        if self.identity.subject.iter().any(same) {
            self.identity.subject.push(now.text.clone());
        }
    }

    /// What a failure of the page means; where the session is lost, that comes before what is missing because of it.
    pub(super) async fn failure_of(
        &self,
        error: &PageError,
        target: Option<&Target>,
        guards: &[GuardFor],
    ) -> Failure {
        let situation = Situation { target, identity: &self.identity.subject, waited: self.timeout, guards };
        let mut failure = explain(error, &situation);
        if failure.is_absence() && self.session_is_lost().await {
            let message = format!("the app asks to log in again, at {}", self.page.url());
            return Failure::new(FailureClass::SessionLost, message);
        }
        if failure.is_absence() {
            failure.message.push_str(&self.again_in_the_way().await);
        }
        failure
    }

    /// The pop-ups that were closed once and are there again, in words.
    async fn again_in_the_way(&self) -> String {
        let mut words = String::new();
        for pop_up in &self.met {
            let target = Target { within: Vec::new(), locator: pop_up.clone() };
            if self.page.is_there(&target).await == Ok(true) {
                words.push_str(&format!("\n(the pop-up {pop_up} was closed and is there again)"));
            }
        }
        words
    }
}
