//! Filters (RFC 7644 section 3.4.2.2).
//!
//! Invariants: a filter made by [`Filter::parse`] is checked against the schema. Its names are in canonical spelling, its
//! values are of the attribute's type, its operators make sense for it; a filter that Usher cannot honour is an
//! error and never an empty answer, which an identity provider would read as "no such user". Printing a filter and
//! reading it again gives the same filter.

mod matches;

use std::fmt;

use serde_json::{Number, Value};

use super::Error;
use super::error::quote;
use super::grammar;
use super::path::{Path, Scope};
use super::schema::{Attribute, ResourceSchema, Returned, Type};

/// A condition on a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them hold. At least two.
    And(Vec<Filter>),
    /// One of them holds. At least two.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// The path names a value that is not empty: `title pr`, and `emails[type eq "work"]`.
    Present(Path),
    /// One of the path's values compares so.
    Compare(Path, Comparison, Literal),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// The same.
    Eq,
    /// Not the same. An absent attribute is not the same as anything.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater, later, or after in the order of text.
    Gt,
    /// Greater or the same.
    Ge,
    /// Less.
    Lt,
    /// Less or the same.
    Le,
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// No value; equal to an absent attribute.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// Text, a moment, a reference.
    Text(String),
}

/// How many comparisons a filter may consist of: databases limit how large a statement may be.
const MOST_TERMS: usize = 200;

impl Filter {
    /// Reads a filter on resources of that type.
    ///
    /// # Errors
    /// `invalidFilter`: malformed (with the character), an unknown attribute, or a comparison that makes no sense for it.
    pub fn parse(text: &str, schema: &ResourceSchema) -> Result<Self, Error> {
        let mut filter = grammar::filter(text).map_err(Error::invalid_filter)?;
        if filter.terms() > MOST_TERMS {
            let message = format!("a filter has at most {MOST_TERMS} comparisons; ask in several requests");
            return Err(Error::invalid_filter(message));
        }
        filter.resolve(Scope::Resource(schema)).map_err(Error::invalid_filter)?;
        Ok(filter)
    }

    /// Whether it holds for a resource, as stored or as answered with.
    pub fn matches(&self, resource: &Value, schema: &ResourceSchema) -> bool {
        resource.as_object().is_some_and(|attributes| self.matches_in(attributes, Scope::Resource(schema)))
    }

    /// How many comparisons it consists of.
    fn terms(&self) -> usize {
        let of = |path: &Path| 1 + path.filter.as_ref().map_or(0, |filter| filter.terms());
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().map(Self::terms).sum(),
            Self::Not(inner) => inner.terms(),
            Self::Present(path) | Self::Compare(path, ..) => of(path),
        }
    }

    /// The values that an element must have to match, where the filter is nothing but `eq` joined by `and`.
    pub(super) fn equalities(&self) -> Option<Vec<(&str, &Literal)>> {
        match self {
            Self::Compare(Path { schema: None, name, filter: None, sub: None }, Comparison::Eq, value) => {
                Some(vec![(name.as_str(), value)])
            }
            Self::And(terms) => {
                terms.iter().map(Self::equalities).collect::<Option<Vec<_>>>().map(|all| all.concat())
            }
            _ => None,
        }
    }

    pub(super) fn resolve(&mut self, scope: Scope<'_>) -> Result<(), String> {
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter_mut().try_for_each(|term| term.resolve(scope)),
            Self::Not(inner) => inner.resolve(scope),
            Self::Present(path) => {
                path.resolve(scope)?;
                visible(path, scope)
            }
            Self::Compare(path, comparison, value) => {
                path.resolve(scope)?;
                visible(path, scope)?;
                let Some(mut leaf) = scope.leaf(path) else {
                    return Err(format!(
                        "{} is an extension and has no value to compare",
                        quote(&path.to_string())
                    ));
                };
                if leaf.kind == Type::Complex {
                    // `emails co "x"` means its values (RFC 7644 section 3.4.2.2).
                    leaf = leaf.sub("value").ok_or_else(|| {
                        format!("{} consists of parts; compare one of them", quote(&leaf.name))
                    })?;
                    path.sub = Some("value".to_owned());
                }
                check(leaf, *comparison, value)
            }
        }
    }
}

