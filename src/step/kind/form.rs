//! `form`: controls by label, whatever they are.

use async_trait::async_trait;

use super::StepKind;
use crate::browser::{Action, Text};
use crate::diagnostic::Diagnostic;
use crate::locator::{Kind, Locator, Name};
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "form",
    summary: "Sets controls by label, whatever they are: text, select, combobox, checkbox, radio group, date; \
              only what differs.",
    example: "- form: { Email: \"{{ account.email }}\", Send invitation: true }",
    schema: r##"{ "type": "object", "minProperties": 1, "additionalProperties": { "$ref": "#/$defs/value" } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Form {
    fields: Vec<(Locator<Template>, Template)>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let Some(entries) = written.value.as_map().filter(|entries| !entries.is_empty()) else {
        compiler.note(
            written.value.unexpected("labels and values, such as `{ Email: \"{{ account.email }}\" }`"),
        );
        return None;
    };
    let mut fields = Vec::with_capacity(entries.len());
    for entry in entries {
        let label = compiler.key_template(&entry.key);
        let value = match entry.value.value {
            crate::playbook::Value::Null => {
                let found = Diagnostic::error(
                    "no_value",
                    &entry.key.span,
                    format!("`{}` has no value", entry.key.text),
                );
                compiler.note(found.help("write \"\" to empty a field"));
                None
            }
            _ => compiler.template(&entry.value),
        };
        if let (Some(label), Some(value)) = (label, value) {
            fields.push((Locator::one(Kind::Field, Name::Exact(label)), value));
        }
    }
    Some(Box::new(Form { fields }))
}

#[async_trait]
impl Effect for Form {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let mut fields: Vec<String> = self
            .fields
            .iter()
            .map(|(field, value)| format!("{} to {}", teller.alone(field), teller.value(value)))
            .collect();
        if let Some((last, (field, value))) = fields.last_mut().zip(self.fields.last()) {
            // What they all are inside of is said once, at the end.
            let place = teller.element(field);
            let place = place.strip_prefix(&teller.alone(field)).unwrap_or_default();
            *last = format!("{} to {}{place}", teller.alone(field), teller.value(value));
        }
        let rest = fields.join(", ");
        Phrase::new("set", "set", &rest)
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        for (field, value) in &self.fields {
            let target = stage.target(field)?;
            let value = stage.render(value)?;
            stage.act(&target, Action::Set(Text { text: value.text, secret: value.secret })).await?;
        }
        Ok(Next::GoOn)
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        self.fields.iter().map(|(field, _)| field).collect()
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        for (field, value) in &self.fields {
            field.for_each_text(&mut |text| visit(Use::Locator, text));
            visit(Use::Value, value);
        }
    }
}
