//! Filters and orders as SQL.
//!
//! A statement is composed of fragments of our own text and of parameters; names of attributes are parameters too, as JSON
//! paths. It compares [folded](crate::scim::Folded) resources, so that it means the same as
//! [`Filter::matches`](crate::scim::Filter::matches), which the tests hold it to. Negation is carried down to the single
//! comparisons: there, and only there, SQL's third truth value ("unknown") has to become a plain no. What reads JSON is said in the
//! words of each engine.

use serde_json::Value as Json;

use super::engine::Kind;
use super::sql::Composed;
use crate::scim::filter::{Comparison, Filter, Literal};
use crate::scim::schema::{Attribute, Found, Mutability, ResourceSchema, Schema, Type, USHER_JOB, fold};
use crate::scim::{Path, SortOrder};

/// What is asked for is not kept in a form that can be searched.
#[derive(Debug)]
pub(super) struct Unsupported(pub(super) String);

/// What a filter is about: the resource, or one value of a list.
#[derive(Clone, Copy)]
enum Inside<'s> {
    Resource,
    Element(&'s Attribute),
}

/// Where a single value is.
enum Place {
    /// In a column.
    Plain(&'static str),
    /// The value of a list that is gone through.
    Item,
    /// In a JSON document, at these names.
    Json(Document, Vec<String>),
    /// The same for every resource.
    Constant(&'static str),
}

/// A JSON document.
#[derive(Clone, Copy)]
enum Document {
    Resource,
    /// The value of a list that is gone through.
    Item,
}

impl Document {
    fn text(self) -> &'static str {
        match self {
            Self::Resource => "u.folded",
            Self::Item => "e.value",
        }
    }

    /// As PostgreSQL reads it.
    fn json(self) -> &'static str {
        match self {
            Self::Resource => "u.folded::jsonb",
            Self::Item => "e.value",
        }
    }
}

/// Where the values of a path are.
enum Values<'s> {
    One {
        place: Place,
        leaf: &'s Attribute,
    },
    Many {
        list: Vec<String>,
        attribute: &'s Attribute,
        part: Option<&'s Attribute>,
    },
    /// The whole of an extension.
    Extension(Vec<String>),
}

/// Adds to a statement over `users AS u` or `groups AS u`.
pub(super) struct Sql<'o, 'q> {
    pub(super) out: &'o mut Composed<'q>,
    pub(super) integration_id: &'q str,
    pub(super) schema: &'q ResourceSchema,
}

