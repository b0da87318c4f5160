//! `read`: values from the page.

use async_trait::async_trait;

use super::StepKind;
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::extract::Extractor;
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::purpose::Purpose;
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "read",
    summary: "Reads values from the page. In `read_account` they are the account; elsewhere they are variables.",
    example: "- read: { name: column \"Name\", status: { read: column \"Status\", map: { Active: active } } }",
    schema: r##"{ "type": "object", "minProperties": 1, "propertyNames": { "$ref": "#/$defs/variable" },
        "additionalProperties": { "$ref": "#/$defs/extractor" } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Read {
    values: Vec<(String, Extractor)>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let Some(entries) = written.value.as_map().filter(|entries| !entries.is_empty()) else {
        compiler.note(written.value.unexpected("names and extractors, such as `{ name: column \"Name\" }`"));
        return None;
    };
    let mut values = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = entry.key.text.as_str();
        if compiler.purpose == Purpose::ReadAccount {
            compiler.attribute(name, &entry.key.span);
        }
        compiler.mapped(name, &entry.value);
        let extractor = Extractor::compile(&entry.value, compiler);
        compiler.declare(name, &entry.key.span);
        values.extend(extractor.map(|extractor| (name.to_owned(), extractor)));
    }
    // What must be there is waited for first; then the page is there, and what need not be is looked for only once.
    values.sort_by_key(|(_, extractor)| extractor.waits_for_nothing());
    Some(Box::new(Read { values }))
}

#[async_trait]
impl Effect for Read {
    fn phrase(&self, _teller: &Teller<'_>) -> Phrase {
        let names: Vec<&str> = self.values.iter().map(|(name, _)| name.as_str()).collect();
        Phrase::new("read", "read", &names.join(", "))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        for (name, extractor) in &self.values {
            let target = stage.target(&extractor.locator)?;
            let look = !extractor.has_default() || stage.is_there(&target).await?;
            let found = if look { stage.read(&target, &extractor.read()).await? } else { None };
            let value = extractor.finish(name, found)?;
            stage.set(name, extractor.in_scope(&value));
            stage.output().values.insert(name.clone(), value);
        }
        Ok(Next::GoOn)
    }

    fn looks(&self) -> bool {
        true
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        self.values.iter().map(|(_, extractor)| &extractor.locator).collect()
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.values.iter().for_each(|(_, extractor)| extractor.texts(visit));
    }
}
