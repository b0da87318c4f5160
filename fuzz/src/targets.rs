//! What is fuzzed: everything that reads text from outside. Each target takes any bytes; it must neither panic nor take
//! long, and what it says must hold: places lie inside the file, what is printed reads the same again.

use std::path::Path;
use std::sync::LazyLock;

use usher::calendar::{Recurrence, WorkingHours};
use usher::clock::Timestamp;
use usher::connector::{Text, load_texts};
use usher::diagnostic::{Colour, Diagnostic, Source, Span, render};
use usher::journal::redacted;
use usher::playbook::{Expression, Node, Scope, ScopeValue, Template, Value, parse_locator, read_bytes};
use usher::scim::bulk::BulkRequest;
use usher::scim::cursor::Towards;
use usher::scim::{
    Filter, Folded, ListQuery, PatchRequest, Path as ScimPath, Position, Resource, ResourceSchema, patch,
};
use usher::store::{DatabaseUrl, ExchangeBody};

/// The name of a target, and what it does with its input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target by name.
pub const TARGETS: &[Target] = &[
    ("calendar", calendar),
    ("connector", connector),
    ("database_url", database_url),
    ("journal", journal),
    ("locator", locator),
    ("scim_bulk", scim_bulk),
    ("scim_filter", scim_filter),
    ("scim_list", scim_list),
    ("scim_patch", scim_patch),
    ("scim_path", scim_path),
    ("scim_resource", scim_resource),
    ("template", template),
    ("yaml", yaml),
];

/// What stands before the path of each file in the input of [`connector`].
const FILE: &str = "=== ";

/// A whole connector: files, each after a line `=== PATH`.
pub fn connector(data: &[u8]) {
    let mut texts: Vec<Text> = Vec::new();
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let path = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(FILE));
        match (path, texts.last_mut()) {
            (Some(path), _) => texts.push(Text { path: path.trim().to_owned(), bytes: Vec::new() }),
            (None, Some(text)) => text.bytes.extend_from_slice(line),
            (None, None) => texts.push(Text { path: "connector.yaml".to_owned(), bytes: line.to_vec() }),
        }
    }
    let loaded = load_texts(Path::new("c"), &texts);
    assert!(loaded.connector.is_some() || !loaded.diagnostics.is_empty(), "nothing, and no word why");
    tell(&loaded.diagnostics);
}

/// Working hours, and recurring times: what is read is printed as it was written, and what comes next comes.
pub fn calendar(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for at in [0, 1_774_746_000_000, 1_793_062_800_000, i64::MAX / 2].map(Timestamp::from_ms) {
        match text.parse::<WorkingHours>() {
            Ok(hours) => {
                assert_eq!(hours.to_string(), text.trim());
                let (from, until) = hours.around(at);
                assert!(from < until && until > at, "{text}: {from:?} to {until:?} at {at:?}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        match text.parse::<Recurrence>() {
            Ok(recurrence) => assert!(recurrence.after(at) > at, "{text} at {at:?}"),
            // What was written is said as it was; of the rest it is one line.
            Err(error) => assert!(text.contains('\n') || !error.to_string().contains('\n'), "{error}"),
        }
    }
}

/// The address of a database: no password of one is ever shown.
pub fn database_url(data: &[u8]) {
    const PASSWORD: &str = "kept-to-itself";
    let Ok(text) = std::str::from_utf8(data) else { return };
    let show = |text: &str| match text.parse::<DatabaseUrl>() {
        Ok(url) => format!("{url} {url:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    show(text);
    let with_password = format!("postgres://ada:{PASSWORD}@{text}");
    let shown = show(&with_password);
    assert!(!shown.contains(PASSWORD), "{with_password}: {shown}");
}

/// A YAML file.
pub fn yaml(data: &[u8]) {
    match read_bytes("f.yaml", data) {
        Ok(node) => visit(&node),
        Err(found) => {
            assert!(!found.is_empty());
            tell(&found);
        }
    }
}

/// A locator.
pub fn locator(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse_locator(text, &span(text)) {
        Ok(locator) => {
            let printed = locator.to_string();
            let again = parse_locator(&printed, &span(&printed));
            assert_eq!(again.as_ref(), Ok(&locator), "{printed}");
            let _ = locator.try_map(&mut |text: &Template| text.render(&SCOPE).map(|rendered| rendered.text));
        }
        Err(found) => {
            assert!(!found.is_empty());
            tell(&found);
        }
    }
}

/// A template, and the same text as a condition.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Template::parse(text, &span(text)) {
        Ok(template) => {
            template.names().iter().for_each(|(_, place)| inside(place));
            let _ = (template.render(&SCOPE), template.value(&SCOPE));
        }
        Err(found) => tell(&[found]),
    }
    match Expression::parse(text, &span(text)) {
        Ok(expression) => {
            expression.names().iter().for_each(|(_, place)| inside(place));
            let _ = (expression.holds(&SCOPE), expression.value(&SCOPE));
        }
        Err(found) => tell(&[found]),
    }
}

/// A SCIM filter, held against a user.
pub fn scim_filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(filter) = Filter::parse(text, &SCHEMA) {
        filter.matches(&USER, &SCHEMA);
        let printed = filter.to_string();
        assert_eq!(Filter::parse(&printed, &SCHEMA).map(|again| again.to_string()).ok(), Some(printed));
    }
}

/// A SCIM attribute path, looked up in a user.
pub fn scim_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(path) = ScimPath::parse(text, &SCHEMA) {
        path.select(&USER, &SCHEMA);
        let printed = path.to_string();
        assert_eq!(ScimPath::parse(&printed, &SCHEMA).map(|again| again.to_string()).ok(), Some(printed));
    }
}

