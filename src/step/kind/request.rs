//! `request`: the app's own endpoint, asked by the page that is open, in the logged-in session.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Map, Number, Value};

use super::StepKind;
use crate::browser::{Answered, Asked};
use crate::failure::FailureClass;
use crate::playbook::{self, Node, Scope, ScopeValue, Template};
use crate::secret::ExposeSecret;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::purpose::Purpose;
use crate::step::records::{self, Fields, fields_schema};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "request",
    summary: "Asks an endpoint of the app from the page that is open, with its cookies. `body` is sent as JSON; the status must be one of \
              `expect`, or 2xx. `as` reads values by their paths in the answer, as `read` does. With `rows`, the path of a list (`.` is the \
              whole answer), it reads a list instead: where `path` uses `page` (1, 2, …) or `listed` (how many rows so far) it is asked \
              again until `total` is reached or a page is empty; the list is complete when `total` agrees or an empty page was reached. As the \
              commit step it checks the page that is open for tenant and identity. At most 8 MiB an answer.",
    example: "- request:\n    method: GET\n    path: /api/users?per_page=100&page={{ page }}\n    rows: data\n    total: meta.total\n    \
              as: { id: id, email: profile.email }",
    schema: concat!(
        r##"{ "type": "object", "required": ["method", "path"], "additionalProperties": false,
        "properties": { "method": { "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"] }, "path": { "$ref": "#/$defs/value" },
        "headers": { "type": "object", "additionalProperties": { "$ref": "#/$defs/value" } },
        "body": { "description": "Anything; its texts are values" },
        "expect": { "oneOf": [ { "type": "integer", "minimum": 100, "maximum": 599 },
          { "type": "array", "minItems": 1, "items": { "type": "integer", "minimum": 100, "maximum": 599 } } ] },
        "rows": { "type": "string", "description": "The path of the list" },
        "total": { "type": "string", "description": "The path of the number of all" }, "as": "##,
        fields_schema!(),
        " } }"
    ),
    beside: &[],
    may_commit: true,
    compile,
};

const KEYS: &[&str] = &["method", "path", "headers", "body", "expect", "rows", "total", "as"];
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];
/// The longest answer, in bytes.
const MOST: u64 = 8 << 20;
/// A list is not longer than that.
const MOST_PAGES: u32 = 2000;
/// What the path of a list can use, beside what every template can.
const PAGE: &str = "page";
const LISTED: &str = "listed";

#[derive(Debug)]
struct Request {
    method: String,
    path: Template,
    headers: Vec<(String, Template)>,
    body: Option<Body>,
    expect: Vec<u16>,
    list: Option<List>,
    fields: Option<Fields>,
}

#[derive(Debug)]
struct List {
    rows: String,
    total: Option<String>,
    /// Whether it is asked for page by page.
    paged: bool,
}

/// What is sent: JSON whose texts are templates.
#[derive(Debug)]
enum Body {
    Plain(Value),
    Text(Template),
    List(Vec<Body>),
    Map(Vec<(String, Body)>),
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, KEYS, "`request`")?;
    let method = compiler.required(&fields, "method").and_then(|node| method(node, compiler));
    let rows = fields.get("rows").and_then(|node| compiler.text(node, "the path of the list"));
    let total = fields.get("total").and_then(|node| compiler.text(node, "the path of the number of all"));
    let path = compiler.required(&fields, "path").and_then(|node| match rows {
        None => compiler.template(node),
        Some(_) => compiler.while_declared(PAGE, &node.span, |compiler| {
            compiler.while_declared(LISTED, &node.span, |compiler| compiler.template(node))
        }),
    });
    let headers = fields.get("headers").map(|node| headers(node, compiler)).unwrap_or_default();
    let body = fields.get("body").and_then(|node| Body::compile(node, compiler));
    let expect = fields.get("expect").map(|node| statuses(node, compiler)).unwrap_or_default();
    let accounts = if rows.is_some() { Purpose::ListAccounts } else { Purpose::ReadAccount };
    let values = fields.get("as").and_then(|node| Fields::compile(node, accounts, compiler));
    if rows.is_none() {
        for entry in fields.get("as").and_then(Node::as_map).unwrap_or_default() {
            compiler.declare(&entry.key.text, &entry.key.span);
        }
    }
    let path = path?;
    let uses = |name| path.names().iter().any(|(used, _)| used == name);
    let list = rows.map(|rows| List {
        rows: rows.to_owned(),
        total: total.map(str::to_owned),
        paged: uses(PAGE) || uses(LISTED),
    });
    Some(Box::new(Request { method: method?, path, headers, body, expect, list, fields: values }))
}

