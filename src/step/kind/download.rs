//! `download`: an export of the app, read as a list.
//!
//! An export is the whole list at once, so a list that was read from one is complete. A row that stands in it twice, or an export
//! without a row, is no proof.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::StepKind;
use crate::browser::{Action, PageError, Target};
use crate::diagnostic::Diagnostic;
use crate::failure::FailureClass;
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::purpose::Purpose;
use crate::step::records::{self, Fields, fields_schema};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "download",
    summary: "Clicks what exports a list, and reads the file: `as` says which column of a CSV file, or which path in each object of a JSON \
              file (`rows` says where the list is), becomes which value. The export is the whole list, which proves that nothing was missed. \
              At most 32 MiB; `timeout` is the time for the file.",
    example: "- download:\n    click: button \"Export\"\n    parse: csv\n    as: { email: Email, status: { read: Status, map: { Yes: active } } }",
    schema: concat!(
        r##"{ "type": "object", "required": ["click", "parse", "as"], "additionalProperties": false,
        "properties": { "click": { "$ref": "#/$defs/locator" }, "parse": { "enum": ["csv", "json"] },
        "rows": { "type": "string", "description": "The path of the list in JSON" }, "as": "##,
        fields_schema!(),
        " } }"
    ),
    beside: &[],
    may_commit: false,
    compile,
};

/// The longest export, in bytes.
const MOST: u64 = 32 << 20;

#[derive(Debug)]
struct Download {
    click: Locator<Template>,
    format: Format,
    fields: Fields,
}

#[derive(Debug)]
enum Format {
    Csv,
    Json { rows: Option<String> },
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, &["click", "parse", "rows", "as"], "`download`")?;
    let click = compiler.required(&fields, "click").and_then(|node| compiler.locator(node));
    let parse = compiler.required(&fields, "parse");
    let rows = fields.get("rows").and_then(|node| compiler.text(node, "the path of the list"));
    let format = parse.and_then(|node| match node.as_text() {
        Some("csv") => Some(Format::Csv),
        Some("json") => Some(Format::Json { rows: rows.map(str::to_owned) }),
        _ => {
            compiler.note(node.unexpected("`csv` or `json`"));
            None
        }
    });
    if let (Some(Format::Csv), Some(node)) = (&format, fields.get("rows")) {
        compiler.note(Diagnostic::error(
            "contradiction",
            &node.span,
            "a CSV file is one list; `rows` is for JSON",
        ));
    }
    let columns = compiler
        .required(&fields, "as")
        .and_then(|node| Fields::compile(node, Purpose::ListAccounts, compiler));
    Some(Box::new(Download { click: click?, format: format?, fields: columns? }))
}

#[async_trait]
impl Effect for Download {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        Phrase::new("download by", "downloaded by", &teller.element(&self.click))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = stage.target(&self.click)?;
        let bytes = self.bytes(stage, &target).await?;
        let records = match &self.format {
            Format::Csv => records::of_csv(&bytes)?,
            Format::Json { rows } => records::of_json(&String::from_utf8_lossy(&bytes), rows.as_deref())?,
        };
        let rows = records.iter().map(|record| self.fields.read(record)).collect::<Result<Vec<_>, _>>()?;
        let distinct: BTreeSet<_> = rows.iter().collect();
        let complete = !rows.is_empty() && distinct.len() == rows.len();
        let doubt = if complete { "" } else { ", not surely all" };
        stage.say(format!("listed {} from a file of {} bytes{doubt}", rows.len(), bytes.len()));
        stage.output().add_list(rows, complete);
        Ok(Next::GoOn)
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.click]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.click.for_each_text(&mut |text| visit(Use::Locator, text));
    }
}

impl Download {
    async fn bytes(&self, stage: &mut dyn Stage, target: &Target) -> Result<Vec<u8>, Failure> {
        let prepared = stage.page().prepare_download(MOST).await;
        let download = match prepared {
            Ok(download) => download,
            Err(error) => return Err(told(stage, error, target).await),
        };
        stage.act(target, Action::Click).await?;
        stage.restart_wait();
        loop {
            let begun = download.begun(&stage.wait()).await;
            let Err(error) = begun else { break };
            // What keeps it may be shown by now: a pop-up, which is dealt with, or an error of the app.
            if !matches!(error, PageError::Download { .. }) || !stage.meet_what_is_there().await? {
                return Err(told(stage, error, target).await);
            }
        }
        stage.restart_wait();
        let read = download.bytes(stage.wait().until).await;
        match read {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(told(stage, error, target).await),
        }
    }
}

/// The failure that an error of the page means.
async fn told(stage: &mut dyn Stage, error: PageError, target: &Target) -> Failure {
    let message = error.to_string();
    match stage.deal(error, Some(target)).await {
        Err(failure) => failure,
        Ok(()) => Failure::new(FailureClass::Internal, message),
    }
}
