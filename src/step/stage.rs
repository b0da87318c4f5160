//! Where a step plays: the page, the variables, and the ways to act that all step kinds share.
//!
//! The runner implements [`Stage`]. Every wait goes through [`Stage::deal`] when it is not met, so that pop-ups and known
//! errors are looked for everywhere and by no step kind itself.

use std::path::PathBuf;

use async_trait::async_trait;
use futures::future::Either;

use super::failure::{Failure, Next};
use super::flow::{Output, Step};
use super::words::Teller;
use crate::browser::{Action, Answered, Asked, DialogAnswer, Page, PageError, Read, Rows, Target, Wait};
use crate::locator::Locator;
use crate::playbook::{Rendered, Scope, ScopeValue, Template};
use crate::trace::{ListedPage, Progress};

/// What a running step can see and do.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The page.
    fn page(&self) -> &Page;

    /// Until when the running step may wait, and what is looked for meanwhile.
    fn wait(&self) -> Wait;

    /// Gives the step its whole time again, where it is made of several waits.
    fn restart_wait(&mut self);

    /// Says in other words than [`Effect::phrase`](super::flow::Effect::phrase) what the step did.
    fn say(&mut self, done: String);

    /// A page of a list was read.
    async fn progress(&mut self, progress: Progress);

    /// A page was read of the list that the running step reads; it has an address of its own.
    async fn listed(&mut self, page: ListedPage);

    /// The pages of that list that an earlier run read before it broke off, from the first.
    async fn left_off(&mut self) -> Vec<ListedPage>;

    /// What templates see.
    fn scope(&self) -> &Scope;

    /// Sets a variable, for the steps after this one.
    fn set(&mut self, name: &str, value: ScopeValue);

    /// The elements that the step is inside of, outermost first.
    fn within(&self) -> &[Locator];

    /// Everything until the end of this step happens inside `locator`.
    fn enter(&mut self, locator: Locator);

    /// What the run yields.
    fn output(&mut self) -> &mut Output;

    /// Deals with what kept a wait from being met. `Ok`: it was a known pop-up, it is gone, the same may be asked again.
    ///
    /// # Errors
    /// The failure that it means.
    async fn deal(&mut self, error: PageError, target: Option<&Target>) -> Result<(), Failure>;

    /// Does `action` with the one element that matches. In a commit step this is the commit: tenant and identity are
    /// checked with it.
    ///
    /// # Errors
    /// It could not be done, or what must hold before a commit does not.
    async fn act(&mut self, target: &Target, action: Action) -> Result<(), Failure>;

    /// The next native dialog is answered so. The run fails where none opened by its end, unless the step is optional.
    fn declare_dialog(&mut self, answer: DialogAnswer);

    /// The file of that path among the connector's.
    ///
    /// # Errors
    /// There is none, or it is not inside the connector's folder.
    fn file(&self, path: &str) -> Result<PathBuf, Failure>;

    /// Carries out steps in the window that the step before opened, and closes it.
    ///
    /// # Errors
    /// No window opened, or as for [`Stage::steps`].
    async fn window(&mut self, steps: &[Step]) -> Result<Next, Failure>;

    /// Sends a request from the page; its address may be a path under the app's. In a commit step this is the commit, as for
    /// [`Stage::act`]. The answer has one of the statuses of `expect`, or any that says that it went well where that is empty.
    ///
    /// # Errors
    /// It has no such answer, or what must hold before a commit does not.
    async fn request(&mut self, asked: Asked, expect: &[u16]) -> Result<Answered, Failure>;

    /// Deals with a pop-up that is there now; whether there was one.
    ///
    /// # Errors
    /// A known error is there.
    async fn meet_what_is_there(&mut self) -> Result<bool, Failure>;

    /// Opens `address`, a path under the app's address or a URL.
    ///
    /// # Errors
    /// The app did not answer with the page.
    async fn open(&mut self, address: &str) -> Result<(), Failure>;

    /// Carries out steps.
    ///
    /// # Errors
    /// The first of them that fails.
    async fn steps(&mut self, steps: &[Step]) -> Result<Next, Failure>;

    /// Carries out another flow of the connector; `with` is what it sees beside the common roots. What it reads is
    /// there for the caller's next steps.
    ///
    /// # Errors
    /// As for [`Stage::steps`].
    async fn call(&mut self, flow: &str, with: Vec<(String, ScopeValue)>) -> Result<Next, Failure>;
}

