//! `collect`: a list over pages, or one that grows by "load more" or by scrolling.
//!
//! Without `next`, the last row is brought into view for as long as rows are missing of `total`: lists that load more as one scrolls do so,
//! and lists that hold only the rows in view show others.
//!
//! A list is complete only with proof: the app's own total agrees, or the last page was reached and the list is not
//! empty; or the author says that the app shows all on one page (`next: none`). A row that stands there twice shows that
//! the list moved while it was read; it is not complete then.
//!
//! A run that broke off is gone on with at the page that it had come to: see [`left_off`].

mod left_off;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::StepKind;
use crate::browser::{Action, Read};
use crate::failure::FailureClass;
use crate::locator::{Kind, Locator, Name, Nth};
use crate::playbook::{Node, Template};
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::extract::Extractor;
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::purpose::Purpose;
use crate::step::rule;
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};
use crate::trace::Progress;

pub(super) const KIND: StepKind = StepKind {
    keyword: "collect",
    summary: "Reads a list over all its pages; `total` or the last page prove that nothing was missed. `next: none` says that \
              the app has no pages.",
    example: "- collect:\n    rows: table \"Members\" > row (has cell /@/)\n    as: { email: column \"Email\" }\n    \
              next: button \"Next page\"",
    schema: r##"{ "type": "object", "required": ["rows", "as"], "additionalProperties": false,
        "anyOf": [ { "required": ["next"] }, { "required": ["total"] } ],
        "properties": { "rows": { "$ref": "#/$defs/locator" },
        "as": { "type": "object", "minProperties": 1, "propertyNames": { "$ref": "#/$defs/variable" },
          "additionalProperties": { "$ref": "#/$defs/extractor" } },
        "next": { "$ref": "#/$defs/locator" }, "total": { "$ref": "#/$defs/extractor" } } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

/// A list is not longer than that many pages.
const MOST_PAGES: usize = 2000;

type Row = Vec<Option<String>>;

/// The `next` of an app that shows all at once. No element can be called so: `none` is no kind.
const NO_PAGES: &str = "none";

#[derive(Debug)]
struct Collect {
    rows: Locator<Template>,
    columns: Vec<(String, Extractor)>,
    next: Option<Locator<Template>>,
    total: Option<Extractor>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, &["rows", "as", "next", "total"], "`collect`")?;
    let rows = compiler.required(&fields, "rows").and_then(|node| compiler.locator(node));
    let columns = compiler.required(&fields, "as").and_then(|node| columns(node, compiler));
    let next = fields.get("next").filter(|node| node.as_text() != Some(NO_PAGES));
    let next = next.and_then(|node| compiler.locator(node));
    let total = fields.get("total").and_then(|node| Extractor::compile(node, compiler));
    if fields.get("next").is_none() && fields.get("total").is_none() {
        compiler.note(rule::no_proof::found(&written.keyword.span));
        return None;
    }
    Some(Box::new(Collect { rows: rows?, columns: columns?, next, total }))
}

fn columns(node: &Node, compiler: &mut Compiler<'_>) -> Option<Vec<(String, Extractor)>> {
    let Some(entries) = node.as_map().filter(|entries| !entries.is_empty()) else {
        compiler.note(node.unexpected("names and extractors, such as `{ email: column \"Email\" }`"));
        return None;
    };
    let mut columns = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = entry.key.text.as_str();
        if compiler.purpose == Purpose::ListAccounts {
            compiler.attribute(name, &entry.key.span);
        }
        compiler.mapped(name, &entry.value);
        columns
            .extend(Extractor::compile(&entry.value, compiler).map(|extractor| (name.to_owned(), extractor)));
    }
    Some(columns)
}

