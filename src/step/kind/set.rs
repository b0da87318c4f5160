//! `set`: variables.

use async_trait::async_trait;

use super::StepKind;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "set",
    summary: "Gives names to values, for the steps after it.",
    example: "- set: { domain: \"{{ account.email | split('@') | last }}\" }",
    schema: r##"{ "type": "object", "minProperties": 1, "propertyNames": { "$ref": "#/$defs/variable" },
        "additionalProperties": { "$ref": "#/$defs/value" } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Set {
    values: Vec<(String, Template)>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let Some(entries) = written.value.as_map().filter(|entries| !entries.is_empty()) else {
        compiler.note(written.value.unexpected("names and values"));
        return None;
    };
    let mut values = Vec::with_capacity(entries.len());
    for entry in entries {
        let value = compiler.template(&entry.value);
        compiler.declare(&entry.key.text, &entry.key.span);
        values.extend(value.map(|value| (entry.key.text.clone(), value)));
    }
    Some(Box::new(Set { values }))
}

#[async_trait]
impl Effect for Set {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let values: Vec<String> =
            self.values.iter().map(|(name, value)| format!("{name} to {}", teller.value(value))).collect();
        Phrase::new("set", "set", &values.join(", "))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        for (name, template) in &self.values {
            let value = template.value(stage.scope());
            let value = value.map_err(|error| Failure::of_connector(error.to_string(), template.span()))?;
            stage.set(name, value);
        }
        Ok(Next::GoOn)
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.values.iter().for_each(|(_, value)| visit(Use::Value, value));
    }
}
