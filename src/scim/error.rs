//! What a client is told when a request cannot be carried out (RFC 7644 section 3.12).
//!
//! A `detail` is written for the administrator who reads it in the identity provider's task list: it names the
//! attribute or the place, and what would be right. It never repeats a value, which may be a secret.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The schema of an error message.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The most characters of a client's own text that a detail repeats.
const QUOTED_MAX: usize = 80;

/// A SCIM error: a status, a kind, and words for a person. Serialises to the exact message of the RFC.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// The HTTP status code.
    pub status: u16,
    /// The kind, where the RFC has one for the case.
    pub scim_type: Option<ScimType>,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// The kinds of error that the RFCs name (RFC 7644 table 9, RFC 9865), for statuses 400, 403 and 409. `expiredCursor` is not among
/// them: no cursor of ours expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter is malformed, or not supported for that attribute.
    InvalidFilter,
    /// More results than the server is willing to return.
    TooMany,
    /// A unique value is taken.
    Uniqueness,
    /// The attribute may not be changed, or not so.
    Mutability,
    /// The body is malformed or does not follow its schema.
    InvalidSyntax,
    /// A path is malformed or names no attribute.
    InvalidPath,
    /// A path matches nothing that could be changed.
    NoTarget,
    /// A value is missing, of the wrong type, or not among those allowed.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The request would put personal data into an address.
    Sensitive,
    /// The cursor is none that was given out for this list (RFC 9865 section 2.1).
    InvalidCursor,
    /// By cursor, the number of resources wanted must be one at least (RFC 9865 section 2.1).
    InvalidCount,
}

impl ScimType {
    /// The word of the RFC.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidCount => "invalidCount",
        }
    }

    /// The status that goes with it.
    pub fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            Self::Sensitive => 403,
            _ => 400,
        }
    }
}

impl fmt::Display for ScimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// An error of one of the RFC's kinds, with the status that goes with it.
    pub fn of(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: scim_type.status(), scim_type: Some(scim_type), detail: detail.into() }
    }

    /// An error with a status alone.
    pub fn with_status(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// 400: the filter cannot be used.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidFilter, detail)
    }

    /// 400: the path cannot be used.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidPath, detail)
    }

    /// 400: the path matches nothing.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::of(ScimType::NoTarget, detail)
    }

    /// 400: the attribute may not be changed so.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::of(ScimType::Mutability, detail)
    }

    /// 400: a value is missing or wrong.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidValue, detail)
    }

    /// 400: the body is malformed.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidSyntax, detail)
    }

    /// 400: too many results to return.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::of(ScimType::TooMany, detail)
    }

    /// 409: another resource already has that value of a unique attribute.
    pub fn uniqueness(resource_type: &str, attribute: &str) -> Self {
        let attribute = quote(attribute);
        Self::of(
            ScimType::Uniqueness,
            format!(
                "another {resource_type} has this {attribute}; look it up and update it, or delete it first"
            ),
        )
    }

    /// 401: no token, or not a valid one. Says nothing of which.
    pub fn unauthorized() -> Self {
        Self::with_status(
            401,
            "the bearer token is missing, wrong or revoked; put a current token of this integration into the \
             Authorization header",
        )
    }

    /// 403: the token is valid, but not for this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::with_status(403, detail)
    }

    /// 404: no resource of that type has that id, or it was deleted.
    pub fn not_found(resource_type: &str, id: &str) -> Self {
        Self::with_status(404, format!("no {} has the id {}", resource_type, quote(id)))
    }

    /// 404: no such address.
    pub fn no_endpoint() -> Self {
        Self::with_status(404, "there is no such endpoint; check the SCIM base URL of the integration")
    }

    /// 405: the endpoint does not know that method.
    pub fn method_not_allowed(method: &str) -> Self {
        Self::with_status(405, format!("this endpoint does not support {}", quote(method)))
    }

    /// 409: the request clashes with the state of the resource.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::with_status(409, detail)
    }

    /// 412: the resource changed since the client read it.
    pub fn precondition_failed() -> Self {
        Self::with_status(412, "the resource changed since it was read; read it again and repeat the change")
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn payload_too_large(limit: usize) -> Self {
        Self::with_status(413, format!("the body is larger than {limit} bytes; send less in one request"))
    }

    /// 415: the body is not of a media type that SCIM uses.
    pub fn unsupported_media_type() -> Self {
        Self::with_status(
            415,
            "send the body as application/scim+json (application/json is accepted as well)",
        )
    }

    /// 429: later. The caller adds `Retry-After`.
    pub fn too_many_requests(detail: impl Into<String>) -> Self {
        Self::with_status(429, detail)
    }

    /// 500: a fault of the server. Says nothing of its insides; `reference` finds it in the log.
    pub fn internal(reference: &str) -> Self {
        Self::with_status(500, format!("a fault in Usher; its log tells more under {}", quote(reference)))
    }

    /// 501: not supported.
    pub fn not_implemented(detail: impl Into<String>) -> Self {
        Self::with_status(501, detail)
    }

    /// The same error, saying where in the request it is.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.detail = format!("{place}: {}", self.detail);
        self
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[ERROR])?;
        // A string, not a number (RFC 7644 section 3.12).
        map.serialize_entry("status", &self.status.to_string())?;
        if let Some(scim_type) = self.scim_type {
            map.serialize_entry("scimType", scim_type.as_str())?;
        }
        map.serialize_entry("detail", &self.detail)?;
        map.end()
    }
}