fn method(node: &Node, compiler: &mut Compiler<'_>) -> Option<String> {
    let known = node.as_text().filter(|method| METHODS.contains(method)).map(str::to_owned);
    if known.is_none() {
        compiler.note(node.unexpected("`GET`, `POST`, `PUT`, `PATCH` or `DELETE`"));
    }
    known
}

fn headers(node: &Node, compiler: &mut Compiler<'_>) -> Vec<(String, Template)> {
    let Some(entries) = node.as_map() else {
        compiler.note(node.unexpected("names and values"));
        return Vec::new();
    };
    let headers =
        entries.iter().map(|entry| Some((entry.key.text.clone(), compiler.template(&entry.value)?)));
    headers.collect::<Vec<_>>().into_iter().flatten().collect()
}

fn statuses(node: &Node, compiler: &mut Compiler<'_>) -> Vec<u16> {
    let nodes = node.as_list().unwrap_or(std::slice::from_ref(node));
    let status = |node: &Node| {
        let status =
            node.as_text().and_then(|text| text.parse().ok()).filter(|status| (100..600).contains(status));
        status.or_else(|| {
            compiler.note(node.unexpected("a status, such as `201`"));
            None
        })
    };
    nodes.iter().filter_map(status).collect()
}

impl Body {
    fn compile(node: &Node, compiler: &mut Compiler<'_>) -> Option<Self> {
        Some(match &node.value {
            playbook::Value::Null => Self::Plain(Value::Null),
            playbook::Value::Bool(value) => Self::Plain(Value::Bool(*value)),
            playbook::Value::Number(number) => {
                Self::Plain(number.parse::<Number>().map_or_else(|_| number.clone().into(), Value::Number))
            }
            playbook::Value::Text(_) => Self::Text(compiler.template(node)?),
            playbook::Value::List(items) => {
                Self::List(items.iter().filter_map(|item| Self::compile(item, compiler)).collect())
            }
            playbook::Value::Map(entries) => {
                let entry = |entry: &playbook::Entry| {
                    Some((entry.key.text.clone(), Self::compile(&entry.value, compiler)?))
                };
                Self::Map(entries.iter().filter_map(entry).collect())
            }
        })
    }

    fn render(&self, scope: &Scope) -> Result<Value, Failure> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(template) => {
                let value = template.value(scope);
                json_of(value.map_err(|error| Failure::of_connector(error.to_string(), template.span()))?)
            }
            Self::List(items) => {
                Value::Array(items.iter().map(|item| item.render(scope)).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => {
                let rendered = entries.iter().map(|(key, body)| Ok((key.clone(), body.render(scope)?)));
                Value::Object(rendered.collect::<Result<Map<_, _>, Failure>>()?)
            }
        })
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        match self {
            Self::Plain(_) => {}
            Self::Text(template) => visit(Use::Value, template),
            Self::List(items) => items.iter().for_each(|item| item.texts(visit)),
            Self::Map(entries) => entries.iter().for_each(|(_, body)| body.texts(visit)),
        }
    }
}

fn json_of(value: ScopeValue) -> Value {
    match value {
        ScopeValue::Text(text) => Value::String(text),
        ScopeValue::Secret(secret) => Value::String(secret.expose_secret().to_owned()),
        ScopeValue::Computed(make) => Value::String(make().expose_secret().to_owned()),
        ScopeValue::Bool(value) => Value::Bool(value),
        ScopeValue::Number(number) => Value::Number(number),
        ScopeValue::List(values) => Value::Array(values.into_iter().map(json_of).collect()),
        ScopeValue::Map(values) => {
            Value::Object(values.into_iter().map(|(key, value)| (key, json_of(value))).collect())
        }
    }
}

