//! Flows as they run: compiled steps, and the [`Book`] that holds all that the runner needs of a connector.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::failure::{At, Failure, Next};
use super::stage::Stage;
use super::words::{Phrase, Teller};
use crate::diagnostic::Span;
use crate::failure::FailureClass;
use crate::locator::Locator;
use crate::playbook::{Expression, Names, Template};

/// How one thing is done in the app.
#[derive(Debug)]
pub struct Flow {
    /// Its name: that of its file, without the ending.
    pub name: String,
    /// The whole file.
    pub span: Span,
    /// Where to look whether the session still holds (`login` alone).
    pub at: Option<Template>,
    /// What is there when it does (`login` alone).
    pub logged_in: Option<Locator<Template>>,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// The names it uses and does not set: values that its caller gives, or that a sub-flow reads before.
    pub(super) open_names: Vec<OpenName>,
    /// The variables it sets or reads, and where.
    pub(super) yields: Vec<(String, Span)>,
    /// What it reads of an account, where that is what it is for.
    pub(super) reads: Vec<String>,
    /// The flows it runs.
    pub(super) calls: Vec<Call>,
    /// What its templates can use at its end.
    pub(super) names: Names,
}

/// A `run` step, as the check of names sees it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The flow that is run.
    pub flow: String,
    /// Where that is written.
    pub span: Span,
    /// The names it is given.
    pub with: Vec<(String, Span)>,
}

/// A name that no step of the flow sets.
#[derive(Clone, Debug)]
pub(super) struct OpenName {
    pub name: String,
    pub span: Span,
    /// The sub-flows that ran before and may have read it.
    pub after: Arc<Vec<String>>,
}

/// One step: what it does, and what holds for steps of every kind.
#[derive(Debug)]
pub struct Step {
    /// The keyword of its kind.
    pub keyword: &'static str,
    /// Where it is written.
    pub span: Span,
    /// The author's own name for it.
    pub name: Option<String>,
    /// It is skipped where this does not hold.
    pub when: Option<Expression>,
    /// How long it may wait; none for the runner's default.
    pub timeout: Option<Duration>,
    /// Whether it is the one that changes the app.
    pub role: Role,
    /// What happens where its element does not come.
    pub need: Need,
    /// Whether pictures are taken.
    pub pictures: Pictures,
    /// What it does.
    pub effect: Box<dyn Effect>,
}

/// What a step is to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It may be done again and again.
    Ordinary,
    /// It changes the app.
    Commit,
}

/// What happens where the element of a step does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The flow fails.
    Required,
    /// The flow goes on.
    Optional,
}

/// Whether pictures are taken of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    /// Where it changed the page.
    On,
    /// Never.
    Off,
}

/// What a step of some kind does. One file each in `kind/`.
#[async_trait]
pub trait Effect: fmt::Debug + Send + Sync {
    /// What it does, in words.
    fn phrase(&self, teller: &Teller<'_>) -> Phrase;

    /// Does it.
    ///
    /// # Errors
    /// Why the flow cannot go on; see [`Failure`].
    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure>;

    /// What it looks for on the page when it begins, for authors who go step by step.
    fn locators(&self) -> Vec<&Locator<Template>> {
        Vec::new()
    }

    /// How it nests other steps.
    fn shape(&self) -> Shape<'_> {
        Shape::Leaf
    }

    /// Whether it waits for what the page shows: only after that may a flow say that there is no such account.
    fn looks(&self) -> bool {
        false
    }

    /// Whether it says that there is no such account.
    fn says_absent(&self) -> bool {
        false
    }

    /// Calls `visit` with its own templates, those of nested steps left out.
    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template));
}

/// What a template is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To find an element: what is found bears that text.
    Locator,
    /// As a value that is typed, chosen or kept.
    Value,
    /// As an address.
    Address,
}

