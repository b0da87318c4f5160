//! `usher pick`: the best locators of a page's elements.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use crate::browser::{Located, Page, Target, Wait};
use crate::diagnostic::{Colour, Source, Span, render};
use crate::locator::Locator;
use crate::playbook::{Scope, Template, parse_locator};

use super::Exit;
use super::context::Context;
use super::output::{Format, table};
use super::run::{Access, Progress, Trial, folder_of, launch, load_or_tell, misused, tell_values};

/// How long a page may take, and how long a person.
const PATIENCE: Duration = Duration::from_secs(30);
const PERSON: Duration = Duration::from_secs(60 * 60);

/// Shows how a connector best says which element it means
///
/// Opens a window in which every click shows the best locator of what was clicked; with --list or --at no window is
/// needed. For a page behind a login, name a connector that can log in.
#[derive(clap::Args)]
pub(super) struct Pick {
    /// The page: a URL, or a path of the connector's app
    url: String,
    /// Lists the best locator of everything that can be used on the page
    #[arg(long, conflicts_with = "at")]
    list: bool,
    /// Tells the best locator of the one element that this locator matches
    #[arg(long, value_name = "LOCATOR")]
    at: Option<String>,
    /// The connector that logs in first
    #[arg(long)]
    connector: Option<String>,
    #[command(flatten)]
    access: Access,
}

impl Pick {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let at = self.at.as_deref().map(read_locator).transpose()?;
        let launch = launch(!self.list && at.is_none())?;
        let Some(name) = &self.connector else {
            let url =
                Url::parse(&self.url).context("without --connector the page is named by its whole URL")?;
            let mut trial = Trial::open(&launch, BTreeMap::new()).await?;
            trial.enter(vec![url.origin().ascii_serialization()]).await?;
            return self.show(context, trial, &self.url, at).await;
        };
        let Some(connector) = load_or_tell(&folder_of(name, context)?) else { return Ok(Exit::Failed) };
        let (credentials, mut wrong) = self.access.credentials(&connector)?;
        let told = tell_values(&connector, "list_accounts", &self.access.values()?);
        wrong.extend(told.as_ref().err().into_iter().flatten().cloned());
        let (true, Ok(told)) = (wrong.is_empty(), told) else { return Ok(misused(&wrong)) };
        let mut trial = Trial::open(&launch, credentials).await?;
        let mut progress = Progress::quiet();
        if let Err(error) = trial.enter_app(&connector, &told.settings, &mut progress).await {
            trial.close().await;
            return Err(error);
        }
        let base_url = connector.book.base_url.render(&told.settings)?.text;
        self.show(context, trial, &absolute(&base_url, &self.url), at).await
    }

    async fn show(
        &self,
        context: &Context,
        trial: Trial,
        url: &str,
        at: Option<Locator>,
    ) -> anyhow::Result<Exit> {
        let shown = async {
            let page = trial.page().context("there is no page")?;
            page.goto(url, &wait(PATIENCE)).await?;
            show(context, page, self.list, at).await
        };
        let shown = shown.await;
        trial.close().await;
        shown.map(|()| Exit::Done)
    }
}

async fn show(context: &Context, page: &Page, list: bool, at: Option<Locator>) -> anyhow::Result<()> {
    if list {
        let found = page.locate_all().await?;
        return context.format.print(&found.iter().map(in_json).collect::<Vec<_>>(), |_| {
            let rows: Vec<Vec<String>> =
                found.iter().map(|one| vec![one.locator.to_string(), one.element.clone()]).collect();
            table(&["LOCATOR", "ELEMENT"], &rows)
        });
    }
    if let Some(locator) = at {
        let target = Target { within: Vec::new(), locator };
        let found = page.locate(&target, &wait(PATIENCE)).await?;
        return context.format.print(&in_json(&found), |_| found.locator.to_string());
    }
    eprintln!("click what is meant; Ctrl-C ends");
    loop {
        let found = page.pick(Instant::now() + PERSON).await?;
        match context.format {
            Format::Text => println!("{}", found.locator),
            Format::Json | Format::Sarif => println!("{}", in_json(&found)),
        }
    }
}

fn in_json(found: &Located) -> serde_json::Value {
    json!({ "locator": found.locator.to_string(), "element": found.element })
}

fn wait(time: Duration) -> Wait {
    Wait { until: Instant::now() + time, watch: Vec::new() }
}

/// A locator from the command line; nothing is filled in.
fn read_locator(text: &str) -> anyhow::Result<Locator> {
    let source = Source::new("--at", text);
    let parsed = parse_locator(text, &Span::new(source, 0, text.len()));
    let locator = match parsed {
        Ok(locator) => locator,
        Err(mistakes) => bail!("{text} is no locator\n{}", render(&mistakes, Colour::Plain)),
    };
    let scope = Scope::default();
    Ok(locator.try_map(&mut |text: &Template| text.render(&scope).map(|rendered| rendered.text))?)
}

/// The address of a page that is named by its path.
fn absolute(base_url: &str, url: &str) -> String {
    if Url::parse(url).is_ok() {
        return url.to_owned();
    }
    format!("{}/{}", base_url.trim_end_matches('/'), url.trim_start_matches('/'))
}
