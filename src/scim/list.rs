//! Queries for lists and their answers (RFC 7644 section 3.4.2).

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::error::quote;
use super::filter::Filter;
use super::path::Path;
use super::projection::Projection;
use super::resource::json;
use super::schema::ResourceSchema;
use super::{Error, grammar};

/// The schema of a list.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The schema of a search (RFC 7644 section 3.4.3).
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// How many resources a page has where the client does not say.
pub const DEFAULT_COUNT: u32 = 100;
/// The most resources of a page.
pub const MAX_COUNT: u32 = 200;

/// What a client asks of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// The first resource wanted, counted from 1.
    pub start_index: u32,
    /// The most resources wanted, at most [`MAX_COUNT`]; 0 asks for the total alone.
    pub count: u32,
    /// Which resources.
    pub filter: Option<Filter>,
    /// By which attribute they are sorted.
    pub sort_by: Option<Path>,
    /// In which direction.
    pub sort_order: SortOrder,
    /// Which attributes of them.
    pub projection: Projection,
}

/// The direction of sorting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

impl ListQuery {
    /// Reads the decoded pairs of a query. Unknown parameters are ignored; of one given twice, the last counts. A
    /// `startIndex` below 1 is 1, a `count` below 0 is 0, one above [`MAX_COUNT`] is cut.
    ///
    /// # Errors
    /// `invalidFilter`; `invalidPath`: `sortBy` names no attribute; `invalidValue`: a number or `sortOrder` that is none.
    pub fn parse<'q>(
        pairs: impl IntoIterator<Item = (&'q str, &'q str)>,
        schema: &ResourceSchema,
    ) -> Result<Self, Error> {
        let mut query = Self::all();
        let (mut attributes, mut excluded) = (None, None);
        for (name, value) in pairs {
            match name.to_ascii_lowercase().as_str() {
                "startindex" => query.start_index = number("startIndex", value, 1, u32::MAX)?,
                "count" => query.count = number("count", value, 0, MAX_COUNT)?,
                "filter" if value.trim().is_empty() => query.filter = None,
                "filter" => query.filter = Some(Filter::parse(value, schema)?),
                "sortby" if value.trim().is_empty() => query.sort_by = None,
                "sortby" => query.sort_by = Some(sort_by(value, schema)?),
                "sortorder" => query.sort_order = sort_order(value)?,
                "attributes" => attributes = Some(value),
                "excludedattributes" => excluded = Some(value),
                _ => {}
            }
        }
        query.projection = Projection::parse(attributes, excluded, schema);
        Ok(query)
    }

    /// Reads the body of a search, whose members are the parameters of a list.
    ///
    /// # Errors
    /// `invalidSyntax`: no such body, or a member of the wrong type; those of [`ListQuery::parse`].
    pub fn from_slice(body: &[u8], schema: &ResourceSchema) -> Result<Self, Error> {
        let Value::Object(members) = json(body)? else {
            return Err(Error::invalid_syntax("the body must be a JSON object"));
        };
        let is_search = |schemas: &Value| {
            schemas.as_array().is_some_and(|schemas| schemas.iter().any(|urn| urn == SEARCH_REQUEST))
        };
        if !members.get("schemas").is_some_and(is_search) {
            return Err(Error::invalid_syntax(format!("`schemas` must contain \"{SEARCH_REQUEST}\"")));
        }
        let mut pairs = Vec::new();
        for (name, value) in members {
            let text = match value {
                _ if name == "schemas" => continue,
                Value::Null => continue,
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Array(names) if names.iter().all(Value::is_string) => {
                    names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
                }
                _ => return Err(Error::invalid_syntax(format!("{} is of the wrong type", quote(&name)))),
            };
            pairs.push((name, text));
        }
        Self::parse(pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())), schema)
    }

    /// The first page of everything.
    pub fn all() -> Self {
        Self {
            start_index: 1,
            count: DEFAULT_COUNT,
            filter: None,
            sort_by: None,
            sort_order: SortOrder::Ascending,
            projection: Projection::All,
        }
    }

    /// How many resources precede the page.
    pub fn offset(&self) -> u32 {
        self.start_index.saturating_sub(1)
    }
}

fn number(name: &str, value: &str, least: u32, most: u32) -> Result<u32, Error> {
    let value = value.trim();
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Error::invalid_value(format!("`{name}` must be a whole number")));
    }
    if value.starts_with('-') {
        return Ok(least);
    }
    // What is too long for a number is larger than any limit.
    Ok(digits.parse().unwrap_or(u32::MAX).clamp(least, most))
}