/// How a step nests others.
#[derive(Debug)]
pub enum Shape<'a> {
    /// It has none.
    Leaf,
    /// One after the other.
    All(&'a [Step]),
    /// One of these lists; whether the flow ends after it.
    Either(Vec<(&'a [Step], bool)>),
    /// One after the other, in the window that the step before opened.
    Window(&'a [Step]),
    /// Any number of times.
    Loop(&'a [Step]),
    /// The steps of another flow.
    Call(&'a str),
    /// The flow ends here.
    End,
}

/// Calls `visit` with each step, those inside others too; not those of other flows.
pub(super) fn each_step<'a>(steps: &'a [Step], visit: &mut dyn FnMut(&'a Step)) {
    for step in steps {
        visit(step);
        match step.effect.shape() {
            Shape::All(inner) | Shape::Window(inner) | Shape::Loop(inner) => each_step(inner, visit),
            Shape::Either(branches) => branches.into_iter().for_each(|(inner, _)| each_step(inner, visit)),
            Shape::Leaf | Shape::Call(_) | Shape::End => {}
        }
    }
}

/// Calls `visit` with each name, dotted, that the templates and conditions of the steps use.
pub(super) fn names_of(steps: &[Step], visit: &mut dyn FnMut(&str)) {
    each_step(steps, &mut |step| {
        step.effect.texts(&mut |_, template| template.names().iter().for_each(|(name, _)| visit(name)));
        step.when.iter().flat_map(Expression::names).for_each(|(name, _)| visit(&name));
    });
}

/// A pop-up of the app and how to get rid of it.
#[derive(Debug)]
pub struct PopUp {
    /// It is there when this is.
    pub when: Locator<Template>,
    /// What makes it go.
    pub steps: Vec<Step>,
    /// Where it is written.
    pub span: Span,
}

/// Words by which the app refuses something.
#[derive(Debug)]
pub struct KnownError {
    /// The app refuses when this is there.
    pub when: Locator<Template>,
    /// What that means.
    pub class: FailureClass,
    /// What is told, where the connector says more than the page.
    pub message: Option<Template>,
    /// Where it is written.
    pub span: Span,
}

/// All that the runner needs of a connector.
#[derive(Debug)]
pub struct Book {
    /// The app's address; paths of `goto` are under it.
    pub base_url: Template,
    /// The flows by name.
    pub flows: BTreeMap<String, Flow>,
    /// Known pop-ups.
    pub pop_ups: Vec<PopUp>,
    /// Known errors.
    pub errors: Vec<KnownError>,
    /// What the app shows and nobody may see.
    pub secrets: Vec<Locator<Template>>,
    /// What must be on the page whenever a commit step runs.
    pub tenant: Option<Locator<Template>>,
    /// What the browser may reach.
    pub origins: Vec<Template>,
    /// The folder with the connector's files.
    pub folder: PathBuf,
}

/// What a run yields.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Output {
    /// What `read` steps read.
    pub values: BTreeMap<String, String>,
    /// The app has no such account.
    pub absent: bool,
    /// What `collect` steps listed.
    pub rows: Vec<BTreeMap<String, String>>,
    /// Whether nothing can be missing from `rows`: the app's own total agrees, or the last page was reached.
    pub complete: bool,
    /// The run ended before its commit step, as its limits say.
    pub stopped: bool,
}

impl Book {
    /// The step that is written at that line of a file, as records name it.
    pub fn step_at(&self, file: &str, line: u32) -> Option<&Step> {
        let flows = self.flows.values().map(|flow| flow.steps.as_slice());
        let mut found = None;
        for steps in flows.chain(self.pop_ups.iter().map(|pop_up| pop_up.steps.as_slice())) {
            each_step(steps, &mut |step| {
                if u32::try_from(step.span.line()) == Ok(line) && At::file_of(&step.span) == file {
                    found = found.or(Some(step));
                }
            });
        }
        found
    }
}

impl Output {
    /// Adds rows. Several lists of one flow are one list, complete when each of them is.
    pub fn add_list(&mut self, rows: Vec<BTreeMap<String, String>>, complete: bool) {
        self.complete = complete && (self.complete || self.rows.is_empty());
        self.rows.extend(rows);
    }
}