/// The body of a SCIM PATCH, applied to a user.
pub fn scim_patch(data: &[u8]) {
    if let (Ok(request), Ok(user)) =
        (PatchRequest::from_slice(data, &SCHEMA), Resource::parse(USER.clone(), &SCHEMA))
    {
        let _ = patch::apply(&user, &request, &SCHEMA);
    }
}

/// The body of a bulk request, with each operation's references put in.
pub fn scim_bulk(data: &[u8]) {
    let Ok(request) = BulkRequest::from_slice(data) else { return };
    for operation in &request.operations {
        let known =
            operation.references().into_iter().map(|name| (name.to_owned(), "7".to_owned())).collect();
        assert!(operation.resolved(&known).references().is_empty(), "{operation:?}");
    }
}

/// A search, by index or by cursor; what is given out as a cursor leads back to where it was made.
pub fn scim_list(data: &[u8]) {
    let Ok(query) = ListQuery::from_slice(data, &SCHEMA) else { return };
    let _ = query.position("users");
    let key = query.cursor.as_deref().map_or(serde_json::Value::Null, serde_json::Value::from);
    let position = Position { row: i64::from(query.start_index), key, towards: Towards::After };
    let again = ListQuery { cursor: Some(query.cursor_of("users", &position)), ..query };
    assert_eq!(again.position("users").ok(), Some(Some(position)));
}

/// The body of a user, in the place of another; as it is kept it reads the same again.
pub fn scim_resource(data: &[u8]) {
    let Ok(resource) = Resource::from_slice(data, &SCHEMA) else { return };
    Folded::of(resource.attributes(), &SCHEMA).emails();
    let body = serde_json::Value::Object(resource.attributes().clone());
    assert_eq!(Resource::parse(body, &SCHEMA).as_ref(), Ok(&resource));
    if let Ok(user) = Resource::parse(USER.clone(), &SCHEMA) {
        let _ = resource.replacing(&user, &SCHEMA);
    }
}

/// A body on its way into the journal, alone and beside a secret: what is kept is JSON, without the secret.
pub fn journal(data: &[u8]) {
    const SECRET: &str = "canary-Pa55";
    let ExchangeBody::Text(kept) = redacted(data, data.len() as u64) else { return };
    assert!(serde_json::from_str::<serde::de::IgnoredAny>(&kept).is_ok(), "{kept}");
    let Ok(text) = std::str::from_utf8(data) else { return };
    let beside = format!("{{\"beside\":{text},\"password\":\"{SECRET}\"}}");
    match redacted(beside.as_bytes(), beside.len() as u64) {
        ExchangeBody::Text(kept) => assert!(!kept.contains(SECRET) || text.contains(SECRET), "{kept}"),
        ExchangeBody::None | ExchangeBody::NotKept(_) => {}
    }
}

static SCHEMA: LazyLock<ResourceSchema> = LazyLock::new(ResourceSchema::user);

static USER: LazyLock<serde_json::Value> = LazyLock::new(|| {
    serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@acme.example", "active": true,
        "displayName": "Ada", "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "value": "ada@acme.example", "type": "work", "primary": true }, { "value": "a@b.example", "type": "home" }],
        "roles": [{ "value": "agent" }],
    })
});

static SCOPE: LazyLock<Scope> = LazyLock::new(|| {
    let text = |pairs: &[(&str, &str)]| {
        ScopeValue::Map(
            pairs.iter().map(|(name, value)| ((*name).to_owned(), ScopeValue::from(*value))).collect(),
        )
    };
    let mut scope =
        Scope::with("settings", text(&[("org_id", "acme"), ("base_url", "https://desk.example")]));
    scope.set("account", text(&[("email", "ada@acme.example"), ("name", "A \"b\" é"), ("id", "7")]));
    scope.set("items", vec!["a", "b"]);
    scope
});

fn span(text: &str) -> Span {
    Span::new(Source::new("f", text), 0, text.len())
}

fn visit(node: &Node) {
    inside(&node.span);
    match &node.value {
        Value::List(items) => items.iter().for_each(visit),
        Value::Map(entries) => {
            for entry in entries {
                inside(&entry.key.span);
                visit(&entry.value);
            }
        }
        _ => {
            if let Some(text) = node.as_text() {
                for at in 0..text.len().min(200) {
                    inside(&node.span.sub(at, at + 1));
                }
            }
        }
    }
}

fn inside(span: &Span) {
    let (range, length) = (span.range(), span.source().text.len());
    assert!(range.start <= range.end && range.end <= length, "{range:?} of {length}");
    assert!(span.source().text.get(range.clone()).is_some(), "{range:?} cuts a character");
}

fn tell(found: &[Diagnostic]) {
    found.iter().for_each(|one| inside(&one.span));
    assert!(found.is_empty() == render(found, Colour::Plain).is_empty());
    assert!(serde_json::to_string(found).is_ok());
}