#[async_trait]
impl Effect for Collect {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        Phrase::new("list every", "listed every", &teller.element(&self.rows))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let mut listed: Vec<Row> = Vec::new();
        let total = self.total(stage).await?;
        let (mut pages, mut earlier) = (1, 0);
        if total != Some(0) {
            let begin = self.begin(stage, total).await?;
            (pages, earlier) = (begin.pages, begin.earlier);
            listed = begin.listed;
            let (mut last, mut address) = (begin.last, begin.address);
            stage.progress(Progress { pages, rows: listed.len(), total }).await;
            while self.turn(stage, &last, total.is_some_and(|total| listed.len() < total)).await? {
                pages += 1;
                if pages > MOST_PAGES {
                    let message = format!("the list has more than {MOST_PAGES} pages");
                    return Err(Failure::new(FailureClass::UiDrift, message));
                }
                let now = self.page(stage).await?;
                let known = match &self.next {
                    // "Load more" keeps what was there.
                    Some(_) if now.starts_with(&last) => last.len(),
                    Some(_) => 0,
                    None => overlap(&listed, &now),
                };
                listed.extend(now.iter().skip(known).cloned());
                self.tell(stage, &mut address, (pages, total), &now).await;
                stage.progress(Progress { pages, rows: listed.len(), total }).await;
                last = now;
            }
        }
        let count = listed.len();
        let distinct: BTreeSet<&Row> = listed.iter().collect();
        let proven = match total {
            Some(total) => total == count,
            None => count > 0,
        };
        let complete = proven && distinct.len() == count;
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        let doubt = if complete { "" } else { ", not all of them" };
        let earlier = if earlier == 0 {
            String::new()
        } else {
            format!(", {earlier} of them read by an earlier attempt")
        };
        let s = if pages == 1 { "" } else { "s" };
        stage.say(format!("listed {count}{of} on {pages} page{s}{earlier}{doubt}"));
        let rows = listed.into_iter().map(|row| self.finish(row)).collect::<Result<Vec<_>, _>>()?;
        stage.output().add_list(rows, complete);
        Ok(Next::GoOn)
    }

    fn looks(&self) -> bool {
        true
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.rows]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.rows.for_each_text(&mut |text| visit(Use::Value, text));
        for extractor in self.columns.iter().map(|(_, extractor)| extractor).chain(&self.total) {
            extractor.texts(&mut |_, text| visit(Use::Value, text));
        }
        if let Some(next) = &self.next {
            next.for_each_text(&mut |text| visit(Use::Value, text));
        }
    }
}

impl Collect {
    /// How many the app says there are.
    async fn total(&self, stage: &mut dyn Stage) -> Result<Option<usize>, Failure> {
        let Some(extractor) = &self.total else { return Ok(None) };
        let target = stage.target(&extractor.locator)?;
        let found = stage.read(&target, &extractor.read()).await?;
        let text = extractor.finish("total", found)?;
        count(&text).map(Some).ok_or_else(|| {
            let message = format!("total: “{}” is no number", crate::step::words::shorten(&text));
            Failure::new(FailureClass::UiDrift, message)
        })
    }

    /// The rows of the page that is shown.
    async fn page(&self, stage: &mut dyn Stage) -> Result<Vec<Row>, Failure> {
        stage.restart_wait();
        let target = stage.target(&self.rows)?;
        let mut columns: Vec<(Locator, Read)> = Vec::with_capacity(self.columns.len());
        for (_, extractor) in &self.columns {
            let within_row = stage.target(&extractor.locator)?.locator;
            columns.push((within_row, extractor.read()));
        }
        Ok(stage.rows(&target, &columns).await?.rows)
    }

    /// Goes on to the next page. `false`: this was the last.
    async fn turn(&self, stage: &mut dyn Stage, shown: &[Row], missing: bool) -> Result<bool, Failure> {
        let Some(next) = &self.next else {
            return if missing { self.scroll(stage, shown).await } else { Ok(false) };
        };
        stage.restart_wait();
        let next = stage.target(next)?;
        if !stage.is_there(&next).await? || !stage.is_enabled(&next).await? {
            return Ok(false);
        }
        stage.act(&next, Action::Click).await?;
        if self.page(stage).await? == shown {
            self.wait_for_other_rows(stage, shown).await?;
        }
        Ok(true)
    }