fn sort_by(value: &str, schema: &ResourceSchema) -> Result<Path, Error> {
    let path = Path::parse(value, schema)?;
    let filtered = grammar::path(value).is_ok_and(|path| path.filter.is_some());
    if filtered {
        Err(Error::invalid_path(format!("{} cannot be sorted by", quote(value))))
    } else {
        Ok(path)
    }
}

fn sort_order(value: &str) -> Result<SortOrder, Error> {
    match value.trim().to_ascii_lowercase().as_str() {
        "ascending" | "" => Ok(SortOrder::Ascending),
        "descending" => Ok(SortOrder::Descending),
        _ => Err(Error::invalid_value("`sortOrder` must be ascending or descending")),
    }
}

/// A page of a list. Serialises to the exact message of the RFC.
#[derive(Clone, Debug, PartialEq)]
pub struct ListResponse<T> {
    /// How many resources match in all.
    pub total_results: u64,
    /// The first resource of this page, counted from 1.
    pub start_index: u32,
    /// The page.
    pub resources: Vec<T>,
}

impl<T> ListResponse<T> {
    /// All of a short list on one page.
    pub fn whole(resources: Vec<T>) -> Self {
        Self { total_results: resources.len() as u64, start_index: 1, resources }
    }

    /// Adds to a list that is on one page.
    pub fn add(&mut self, more: impl IntoIterator<Item = T>) {
        self.resources.extend(more);
        self.total_results = self.resources.len() as u64;
    }
}

impl<T: Serialize> Serialize for ListResponse<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[LIST_RESPONSE])?;
        map.serialize_entry("totalResults", &self.total_results)?;
        map.serialize_entry("startIndex", &self.start_index)?;
        map.serialize_entry("itemsPerPage", &self.resources.len())?;
        map.serialize_entry("Resources", &self.resources)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::ScimType;

    fn parse(pairs: &[(&'static str, &'static str)]) -> Result<ListQuery, Error> {
        ListQuery::parse(pairs.iter().copied(), &ResourceSchema::user())
    }

    #[test]
    fn numbers_follow_the_rules_of_the_rfc() {
        let check = |name: &'static str, value: &'static str, expected: (u32, u32)| {
            let query = parse(&[(name, value)]).unwrap();
            assert_eq!((query.start_index, query.count), expected, "{name}={value}");
        };
        check("startIndex", "101", (101, 100));
        check("startIndex", "0", (1, 100));
        check("startIndex", "-7", (1, 100));
        check("startIndex", "99999999999999999999", (u32::MAX, 100));
        check("STARTINDEX", " 3 ", (3, 100));
        check("count", "2", (1, 2));
        check("count", "0", (1, 0));
        check("count", "-1", (1, 0));
        check("count", "5000", (1, 200));
        check("aadOptscim062020", "", (1, 100));
        for wrong in ["", "x", "1.5", "-", "1e3"] {
            assert_eq!(
                parse(&[("count", wrong)]).unwrap_err().scim_type,
                Some(ScimType::InvalidValue),
                "{wrong}"
            );
        }
        assert_eq!(parse(&[("startIndex", "101")]).unwrap().offset(), 100);
        assert_eq!(parse(&[]).unwrap(), ListQuery::all());
    }

    #[test]
    fn filter_sorting_and_attributes_are_read() {
        let query = parse(&[
            ("filter", "userName eq \"ada\""),
            ("sortBy", "NAME.familyname"),
            ("sortOrder", "Descending"),
            ("excludedAttributes", "emails"),
        ])
        .unwrap();
        assert_eq!(query.filter.unwrap().to_string(), "userName eq \"ada\"");
        assert_eq!(query.sort_by.unwrap().to_string(), "name.familyName");
        assert_eq!(query.sort_order, SortOrder::Descending);
        assert!(!query.projection.wants("emails"));
        let fails = |name, value| parse(&[(name, value)]).unwrap_err().scim_type;
        assert_eq!(fails("filter", "userName like \"a\""), Some(ScimType::InvalidFilter));
        assert_eq!(fails("sortBy", "shoeSize"), Some(ScimType::InvalidPath));
        assert_eq!(fails("sortBy", "emails[type eq \"work\"].value"), Some(ScimType::InvalidPath));
        assert_eq!(fails("sortOrder", "up"), Some(ScimType::InvalidValue));
    }

    #[test]
    fn lists_have_the_exact_shape() {
        let page = ListResponse { total_results: 3, start_index: 2, resources: vec!["b"] };
        assert_eq!(
            serde_json::to_string(&page).unwrap(),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":3,"startIndex":2,"itemsPerPage":1,"Resources":["b"]}"#
        );
        assert_eq!(
            serde_json::to_string(&ListResponse::<String>::whole(Vec::new())).unwrap(),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#
        );
    }
}
