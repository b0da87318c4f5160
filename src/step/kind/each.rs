//! `each`: steps once for every item of a list.

use async_trait::async_trait;

use super::StepKind;
use crate::diagnostic::Span;
use crate::failure::FailureClass;
use crate::playbook::{ScopeValue, Template};
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Shape, Step, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "each",
    summary: "Does steps once for every item of a list; a text is a list with commas.",
    example: "- each:\n    in: [Mail, Chat]\n    as: product\n    do:\n      - check: checkbox \"{{ product }}\"",
    schema: r##"{ "type": "object", "required": ["in", "as", "do"], "additionalProperties": false,
        "properties": { "in": { "oneOf": [ { "$ref": "#/$defs/value" },
        { "type": "array", "items": { "$ref": "#/$defs/value" } } ] },
        "as": { "$ref": "#/$defs/variable" }, "do": { "$ref": "#/$defs/steps" } } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

/// A list from the page or the request is not longer than that.
const MOST: usize = 1000;

#[derive(Debug)]
struct Each {
    items: Vec<Template>,
    /// Whether `items` was written as a list, or is one template that holds one.
    written_out: bool,
    name: String,
    steps: Vec<Step>,
    span: Span,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, &["in", "as", "do"], "`each`")?;
    let list = compiler.required(&fields, "in");
    let written_out = list.is_some_and(|node| node.as_list().is_some());
    let items: Option<Vec<Template>> = list.map(|node| match node.as_list() {
        Some(items) => items.iter().filter_map(|item| compiler.template(item)).collect(),
        None => compiler.template(node).into_iter().collect(),
    });
    let named = compiler.required(&fields, "as");
    let name = named.and_then(|node| compiler.text(node, "a name for the item")).map(str::to_owned);
    let body = compiler.required(&fields, "do");
    let steps = match (&name, named, body) {
        (Some(name), Some(named), Some(body)) => {
            Some(compiler.while_declared(name, &named.span, |compiler| compiler.steps(body)))
        }
        _ => None,
    };
    let span = written.keyword.span.clone();
    Some(Box::new(Each { items: items?, written_out, name: name?, steps: steps?, span }))
}

impl Each {
    fn values(&self, stage: &dyn Stage) -> Result<Vec<ScopeValue>, Failure> {
        let value = |template: &Template| {
            let found = template.value(stage.scope());
            found.map_err(|error| Failure::of_connector(error.to_string(), template.span()))
        };
        let values: Vec<ScopeValue> = self.items.iter().map(value).collect::<Result<_, _>>()?;
        let values = match (self.written_out, values.as_slice()) {
            (false, [ScopeValue::List(items)]) => items.clone(),
            (false, [ScopeValue::Text(text)]) => {
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(ScopeValue::from).collect()
            }
            (true, _) => values,
            _ => return Err(Failure::of_connector("`each` needs a list or a text", &self.span)),
        };
        if values.len() > MOST {
            let message = format!("a list of {} items; at most {MOST} are gone through", values.len());
            return Err(Failure::new(FailureClass::InvalidValue, message));
        }
        Ok(values)
    }
}

#[async_trait]
impl Effect for Each {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let items: Vec<String> = self.items.iter().map(|item| teller.value(item)).collect();
        Phrase::new("go through", "went through", &items.join(", "))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        for value in self.values(stage)? {
            stage.set(&self.name, value);
            if stage.steps(&self.steps).await? == Next::End {
                return Ok(Next::End);
            }
        }
        Ok(Next::GoOn)
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Loop(&self.steps)
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.items.iter().for_each(|item| visit(Use::Value, item));
    }
}
