//! Queries for lists and their answers (RFC 7644 section 3.4.2), by index or by cursor (RFC 9865).

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::cursor::Position;
use super::error::{ScimType, quote};
use super::filter::Filter;
use super::path::Path;
use super::projection::Projection;
use super::resource;
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
    /// The cursor of the page wanted; empty for the first. Where there is one, it counts and not `start_index`.
    pub cursor: Option<String>,
    /// The most resources wanted, at most [`MAX_COUNT`]; 0, by index only, asks for the total alone.
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
    /// `invalidFilter`; `invalidPath`: `sortBy` names no attribute; `invalidValue`: a number or `sortOrder` that is none;
    /// `invalidCount`: by cursor, a `count` that is none or below 1.
    pub fn parse<'q>(
        pairs: impl IntoIterator<Item = (&'q str, &'q str)>,
        schema: &ResourceSchema,
    ) -> Result<Self, Error> {
        let mut query = Self::all();
        let (mut attributes, mut excluded, mut count) = (None, None, None);
        for (name, value) in pairs {
            match name.to_ascii_lowercase().as_str() {
                "startindex" => query.start_index = number("startIndex", value, 1, u32::MAX)?,
                "count" => count = Some(value),
                "cursor" => query.cursor = Some(value.trim().to_owned()),
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
        query.count = match (count, &query.cursor) {
            (None, _) => DEFAULT_COUNT,
            (Some(count), None) => number("count", count, 0, MAX_COUNT)?,
            (Some(count), Some(_)) => page_size(count)?,
        };
        query.projection = Projection::parse(attributes, excluded, schema);
        Ok(query)
    }

    /// Reads the body of a search, whose members are the parameters of a list.
    ///
    /// # Errors
    /// `invalidSyntax`: no such body, or a member of the wrong type; those of [`ListQuery::parse`].
    pub fn from_slice(body: &[u8], schema: &ResourceSchema) -> Result<Self, Error> {
        let Value::Object(members) = resource::json(body)? else {
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
            cursor: None,
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

    /// The page, for a list that does not go by cursor.
    ///
    /// # Errors
    /// `invalidCursor`: it is asked for by one.
    pub fn by_index(&self) -> Result<Paging, Error> {
        match self.cursor {
            None => Ok(Paging::Index(self.start_index)),
            Some(_) => Err(Error::of(
                ScimType::InvalidCursor,
                "this list goes by `startIndex`; those of /Users and /Groups go by `cursor` too",
            )),
        }
    }

    /// Where the page begins; `None` for the first, or where it is asked for by index. `list` names the list: a cursor of
    /// another one, or of another filter or order, is refused.
    ///
    /// # Errors
    /// `invalidCursor`
    pub fn position(&self, list: &str) -> Result<Option<Position>, Error> {
        match self.cursor.as_deref() {
            None | Some("") => Ok(None),
            Some(cursor) => Position::open(cursor, &self.binding(list)).map(Some),
        }
    }

    /// The cursor of a position in the same list.
    pub fn cursor_of(&self, list: &str, position: &Position) -> String {
        position.seal(&self.binding(list))
    }

    /// What a cursor is made for.
    fn binding(&self, list: &str) -> Value {
        let text = |what: Option<String>| what.map_or(Value::Null, Value::String);
        let sort = self.sort_by.as_ref().map(ToString::to_string);
        let is_turned = self.sort_order == SortOrder::Descending;
        json!([list, text(self.filter.as_ref().map(ToString::to_string)), text(sort), is_turned])
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

/// By cursor there is no page of nothing.
fn page_size(value: &str) -> Result<u32, Error> {
    match number("count", value, 0, MAX_COUNT) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(Error::of(
            ScimType::InvalidCount,
            format!("with `cursor`, `count` must be a whole number from 1 to {MAX_COUNT}"),
        )),
    }
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

impl SortOrder {
    /// The other one.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// A page of a list. Serialises to the exact message of the RFC.
#[derive(Clone, Debug, PartialEq)]
pub struct ListResponse<T> {
    /// How many resources match in all.
    pub total_results: u64,
    /// Where this page is.
    pub paging: Paging,
    /// The page.
    pub resources: Vec<T>,
}

/// Where a page is in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// Its first resource, counted from 1.
    Index(u32),
    /// Between two others, each by its cursor. Without a next one this is the last.
    Cursor {
        /// The page after it.
        next: Option<String>,
        /// The page before it.
        previous: Option<String>,
    },
}

impl<T> ListResponse<T> {
    /// All of a short list on one page.
    pub fn whole(resources: Vec<T>) -> Self {
        Self { total_results: resources.len() as u64, paging: Paging::Index(1), resources }
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
        if let Paging::Index(start_index) = self.paging {
            map.serialize_entry("startIndex", &start_index)?;
        }
        map.serialize_entry("itemsPerPage", &self.resources.len())?;
        if let Paging::Cursor { next, previous } = &self.paging {
            for (name, cursor) in [("previousCursor", previous), ("nextCursor", next)] {
                if let Some(cursor) = cursor {
                    map.serialize_entry(name, cursor)?;
                }
            }
        }
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
        for wrong in ["", "x", "0", "-1"] {
            let refused = parse(&[("count", wrong), ("cursor", "")]).unwrap_err();
            assert_eq!(refused.scim_type, Some(ScimType::InvalidCount), "{wrong}");
        }
        assert_eq!(parse(&[("cursor", ""), ("count", "5000")]).unwrap().count, MAX_COUNT);
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
    fn a_cursor_belongs_to_its_list_its_filter_and_its_order() {
        let made =
            parse(&[("filter", "userName sw \"a\""), ("sortBy", "title"), ("cursor", ""), ("count", "5")])
                .unwrap();
        assert_eq!(made.position("desk").unwrap(), None);
        let position = Position { row: 7, key: json!("x"), towards: super::super::cursor::Towards::After };
        let cursor = made.cursor_of("desk", &position);
        let cursor: &'static str = cursor.leak();
        let open = |filter: &'static str, sort: &'static str, order: &'static str, list: &str| {
            let query =
                parse(&[("filter", filter), ("sortBy", sort), ("sortOrder", order), ("cursor", cursor)])
                    .unwrap();
            query.position(list).map_err(|error| error.scim_type)
        };
        assert_eq!(open("USERNAME SW \"a\"", "TITLE", "ascending", "desk"), Ok(Some(position)));
        for (filter, sort, order, list) in [
            ("userName sw \"b\"", "title", "", "desk"),
            ("", "title", "", "desk"),
            ("userName sw \"a\"", "", "", "desk"),
            ("userName sw \"a\"", "title", "descending", "desk"),
            ("userName sw \"a\"", "title", "", "other"),
        ] {
            assert_eq!(
                open(filter, sort, order, list),
                Err(Some(ScimType::InvalidCursor)),
                "{filter} {sort} {order}"
            );
        }
    }

    #[test]
    fn lists_have_the_exact_shape() {
        let page = ListResponse { total_results: 3, paging: Paging::Index(2), resources: vec!["b"] };
        assert_eq!(
            serde_json::to_string(&page).unwrap(),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":3,"startIndex":2,"itemsPerPage":1,"Resources":["b"]}"#
        );
        let paging = Paging::Cursor { next: Some("n".to_owned()), previous: Some("p".to_owned()) };
        assert_eq!(
            serde_json::to_string(&ListResponse { total_results: 3, paging, resources: vec!["b"] }).unwrap(),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":3,"itemsPerPage":1,"previousCursor":"p","nextCursor":"n","Resources":["b"]}"#
        );
        let last = Paging::Cursor { next: None, previous: None };
        let last =
            serde_json::to_value(ListResponse { total_results: 0, paging: last, resources: vec!["b"] })
                .unwrap();
        assert!(last.get("nextCursor").is_none() && last.get("previousCursor").is_none(), "{last}");
        assert_eq!(
            serde_json::to_string(&ListResponse::<String>::whole(Vec::new())).unwrap(),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#
        );
    }
}