/// Asks the page again and again while pop-ups are in the way.
macro_rules! patiently {
    ($stage:ident, $target:expr, |$page:ident, $wait:ident| $call:expr) => {
        loop {
            let $wait = $stage.wait();
            let answer = {
                let $page = $stage.page();
                $call.await
            };
            match answer {
                Ok(value) => break Ok(value),
                Err(error) => match $stage.deal(error, $target).await {
                    Ok(()) => {}
                    Err(failure) => break Err(failure),
                },
            }
        }
    };
}

impl dyn Stage + '_ {
    /// Says elements as they are now.
    pub fn teller(&self) -> Teller<'_> {
        Teller { scope: self.scope(), within: self.within() }
    }

    /// The text that `template` gives.
    ///
    /// # Errors
    /// It uses a value that is not there.
    pub fn render(&self, template: &Template) -> Result<Rendered, Failure> {
        template
            .render(self.scope())
            .map_err(|error| Failure::of_connector(error.to_string(), template.span()))
    }

    /// `locator` with its texts, where the step is.
    ///
    /// # Errors
    /// As for `render`.
    pub fn target(&self, locator: &Locator<Template>) -> Result<Target, Failure> {
        let locator = locator
            .try_map(&mut |template: &Template| self.render(template).map(|rendered| rendered.text))?;
        Ok(Target { within: self.within().to_vec(), locator })
    }

    /// Waits until the element is there.
    ///
    /// # Errors
    /// It does not come, or several do.
    pub async fn expect(&mut self, target: &Target) -> Result<(), Failure> {
        let found: Result<_, Failure> =
            patiently!(self, Some(target), |page, wait| page.expect(target, &wait));
        found.map(drop)
    }

    /// Waits until no such element is there.
    ///
    /// # Errors
    /// It stays.
    pub async fn gone(&mut self, target: &Target) -> Result<(), Failure> {
        patiently!(self, Some(target), |page, wait| page.gone(target, &wait))
    }

    /// Waits until the control holds `value`.
    ///
    /// # Errors
    /// It does not.
    pub async fn field_is(&mut self, target: &Target, value: &str) -> Result<(), Failure> {
        patiently!(self, Some(target), |page, wait| page.field_is(target, value, &wait))
    }

    /// Waits until the page's address matches.
    ///
    /// # Errors
    /// It does not.
    pub async fn url_matches(&mut self, pattern: &regex::Regex) -> Result<(), Failure> {
        patiently!(self, None, |page, wait| page.url_matches(pattern, &wait))
    }

    /// Waits until one of `targets` is there, and says which.
    ///
    /// # Errors
    /// None comes.
    pub async fn first_of(&mut self, targets: &[Target]) -> Result<usize, Failure> {
        patiently!(self, None, |page, wait| page.first_of(targets, &wait))
    }

    /// Waits until `gone` is not there any more, or `there` is.
    ///
    /// # Errors
    /// Neither happens.
    pub async fn gone_or_there(&mut self, gone: &Target, there: &Target) -> Result<(), Failure> {
        patiently!(self, Some(gone), |page, wait| async {
            let (gone, there) = (page.gone(gone, &wait), page.expect(there, &wait));
            futures::pin_mut!(gone, there);
            match futures::future::select(gone, there).await {
                Either::Left((Err(error), _)) | Either::Right((Err(error), _)) => Err(error),
                Either::Left((Ok(_), _)) | Either::Right((Ok(_), _)) => Ok(()),
            }
        })
    }

    /// Reads an element, waiting for it.
    ///
    /// # Errors
    /// It does not come, or several do.
    pub async fn read(&mut self, target: &Target, read: &Read) -> Result<Option<String>, Failure> {
        patiently!(self, Some(target), |page, wait| page.read(target, read, &wait))
    }

    /// Reads every row.
    ///
    /// # Errors
    /// A scope is not there, or a row has several elements where one must be.
    pub async fn rows(&mut self, target: &Target, columns: &[(Locator, Read)]) -> Result<Rows, Failure> {
        patiently!(self, Some(target), |page, wait| page.rows(target, columns, &wait))
    }

    /// Whether the element is there now.
    ///
    /// # Errors
    /// The page cannot be asked.
    pub async fn is_there(&mut self, target: &Target) -> Result<bool, Failure> {
        patiently!(self, Some(target), |page, _wait| page.is_there(target))
    }

    /// Whether the element is there now and can be used.
    ///
    /// # Errors
    /// The page cannot be asked.
    pub async fn is_enabled(&mut self, target: &Target) -> Result<bool, Failure> {
        patiently!(self, Some(target), |page, _wait| page.is_enabled(target))
    }
}
