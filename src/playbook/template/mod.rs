//! Templates (`{{ account.email }}`) and the expressions of `when:`.
//!
//! Jinja with strict names: naming what is not there is an error, never an empty text. The filters and tests are a
//! closed list, an output is text, a number or a truth value, and a template runs on bounded fuel. Deliberately
//! absent: includes, macros, escaping (a result is typed text, never markup) and `debug`.

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::scope::{Scope, ScopeValue};
use crate::diagnostic::{Diagnostic, Span};

mod builtins;
mod scan;

const FUEL: u64 = 50_000;
/// Bytes of a text with placeholders or of a condition, at most.
const MAX_BYTES: usize = 16 * 1024;
/// Operators in it, at most.
const MAX_OPERATORS: usize = 250;

/// A text with placeholders.
#[derive(Clone)]
pub struct Template {
    source: Arc<str>,
    span: Span,
    names: Vec<(String, Span)>,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// No placeholder.
    Literal,
    /// One placeholder and nothing else; the bytes of its expression.
    Single(usize, usize),
    /// Anything else.
    Mixed,
}

/// What a template came to.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text: data, never to be parsed.
    pub text: String,
    /// Whether a secret was read on the way to it.
    pub secret: bool,
}

/// The condition of a `when:`.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    span: Span,
    names: Vec<(String, Span)>,
}

/// Why a template has no value now. Holds no value of the scope.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It names something that has no value.
    #[error("`{name}` has no value, in `{template}`")]
    Undefined {
        /// What was named.
        name: String,
        /// The template.
        template: String,
    },
    /// It cannot be worked out.
    #[error("{reason}, in `{template}`")]
    Failed {
        /// Why.
        reason: String,
        /// The template.
        template: String,
    },
}

impl Template {
    /// Reads a template whose text stands at `span`.
    ///
    /// # Errors
    /// The place where the syntax is wrong, or of a filter, test or function that does not exist.
    pub fn parse(text: &str, span: &Span) -> Result<Self, Diagnostic> {
        let source: Arc<str> = text.into();
        if !["{{", "{%", "{#"].iter().any(|open| text.contains(open)) {
            return Ok(Self { source, span: span.clone(), names: Vec::new(), shape: Shape::Literal });
        }
        check_size(text, span)?;
        let template = ENVIRONMENT.template_from_str(text).map_err(|error| syntax(&error, text, span))?;
        let scan = scan::template(text);
        scan.check(span)?;
        let names = scan.names(&template.undeclared_variables(false), span);
        let shape = scan.single.map_or(Shape::Mixed, |(start, end)| Shape::Single(start, end));
        Ok(Self { source, span: span.clone(), names, shape })
    }

    /// A text that is written out, at `span`.
    pub fn of_literal(text: &str, span: &Span) -> Self {
        let quoted = if text.contains("{{") || text.contains("{%") || text.contains("{#") {
            format!("{{% raw %}}{text}{{% endraw %}}")
        } else {
            text.to_owned()
        };
        let shape = if quoted == text { Shape::Literal } else { Shape::Mixed };
        Self { source: quoted.into(), span: span.clone(), names: Vec::new(), shape }
    }

    /// Its text with the values of `scope` put in.
    ///
    /// # Errors
    /// A name has no value, or the value has no text.
    pub fn render(&self, scope: &Scope) -> Result<Rendered, TemplateError> {
        if self.shape == Shape::Literal {
            return Ok(Rendered { text: self.source.to_string(), secret: false });
        }
        let read = Arc::new(AtomicBool::new(false));
        let result = ENVIRONMENT.render_str(&self.source, scope.context(&read));
        let secret = read.load(Ordering::Relaxed);
        let text = result.map_err(|error| failed(&error, &self.source, secret))?;
        Ok(Rendered { text, secret })
    }