impl<'q> Sql<'_, 'q> {
    /// The condition that `filter` is.
    pub(super) fn filter(&mut self, filter: &'q Filter) -> Result<(), Unsupported> {
        self.condition(filter, Inside::Resource, true)
    }

    /// Whether the filter holds, or, where not `wanted`, whether it does not.
    fn condition(&mut self, filter: &'q Filter, inside: Inside<'q>, wanted: bool) -> Result<(), Unsupported> {
        match filter {
            Filter::And(terms) => self.joined(terms, if wanted { " AND " } else { " OR " }, inside, wanted),
            Filter::Or(terms) => self.joined(terms, if wanted { " OR " } else { " AND " }, inside, wanted),
            Filter::Not(inner) => self.condition(inner, inside, !wanted),
            Filter::Present(path) => {
                self.no_unless(wanted);
                self.present(path, inside)?;
                self.out.push(")");
                Ok(())
            }
            Filter::Compare(path, comparison, literal) => {
                self.no_unless(wanted);
                self.compare(path, (*comparison, literal), inside, wanted)?;
                self.out.push(")");
                Ok(())
            }
        }
    }

    fn no_unless(&mut self, wanted: bool) {
        self.out.push(if wanted { "(" } else { "NOT (" });
    }

    fn joined(
        &mut self,
        terms: &'q [Filter],
        word: &'static str,
        inside: Inside<'q>,
        wanted: bool,
    ) -> Result<(), Unsupported> {
        self.out.push("(");
        for (index, term) in terms.iter().enumerate() {
            if index > 0 {
                self.out.push(word);
            }
            self.condition(term, inside, wanted)?;
        }
        self.out.push(")");
        Ok(())
    }

    fn present(&mut self, path: &'q Path, inside: Inside<'q>) -> Result<(), Unsupported> {
        match self.values(path, inside)? {
            Values::One { place, .. } => {
                self.place(&place, None);
                self.out.push(" IS NOT NULL");
            }
            Values::Extension(names) => {
                self.place(&Place::Json(Document::Resource, names), None);
                self.out.push(" IS NOT NULL");
            }
            Values::Many { list, attribute, part } => {
                self.any(path, (list, attribute, part), |sql, place| {
                    sql.place(place, None);
                    sql.out.push(" IS NOT NULL");
                    Ok(())
                })?
            }
        }
        Ok(())
    }

    fn compare(
        &mut self,
        path: &'q Path,
        (comparison, literal): (Comparison, &'q Literal),
        inside: Inside<'q>,
        wanted: bool,
    ) -> Result<(), Unsupported> {
        match (comparison, literal) {
            (Comparison::Eq, Literal::Null) => {
                self.out.push("NOT (");
                self.present(path, inside)?;
                self.out.push(")");
                return Ok(());
            }
            (Comparison::Ne, Literal::Null) => return self.present(path, inside),
            _ => {}
        }
        match self.values(path, inside)? {
            Values::Extension(_) => return Err(Unsupported(path.to_string())),
            Values::One { place, leaf } => {
                // What is absent is not the same as anything.
                let otherwise = if comparison == Comparison::Ne { ", true)" } else { ", false)" };
                let may_be_unknown = comparison == Comparison::Ne || !wanted;
                self.out.push(if may_be_unknown { "coalesce(" } else { "(" });
                self.holds(&place, leaf, comparison, literal);
                self.out.push(if may_be_unknown { otherwise } else { ")" });
            }
            Values::Many { list, attribute, part } => {
                if comparison == Comparison::Ne {
                    self.out.push("NOT (");
                    self.present(path, inside)?;
                    self.out.push(") OR ");
                }
                if let (Comparison::Eq, Literal::Text(text), "emails", Some("value")) =
                    (comparison, literal, &*attribute.name, part.map(|part| &*part.name))
                {
                    self.out
                        .push("u.id IN (SELECT m.user_id FROM user_emails AS m WHERE m.integration_id = ");
                    self.out
                        .bind(self.integration_id)
                        .push(" AND m.email = ")
                        .bind(fold(text))
                        .push(") AND ");
                }
                let leaf = part.unwrap_or(attribute);
                self.any(path, (list, attribute, part), |sql, place| {
                    sql.holds(place, leaf, comparison, literal);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Whether one value of a list, of those that the path's own filter lets through, is so.
    fn any(
        &mut self,
        path: &'q Path,
        (list, attribute, part): (Vec<String>, &'q Attribute, Option<&'q Attribute>),
        is_so: impl FnOnce(&mut Self, &Place) -> Result<(), Unsupported>,
    ) -> Result<(), Unsupported> {
        match memberships(self.schema, attribute) {
            Some(Memberships { source, .. }) => self.out.push(source),
            None => {
                self.out.push("EXISTS (SELECT 1 FROM ");
                self.items(&list);
                self.out.push(" WHERE ")
            }
        };
        if let Some(filter) = &path.filter {
            self.condition(filter, Inside::Element(attribute), true)?;
            self.out.push(" AND ");
        }
        let place = self.element(attribute, part).ok_or_else(|| Unsupported(path.to_string()))?;
        is_so(self, &place)?;
        self.out.push(")");
        Ok(())
    }

    /// The values of a list of the resource, as rows `e` with a `key` and a `value`.
    fn items(&mut self, list: &[String]) {
        match self.out.kind() {
            Kind::Sqlite => self.out.push("json_each(u.folded, ").bind(path(list)).push(") AS e"),
            Kind::Postgres => self
                .out
                .push("jsonb_array_elements(u.folded::jsonb #> ")
                .bind(array(list))
                .push("::text[]) WITH ORDINALITY AS e (value, key)"),
        };
    }

    /// Whether the value at the place compares so; unknown where there is none.
    fn holds(&mut self, place: &Place, leaf: &Attribute, comparison: Comparison, literal: &'q Literal) {
        let kind = self.out.kind();
        let (before, between, after) = match comparison {
            Comparison::Eq => ("", " = ", ""),
            Comparison::Ne => ("", " <> ", ""),
            Comparison::Gt => ("", " > ", ""),
            Comparison::Ge => ("", " >= ", ""),
            Comparison::Lt => ("", " < ", ""),
            Comparison::Le => ("", " <= ", ""),
            Comparison::Co if kind == Kind::Sqlite => ("instr(", ", ", ") > 0"),
            Comparison::Sw if kind == Kind::Sqlite => ("instr(", ", ", ") = 1"),
            Comparison::Co => ("strpos(", ", ", ") > 0"),
            Comparison::Sw => ("starts_with(", ", ", ")"),
            Comparison::Ew => return self.ends_with(place, leaf, literal),
        };
        self.out.push(before);
        self.place(place, Some(leaf));
        self.out.push(between);
        self.literal(place, leaf, literal);
        self.out.push(after);
    }

    fn ends_with(&mut self, place: &Place, leaf: &Attribute, literal: &'q Literal) {
        if matches!(literal, Literal::Text(text) if text.is_empty()) {
            self.place(place, None);
            self.out.push(" IS NOT NULL");
            return;
        }
        let (before, between) = match self.out.kind() {
            Kind::Sqlite => ("substr(", ", -length("),
            Kind::Postgres => ("right(", ", length("),
        };
        self.out.push(before);
        self.place(place, Some(leaf));
        self.out.push(between);
        self.literal(place, leaf, literal);
        self.out.push(")) = ");
        self.literal(place, leaf, literal);
    }

    fn literal(&mut self, place: &Place, leaf: &Attribute, literal: &'q Literal) {
        match literal {
            Literal::Null => self.out.push("NULL"),
            Literal::Boolean(truth) => self.out.bind(*truth),
            Literal::Number(number) => match number.as_i64() {
                Some(whole) => self.out.bind(whole),
                None => self.out.bind(number.as_f64().unwrap_or(f64::NAN)),
            },
            Literal::Text(text) => match (leaf.kind, place) {
                (Type::DateTime, Place::Plain(_)) => self.out.bind(millis(text)),
                _ if leaf.case_exact => self.out.bind(text),
                _ => self.out.bind(fold(text)),
            },
        };
    }

    /// The value at a place; in PostgreSQL of the type that `leaf` has, where that is known.
    fn place(&mut self, place: &Place, leaf: Option<&Attribute>) {
        match (self.out.kind(), place) {
            (Kind::Sqlite, Place::Constant(value)) => self.out.bind(*value),
            (Kind::Postgres, Place::Constant(value)) => self.out.bind(*value).push(" COLLATE \"C\""),
            (_, Place::Plain(column)) => self.out.push(column),
            (Kind::Sqlite, Place::Item) => self.out.push("e.value"),
            (Kind::Sqlite, Place::Json(document, names)) => {
                self.out.push("json_extract(").push(document.text()).push(", ").bind(path(names)).push(")")
            }
            (Kind::Postgres, Place::Item) => self.typed("e.value #>> '{}'", None, leaf),
            (Kind::Postgres, Place::Json(document, names)) => {
                self.typed(document.json(), Some(array(names)), leaf)
            }
        };
    }

    /// A value of JSON as PostgreSQL compares it.
    fn typed<'o>(
        &'o mut self,
        json: &'static str,
        names: Option<String>,
        leaf: Option<&Attribute>,
    ) -> &'o mut Composed<'q> {
        self.out.push("(").push(json);
        if let Some(names) = names {
            self.out.push(" #>> ").bind(names).push("::text[]");
        }
        self.out.push(match leaf.map(|leaf| leaf.kind) {
            Some(Type::Boolean) => ")::boolean::int::bigint",
            Some(Type::Integer | Type::Decimal) => ")::double precision",
            _ => ") COLLATE \"C\"",
        })
    }

    /// Absent values come last, or first where the order is turned round (RFC 7644 section 3.4.2.3).
    pub(super) fn order(&mut self, path: &'q Path, order: SortOrder) -> Result<(), Unsupported> {
        let (absent, direction) = match order {
            SortOrder::Ascending => (" IS NULL, ", ", "),
            SortOrder::Descending => (" IS NOT NULL, ", " DESC, "),
        };
        for after in [absent, direction] {
            self.key(path)?;
            self.out.push(after);
        }
        Ok(())
    }

    /// The value by which a resource is sorted.
    pub(super) fn key(&mut self, path: &'q Path) -> Result<(), Unsupported> {
        match self.values(path, Inside::Resource)? {
            Values::One { place, leaf } => self.place(&place, Some(leaf)),
            Values::Many { attribute, .. } if memberships(self.schema, attribute).is_some() => {
                return Err(Unsupported(path.to_string()));
            }
            Values::Many { list, part, attribute } => self.first_of(&list, attribute, part),
            Values::Extension(_) => return Err(Unsupported(path.to_string())),
        }
        Ok(())
    }

    /// The value of a list by which its resource is sorted: the primary one, else the first.
    fn first_of(&mut self, list: &[String], attribute: &'q Attribute, part: Option<&'q Attribute>) {
        let part = part.or_else(|| attribute.sub("value"));
        self.out.push("(SELECT ");
        self.place(&element(part), Some(part.unwrap_or(attribute)));
        self.out.push(" FROM ");
        self.items(list);
        self.out.push(" ORDER BY ");
        if attribute.sub("primary").is_some() {
            self.out.push(match self.out.kind() {
                Kind::Sqlite => "json_extract(e.value, '$.primary') IS NOT true, ",
                Kind::Postgres => "(e.value -> 'primary') IS DISTINCT FROM 'true'::jsonb, ",
            });
        }
        self.out.push("e.key LIMIT 1)");
    }

    fn values(&self, path: &'q Path, inside: Inside<'q>) -> Result<Values<'q>, Unsupported> {
        let unsupported = || Unsupported(path.to_string());
        let (extension, attribute) = match inside {
            Inside::Element(attribute) => {
                let leaf = attribute.sub(&path.name).ok_or_else(unsupported)?;
                let place = self.element(attribute, Some(leaf)).ok_or_else(unsupported)?;
                return Ok(Values::One { place, leaf });
            }
            Inside::Resource => match self.schema.find(path.schema.as_deref(), &path.name) {
                Some(
                    Found::Extension(Schema { id: USHER_JOB, .. })
                    | Found::Attribute { extension: Some(Schema { id: USHER_JOB, .. }), .. },
                ) => return Err(unsupported()),
                Some(Found::Extension(extension)) => {
                    return Ok(Values::Extension(vec![extension.id.to_owned()]));
                }
                Some(Found::Attribute { extension, attribute }) => (extension, attribute),
                None => return Err(unsupported()),
            },
        };
        let part = match &path.sub {
            Some(sub) => Some(attribute.sub(sub).ok_or_else(unsupported)?),
            None => None,
        };
        let leaf = part.unwrap_or(attribute);
        let place = match (extension, &*attribute.name, part.map(|part| &*part.name)) {
            (None, "id", None) => Some(Place::Plain("u.id")),
            (None, "userName", None) => Some(Place::Plain("u.user_name_key")),
            (None, "displayName", None) if self.schema.name == "Group" => {
                Some(Place::Plain("u.display_name_key"))
            }
            (None, "externalId", None) => Some(Place::Plain("u.external_id")),
            (None, "meta", None) => Some(Place::Constant("")),
            (None, "meta", Some("created")) => Some(Place::Plain("u.created_at")),
            (None, "meta", Some("lastModified")) => Some(Place::Plain("u.modified_at")),
            (None, "meta", Some("resourceType")) => Some(Place::Constant(self.schema.name)),
            (None, "meta", Some(_)) => return Err(unsupported()),
            _ => None,
        };
        if let Some(place) = place {
            return Ok(Values::One { place, leaf });
        }
        let mut names: Vec<String> = extension.map(|extension| extension.id.to_owned()).into_iter().collect();
        names.push(attribute.name.to_string());
        if attribute.multi_valued {
            return Ok(Values::Many { list: names, attribute, part });
        }
        names.extend(part.map(|part| part.name.to_string()));
        Ok(Values::One { place: Place::Json(Document::Resource, names), leaf })
    }

    /// A value of a list, or a part of it; none where that is not kept.
    fn element(&self, attribute: &Attribute, part: Option<&Attribute>) -> Option<Place> {
        let Some(Memberships { value, kind, .. }) = memberships(self.schema, attribute) else {
            return Some(element(part));
        };
        match part.map_or("value", |part| &*part.name) {
            "value" => Some(Place::Plain(value)),
            "type" => Some(Place::Constant(kind)),
            _ => None,
        }
    }
}

/// A list that is no part of the resource: who is in a group, and in which groups somebody is.
struct Memberships {
    source: &'static str,
    value: &'static str,
    kind: &'static str,
}

fn memberships(schema: &ResourceSchema, attribute: &Attribute) -> Option<Memberships> {
    match (schema.name, &*attribute.name) {
        ("Group", "members") => Some(Memberships {
            source: "EXISTS (SELECT 1 FROM members AS e WHERE e.group_id = u.id AND ",
            value: "e.user_id",
            kind: "user",
        }),
        ("User", "groups") if attribute.mutability == Mutability::ReadOnly => Some(Memberships {
            source: "EXISTS (SELECT 1 FROM members AS e JOIN groups AS g ON g.id = e.group_id AND g.visible = 1 WHERE e.user_id = u.id AND ",
            value: "e.group_id",
            kind: "direct",
        }),
        _ => None,
    }
}

/// The value that is gone through, or a part of it, of a list in the resource.
fn element(part: Option<&Attribute>) -> Place {
    match part {
        None => Place::Item,
        Some(part) => Place::Json(Document::Item, vec![part.name.to_string()]),
    }
}

/// SQLite's path into a JSON document. Names are the schema's, and quoted all the same.
fn path(names: &[String]) -> String {
    let quoted = names.iter().map(|name| format!(".{}", Json::from(name.as_str())));
    format!("${}", quoted.collect::<String>())
}

/// The same for PostgreSQL: an array of the names, as text.
fn array(names: &[String]) -> String {
    let quoted = names.iter().map(|name| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")));
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

/// A moment as it is kept, in milliseconds since 1970; what is none is before every moment.
fn millis(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().map_or(i64::MIN, |moment| moment.as_millisecond())
}