    /// Brings the last row into view. `false`: the rows stay as they are.
    async fn scroll(&self, stage: &mut dyn Stage, shown: &[Row]) -> Result<bool, Failure> {
        stage.restart_wait();
        // By its text: the last one in the document may be another as soon as the list moves.
        let mut last = stage.target(&self.rows)?;
        let Some(telling) = shown.last().and_then(|row| self.telling(row, shown)) else { return Ok(false) };
        last.locator.parts.iter_mut().next_back().into_iter().for_each(|row| row.has.push(telling.clone()));
        stage.act(&last, Action::Hover).await?;
        if self.page(stage).await? != shown {
            return Ok(true);
        }
        match self.wait_for_other_rows(stage, shown).await {
            Ok(()) => Ok(true),
            // Nothing more comes: the total tells that the list is not whole.
            Err(failure) if failure.class == FailureClass::UiDrift => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The click was answered, and the rows are the same still: either the first of them goes, or one more comes.
    async fn wait_for_other_rows(&self, stage: &mut dyn Stage, shown: &[Row]) -> Result<(), Failure> {
        let target = stage.target(&self.rows)?;
        let mut first = target.clone();
        let telling = shown.first().and_then(|row| self.telling(row, shown));
        if let (Some(telling), Some(row)) = (telling, first.locator.parts.last_mut()) {
            row.has.push(telling);
        }
        let mut another = target;
        if let Some(row) = another.locator.parts.last_mut() {
            row.nth = u32::try_from(shown.len() + 1).ok().map(Nth::Index);
        }
        stage.gone_or_there(&first, &another).await
    }

    /// What to know a row by: a text of it that few others have, and a long one.
    fn telling(&self, row: &Row, shown: &[Row]) -> Option<Locator> {
        let alike = |at: usize, text: &String| {
            shown.iter().filter(|other| other.get(at).and_then(Option::as_ref) == Some(text)).count()
        };
        let texts = self.columns.iter().zip(row).enumerate().filter_map(|(at, ((_, column), text))| {
            let text = text.as_ref().filter(|text| column.read().attribute.is_none() && !text.is_empty())?;
            Some((alike(at, text), text))
        });
        let (_, text) = texts.min_by_key(|(alike, text)| (*alike, std::cmp::Reverse(text.len())))?;
        Some(Locator::one(Kind::Text, Name::Exact(text.clone())))
    }

    fn finish(&self, row: Row) -> Result<BTreeMap<String, String>, Failure> {
        let values = self.columns.iter().zip(row);
        values.map(|((name, extractor), found)| Ok((name.clone(), extractor.finish(name, found)?))).collect()
    }
}

/// How many of the rows that are shown now are the last that were listed.
fn overlap(listed: &[Row], now: &[Row]) -> usize {
    (0..=now.len())
        .rev()
        .find(|&count| now.get(..count).is_some_and(|rows| listed.ends_with(rows)))
        .unwrap_or(0)
}

/// `1,204` and `1 204` are numbers too.
fn count(text: &str) -> Option<usize> {
    let digits: String =
        text.chars().filter(|c| !matches!(c, ',' | '.' | '\'' | '’') && !c.is_whitespace()).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_were_listed_before_are_known_again() {
        let rows = |text: &str| text.chars().map(|c| vec![Some(c.to_string())]).collect::<Vec<Row>>();
        for (listed, now, expected) in [
            ("abc", "abcde", 3),
            ("abc", "bcd", 2),
            ("abc", "xyz", 0),
            ("abc", "abc", 3),
            ("abc", "acd", 0),
            ("", "a", 0),
        ] {
            assert_eq!(overlap(&rows(listed), &rows(now)), expected, "{listed} {now}");
        }
    }

    #[test]
    fn totals_are_read_as_people_write_them() {
        for (text, expected) in
            [("53", Some(53)), ("1,204", Some(1204)), ("1 204", Some(1204)), ("many", None), ("", None)]
        {
            assert_eq!(count(text), expected, "{text}");
        }
    }
}