    /// Its value: where it is one placeholder and nothing else, whatever that holds, a list too; its text otherwise.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn value(&self, scope: &Scope) -> Result<ScopeValue, TemplateError> {
        if let Shape::Single(start, end) = self.shape {
            return evaluate(self.source.get(start..end).unwrap_or_default(), scope).map(|(value, _)| value);
        }
        let rendered = self.render(scope)?;
        let text = ScopeValue::Text(rendered.text);
        Ok(if rendered.secret { text.into_secret() } else { text })
    }

    /// The names it reads, dotted, each with its place, in the order of the text.
    pub fn names(&self) -> Vec<(String, Span)> {
        self.names.clone()
    }

    /// The names that it puts into an address as they are, each with its place: those without the filter `urlencode`.
    /// What the address begins with is an address itself.
    pub fn unescaped(&self) -> Vec<(String, Span)> {
        let bare = scan::template(&self.source).unescaped();
        self.names
            .iter()
            .filter(|(_, span)| bare.iter().any(|at| self.span.sub(at.start, at.end) == *span))
            .cloned()
            .collect()
    }

    /// The texts that it compares names with: the name, the text, and where that stands.
    pub fn comparisons(&self) -> Vec<(String, String, Span)> {
        scan::template(&self.source).comparisons(&self.span)
    }

    /// Its text, where it has no placeholder.
    pub fn literal(&self) -> Option<&str> {
        (self.shape == Shape::Literal).then_some(&*self.source)
    }

    /// Its text, placeholders and all.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where it was written.
    pub fn span(&self) -> &Span {
        &self.span
    }
}

impl Expression {
    /// Reads a condition whose text stands at `span`.
    ///
    /// # Errors
    /// The place where the syntax is wrong, or of a filter, test or function that does not exist.
    pub fn parse(text: &str, span: &Span) -> Result<Self, Diagnostic> {
        if text.trim_start().starts_with("{{") {
            let found = Diagnostic::error("template_syntax", span, "a condition is written without braces");
            return Err(found.label("write the expression alone"));
        }
        check_size(text, span)?;
        let expression = ENVIRONMENT.compile_expression(text).map_err(|error| syntax(&error, text, span))?;
        let scan = scan::expression(text);
        scan.check(span)?;
        let names = scan.names(&expression.undeclared_variables(false), span);
        Ok(Self { source: text.into(), span: span.clone(), names })
    }

    /// Whether it holds: whether its value is neither false, nor zero, nor empty.
    ///
    /// # Errors
    /// A name has no value.
    pub fn holds(&self, scope: &Scope) -> Result<bool, TemplateError> {
        let read = Arc::new(AtomicBool::new(false));
        let value = ENVIRONMENT
            .compile_expression(&self.source)
            .and_then(|expression| expression.eval(scope.context(&read)))
            .map_err(|error| failed(&error, &self.source, read.load(Ordering::Relaxed)))?;
        if value.is_undefined() {
            return Err(TemplateError::Undefined {
                name: self.source.to_string(),
                template: self.source.to_string(),
            });
        }
        Ok(value.is_true())
    }

    /// Its value.
    ///
    /// # Errors
    /// A name has no value, or the value is of a kind that cannot be kept.
    pub fn value(&self, scope: &Scope) -> Result<ScopeValue, TemplateError> {
        evaluate(&self.source, scope).map(|(value, _)| value)
    }

    /// The names it reads, dotted, each with its place, in the order of the text.
    pub fn names(&self) -> Vec<(String, Span)> {
        self.names.clone()
    }

    /// As [`Template::comparisons`].
    pub fn comparisons(&self) -> Vec<(String, String, Span)> {
        scan::expression(&self.source).comparisons(&self.span)
    }

    /// Where it was written.
    pub fn span(&self) -> &Span {
        &self.span
    }
}

macro_rules! shown_as_written {
    ($($type:ty)*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.source)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.source, f)
            }
        }

        /// Equal where the text is; the place does not count.
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.source == other.source
            }
        }

        impl Eq for $type {}
    )*};
}

