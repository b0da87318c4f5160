//! `run`: another flow of the connector.

use async_trait::async_trait;

use super::StepKind;
use crate::diagnostic::Span;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Call, Effect, Shape, Use};
use crate::step::rule;
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "run",
    summary: "Does what another flow says. It sees what stands in `with`; what it reads can be used afterwards.",
    example: "- run: open_member\n  with: { tab: Teams }",
    schema: r#"{ "type": "string", "description": "The name of a flow" }"#,
    beside: &["with"],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Run {
    flow: String,
    with: Vec<(String, Template)>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let flow = compiler.text(written.value, "the name of a flow");
    let mut with = Vec::new();
    let mut names: Vec<(String, Span)> = Vec::new();
    if let Some(node) = written.beside("with") {
        let Some(entries) = node.as_map() else {
            compiler.note(node.unexpected("names and values"));
            return None;
        };
        for entry in entries {
            if let Some(value) = compiler.template(&entry.value) {
                with.push((entry.key.text.clone(), value));
                names.push((entry.key.text.clone(), entry.key.span.clone()));
            }
        }
    }
    let flow = flow?;
    if !compiler.vocabulary.flows.contains(flow) {
        let found = rule::unknown_flow::RULE.at(&written.value.span, format!("there is no flow `{flow}`"));
        compiler.note(found.suggest(flow, compiler.vocabulary.flows.iter().map(String::as_str)));
        return None;
    }
    compiler.calls(Call { flow: flow.to_owned(), span: written.value.span.clone(), with: names });
    Some(Box::new(Run { flow: flow.to_owned(), with }))
}

#[async_trait]
impl Effect for Run {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let with: Vec<String> =
            self.with.iter().map(|(name, value)| format!("{name} {}", teller.value(value))).collect();
        let with = if with.is_empty() { String::new() } else { format!(" with {}", with.join(", ")) };
        Phrase::new("run", "ran", &format!("flow `{}`{with}", self.flow))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let mut with = Vec::with_capacity(self.with.len());
        for (name, template) in &self.with {
            let value = template.value(stage.scope());
            let value = value.map_err(|error| Failure::of_connector(error.to_string(), template.span()))?;
            with.push((name.clone(), value));
        }
        stage.call(&self.flow, with).await
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Call(&self.flow)
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.with.iter().for_each(|(_, value)| visit(Use::Value, value));
    }
}