/// What is never returned cannot be found out by asking either.
fn visible(path: &Path, scope: Scope<'_>) -> Result<(), String> {
    match scope.leaf(path) {
        Some(leaf) if leaf.returned == Returned::Never => {
            Err(format!("{} cannot be asked for", quote(&leaf.name)))
        }
        _ => Ok(()),
    }
}

fn check(leaf: &Attribute, comparison: Comparison, value: &mut Literal) -> Result<(), String> {
    use Comparison::{Co, Eq, Ew, Ne, Sw};
    let name = quote(&leaf.name);
    if let (Type::Boolean, Literal::Text(text)) = (leaf.kind, &*value) {
        // Entra ID writes booleans as text.
        if let Ok(truth) = text.to_ascii_lowercase().parse() {
            *value = Literal::Boolean(truth);
        }
    }
    let (fits, expected) = match (leaf.kind, &*value) {
        (_, Literal::Text(text)) if text.contains('\0') => (false, "no text holds U+0000"),
        (_, Literal::Null) => (matches!(comparison, Eq | Ne), "nothing but eq and ne compare with null"),
        (Type::Boolean, Literal::Boolean(_)) => {
            (matches!(comparison, Eq | Ne), "true and false compare by eq and ne only")
        }
        (Type::Boolean, _) => (false, "it is true or false"),
        (Type::Integer | Type::Decimal, Literal::Number(_)) => {
            (!matches!(comparison, Co | Sw | Ew), "numbers do not compare by co, sw, ew")
        }
        (Type::Integer | Type::Decimal, _) => (false, "it is a number"),
        (Type::DateTime, Literal::Text(text)) => {
            let moment = !matches!(comparison, Co | Sw | Ew) && text.parse::<jiff::Timestamp>().is_ok();
            (moment, "it is a moment such as \"2026-01-31T08:00:00Z\", and has no parts")
        }
        (Type::Binary, Literal::Text(_)) => {
            (matches!(comparison, Eq | Ne | Co | Sw | Ew), "bytes have no order")
        }
        (Type::String | Type::Reference, Literal::Text(_)) => (true, ""),
        (Type::Complex, _) => (false, "it consists of parts"),
        _ => (false, "it is text; put the value in double quotes"),
    };
    if fits { Ok(()) } else { Err(format!("{name} cannot be compared so: {expected}")) }
}

impl Comparison {
    const WORDS: [(&'static str, Self); 9] = [
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("co", Self::Co),
        ("sw", Self::Sw),
        ("ew", Self::Ew),
        ("gt", Self::Gt),
        ("ge", Self::Ge),
        ("lt", Self::Lt),
        ("le", Self::Le),
    ];

    /// The operator of that word in lower case.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, comparison)| *comparison)
    }

    fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, known)| *known == self).map_or("eq", |(word, _)| word)
    }
}

impl Literal {
    /// The same as JSON.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone()),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, terms: &[Filter], word: &str| {
            for (n, term) in terms.iter().enumerate() {
                if n > 0 {
                    write!(f, " {word} ")?;
                }
                match term {
                    // `and` binds tighter, so it needs no parentheses within `or`.
                    Self::And(_) if word == "or" => write!(f, "{term}")?,
                    Self::And(_) | Self::Or(_) => write!(f, "({term})")?,
                    _ => write!(f, "{term}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::And(terms) => join(f, terms, "and"),
            Self::Or(terms) => join(f, terms, "or"),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Present(path) if path.filter.is_some() && path.sub.is_none() => write!(f, "{path}"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Compare(path, comparison, value) => {
                write!(f, "{path} {} {}", comparison.as_str(), value.to_value())
            }
        }
    }
}

#[cfg(test)]
mod tests;