/// A client's own text for use in a detail: in back-quotes, short, on one line.
pub(super) fn quote(text: &str) -> String {
    let clean = |c: char| if c.is_control() || c == '`' { '\u{fffd}' } else { c };
    let mut quoted: String = text.chars().take(QUOTED_MAX).map(clean).collect();
    if text.chars().nth(QUOTED_MAX).is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &Error, expected: &str) {
        assert_eq!(serde_json::to_string(error).unwrap(), expected);
    }

    #[test]
    fn errors_have_the_exact_shape_of_the_rfc() {
        check(
            &Error::invalid_value("`userName` is missing"),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidValue","detail":"`userName` is missing"}"#,
        );
        check(
            &Error::with_status(404, "gone"),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"gone"}"#,
        );
    }

    #[test]
    fn each_case_has_its_status_and_kind() {
        let cases = [
            (Error::invalid_filter(""), 400, Some("invalidFilter")),
            (Error::invalid_path(""), 400, Some("invalidPath")),
            (Error::no_target(""), 400, Some("noTarget")),
            (Error::mutability(""), 400, Some("mutability")),
            (Error::invalid_syntax(""), 400, Some("invalidSyntax")),
            (Error::too_many(""), 400, Some("tooMany")),
            (Error::of(ScimType::InvalidVers, ""), 400, Some("invalidVers")),
            (Error::of(ScimType::Sensitive, ""), 403, Some("sensitive")),
            (Error::of(ScimType::InvalidCursor, ""), 400, Some("invalidCursor")),
            (Error::of(ScimType::InvalidCount, ""), 400, Some("invalidCount")),
            (Error::uniqueness("User", "userName"), 409, Some("uniqueness")),
            (Error::conflict(""), 409, None),
            (Error::unauthorized(), 401, None),
            (Error::forbidden(""), 403, None),
            (Error::not_found("User", "7"), 404, None),
            (Error::no_endpoint(), 404, None),
            (Error::method_not_allowed("PUT"), 405, None),
            (Error::precondition_failed(), 412, None),
            (Error::payload_too_large(1), 413, None),
            (Error::unsupported_media_type(), 415, None),
            (Error::too_many_requests(""), 429, None),
            (Error::internal("req-1"), 500, None),
            (Error::not_implemented(""), 501, None),
        ];
        for (error, status, kind) in cases {
            assert_eq!((error.status, error.scim_type.map(ScimType::as_str)), (status, kind), "{error:?}");
        }
    }

    #[test]
    fn a_clients_text_stays_short_and_on_one_line() {
        assert_eq!(quote("a\nb`c"), "`a\u{fffd}b\u{fffd}c`");
        assert_eq!(quote(&"é".repeat(500)), format!("`{}…`", "é".repeat(80)));
    }
}