#[async_trait]
impl Effect for Request {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let path = match &self.list {
            // Its path is another one for each page.
            Some(list) if list.paged => format!("“{}”", self.path),
            _ => teller.value(&self.path),
        };
        Phrase::new("request", "requested", &format!("{} {path}", self.method))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        match &self.list {
            Some(list) => self.list(list, stage).await,
            None => self.values(stage).await,
        }?;
        Ok(Next::GoOn)
    }

    fn looks(&self) -> bool {
        true
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        visit(Use::Address, &self.path);
        self.headers.iter().for_each(|(_, value)| visit(Use::Value, value));
        self.body.iter().for_each(|body| body.texts(visit));
    }
}

impl Request {
    async fn ask(&self, stage: &mut dyn Stage, scope: &Scope) -> Result<Answered, Failure> {
        let render = |template: &Template| {
            let rendered = template.render(scope);
            rendered.map_err(|error| Failure::of_connector(error.to_string(), template.span()))
        };
        let path = render(&self.path)?;
        if path.secret {
            return Err(Failure::of_connector("a secret cannot be part of an address", self.path.span()));
        }
        let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        if self.body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        for (name, value) in &self.headers {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.clone(), render(value)?.text));
        }
        let body =
            self.body.as_ref().map(|body| body.render(scope)).transpose()?.map(|body| body.to_string());
        let asked = Asked { method: self.method.clone(), url: path.text, headers, body, most: MOST };
        stage.request(asked, &self.expect).await
    }

    async fn values(&self, stage: &mut dyn Stage) -> Result<(), Failure> {
        let scope = stage.scope().clone();
        let answered = self.ask(stage, &scope).await?;
        stage.say(format!("requested {} {}: {}", self.method, without_query(&answered.url), answered.status));
        let Some(fields) = &self.fields else { return Ok(()) };
        for (name, value) in fields.read(&json(&answered)?)? {
            stage.set(&name, value.clone().into());
            stage.output().values.insert(name, value);
        }
        Ok(())
    }

    async fn list(&self, list: &List, stage: &mut dyn Stage) -> Result<(), Failure> {
        let drift = |message: String| Failure::new(FailureClass::UiDrift, message);
        let mut rows = Vec::new();
        let mut proven = false;
        let mut total = None;
        for page in 1..=MOST_PAGES {
            let mut scope = stage.scope().clone();
            scope.set(PAGE, ScopeValue::Number(page.into()));
            scope.set(LISTED, ScopeValue::Number(rows.len().into()));
            stage.restart_wait();
            let answer = json(&self.ask(stage, &scope).await?)?;
            let found = records::at_path(&answer, &list.rows).and_then(Value::as_array);
            let found = found.ok_or_else(|| drift(format!("there is no list at `{}`", list.rows)))?;
            if let Some(path) = &list.total {
                let said = records::at_path(&answer, path).and_then(Value::as_u64);
                let said = said.ok_or_else(|| drift(format!("there is no number at `{path}`")))?;
                total = Some(usize::try_from(said).unwrap_or(usize::MAX));
            }
            if let Some(fields) = &self.fields {
                let read = found.iter().map(|record| fields.read(record));
                rows.extend(read.collect::<Result<Vec<_>, _>>()?);
            }
            let at_end = found.is_empty() || total.is_some_and(|total| rows.len() >= total);
            if at_end || !list.paged {
                proven = match total {
                    Some(total) => total == rows.len(),
                    None => list.paged && !rows.is_empty(),
                };
                break;
            }
        }
        let distinct: BTreeSet<_> = rows.iter().collect();
        let complete = proven && distinct.len() == rows.len();
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        let doubt = if complete { "" } else { ", not surely all" };
        stage.say(format!("listed {}{of} by requests{doubt}", rows.len()));
        stage.output().add_list(rows, complete);
        Ok(())
    }
}

fn json(answered: &Answered) -> Result<Value, Failure> {
    serde_json::from_str(&answered.text).map_err(|error| {
        Failure::new(FailureClass::UiDrift, format!("the answer of {} is no JSON: {error}", answered.status))
    })
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}