shown_as_written!(Template Expression);

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secret { crate::secret::MASK } else { &self.text })
    }
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    builtins::add_to(&mut environment);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_fuel(Some(FUEL));
    // For the places of mistakes.
    environment.set_debug(true);
    environment.set_formatter(|out, _, value| match value.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => Err(Error::new(ErrorKind::InvalidOperation, "there is no value here")),
        ValueKind::Seq | ValueKind::Iterable => {
            Err(Error::new(ErrorKind::InvalidOperation, "a list has no text; say `| join(', ')`"))
        }
        ValueKind::Map => {
            Err(Error::new(ErrorKind::InvalidOperation, "this has no text; name a value inside it"))
        }
        ValueKind::Bool => out.write_str(if value.is_true() { "true" } else { "false" }).map_err(Error::from),
        _ => out.write_str(&value.to_string()).map_err(Error::from),
    });
    environment
});

fn evaluate(source: &str, scope: &Scope) -> Result<(ScopeValue, bool), TemplateError> {
    let read = Arc::new(AtomicBool::new(false));
    let fail = |error: &Error| failed(error, source, read.load(Ordering::Relaxed));
    let expression = ENVIRONMENT.compile_expression(source).map_err(|error| fail(&error))?;
    let value = expression.eval(scope.context(&read)).map_err(|error| fail(&error))?;
    if value.is_undefined() {
        return Err(TemplateError::Undefined { name: source.trim().to_owned(), template: source.to_owned() });
    }
    let json = serde_json::to_value(&value).ok();
    let kept = json.as_ref().and_then(ScopeValue::from_json).ok_or_else(|| {
        let reason = "the value is neither text, number, truth value, list nor mapping".to_owned();
        TemplateError::Failed { reason, template: source.to_owned() }
    })?;
    let secret = read.load(Ordering::Relaxed);
    Ok((if secret { kept.into_secret() } else { kept }, secret))
}

fn failed(error: &Error, source: &str, secret: bool) -> TemplateError {
    let template = source.to_owned();
    let place = error.range().and_then(|range| source.get(range)).map(str::trim);
    match error.kind() {
        ErrorKind::UndefinedError => {
            let name = place.unwrap_or(source).trim_matches(['{', '}', ' ']).to_owned();
            TemplateError::Undefined { name, template }
        }
        ErrorKind::OutOfFuel => {
            TemplateError::Failed { reason: "it takes too long to work out".into(), template }
        }
        // What minijinja says may repeat a value.
        _ if secret => TemplateError::Failed { reason: "it cannot be worked out".into(), template },
        kind => {
            let reason = error.detail().map_or_else(|| kind.to_string(), str::to_owned);
            TemplateError::Failed { reason, template }
        }
    }
}

/// Refuses what is too long or too deep. minijinja goes down one call for each operator of a chain, such as
/// `a.b.b.b …` or `not not …`, and would end the process where the stack ends.
fn check_size(text: &str, span: &Span) -> Result<(), Diagnostic> {
    let refused =
        |message: String, label: &str| Err(Diagnostic::error("template_syntax", span, message).label(label));
    if text.len() > MAX_BYTES {
        return refused(format!("a template has at most {MAX_BYTES} bytes"), "too long");
    }
    if operators(text) > MAX_OPERATORS {
        return refused(format!("a template has at most {MAX_OPERATORS} operators"), "too many");
    }
    Ok(())
}

/// How many operators the text has, at most: what stands between quotes or outside of placeholders counts too, so that
/// nothing hides from it.
fn operators(text: &str) -> usize {
    let marks = text.bytes().filter(|byte| b".|[({-+*/%~=!<>,:".contains(byte)).count();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    marks + words.filter(|word| matches!(*word, "and" | "elif" | "if" | "in" | "is" | "not" | "or")).count()
}

fn syntax(error: &Error, text: &str, span: &Span) -> Diagnostic {
    let range = error.range().filter(|range| range.start < text.len());
    let place =
        range.map_or_else(|| span.clone(), |range| span.sub(range.start, range.end.max(range.start + 1)));
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    Diagnostic::error("template_syntax", &place, format!("in this template: {message}"))
}

#[cfg(test)]
mod tests;
