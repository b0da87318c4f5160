//! Settings: what an integration says about its copy of the app.

use std::collections::BTreeMap;

use super::Connector;
use super::fields::{Fields, check_name, entries};
use crate::diagnostic::{Diagnostic, Diagnostics, one_of};
use crate::playbook::{Node, Scope, ScopeValue};

/// A setting that the connector asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in templates: `settings.<name>`.
    pub name: String,
    /// What it can be.
    pub kind: SettingType,
    /// What the wizard calls it.
    pub title: String,
    /// How to find it.
    pub help: Option<String>,
    /// What it is where nothing is said.
    pub default: Option<String>,
    /// Whether something must be said.
    pub required: bool,
}

/// What a setting can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingType {
    /// An `http` or `https` address; a slash at its end is taken away.
    Url,
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
}

pub(super) const TYPES: &[(&str, SettingType)] = &[
    ("url", SettingType::Url),
    ("string", SettingType::String),
    ("integer", SettingType::Integer),
    ("boolean", SettingType::Boolean),
];

/// Why settings cannot be used. Names the setting as it is given on the command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// Nothing was said, and something must be.
    #[error("the setting `{name}` ({title}) is missing")]
    Missing {
        /// The setting.
        name: String,
        /// What the wizard calls it.
        title: String,
    },
    /// The connector has no such setting.
    #[error("`{name}` is no setting of this connector; it has {known}")]
    Unknown {
        /// What was given.
        name: String,
        /// All there are, in words.
        known: String,
    },
    /// The value is not of the setting's type.
    #[error("the setting `{name}` must be {expected}, and `{value}` is not")]
    Invalid {
        /// The setting.
        name: String,
        /// What it must be.
        expected: &'static str,
        /// What was given.
        value: String,
    },
}

impl SettingType {
    /// What a value must be, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Url => "an address such as https://desk.example.com",
            Self::String => "a text",
            Self::Integer => "a whole number",
            Self::Boolean => "`true` or `false`",
        }
    }

    /// `value` as templates see it.
    fn read(self, value: &str) -> Option<ScopeValue> {
        let value = value.trim();
        match self {
            Self::String => Some(ScopeValue::from(value)),
            Self::Integer => value.parse::<i64>().ok().map(|number| ScopeValue::Number(number.into())),
            Self::Boolean => value.parse::<bool>().ok().map(ScopeValue::Bool),
            Self::Url => {
                let url = url::Url::parse(value).ok()?;
                let usable = matches!(url.scheme(), "http" | "https")
                    && url.host().is_some()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.query().is_none()
                    && url.fragment().is_none();
                usable.then(|| ScopeValue::from(url.as_str().trim_end_matches('/')))
            }
        }
    }
}

impl Connector {
    /// The scope in which `settings.…` are those of an integration, defaults filled in.
    ///
    /// # Errors
    /// Every setting that is missing, unknown or of the wrong type.
    pub fn settings_scope(&self, given: &BTreeMap<String, String>) -> Result<Scope, Vec<SettingError>> {
        scope(&self.settings, given)
    }
}

fn scope(declared: &[Setting], given: &BTreeMap<String, String>) -> Result<Scope, Vec<SettingError>> {
    let unknown = given.keys().filter(|name| !declared.iter().any(|setting| setting.name == **name));
    let mut errors: Vec<SettingError> = unknown
        .map(|name| {
            let names: Vec<&str> = declared.iter().map(|setting| setting.name.as_str()).collect();
            SettingError::Unknown { name: name.clone(), known: one_of(&names) }
        })
        .collect();
    let mut values = BTreeMap::new();
    for setting in declared {
        let said = given.get(&setting.name).filter(|value| !value.trim().is_empty());
        match said.or(setting.default.as_ref()) {
            None if setting.required => {
                errors
                    .push(SettingError::Missing { name: setting.name.clone(), title: setting.title.clone() });
            }
            None => {}
            Some(value) => match setting.kind.read(value) {
                Some(read) => drop(values.insert(setting.name.clone(), read)),
                None => errors.push(SettingError::Invalid {
                    name: setting.name.clone(),
                    expected: setting.kind.describe(),
                    value: value.clone(),
                }),
            },
        }
    }
    if errors.is_empty() { Ok(Scope::with("settings", ScopeValue::Map(values))) } else { Err(errors) }
}

/// Reads `settings:`.
pub(super) fn read(node: &Node, found: &mut Diagnostics) -> Vec<Setting> {
    let entries = entries(node, "settings: a mapping from name to setting", found).unwrap_or_default();
    let mut settings = Vec::new();
    for entry in entries {
        check_name(entry, "a setting", found);
        let known = ["type", "title", "help", "default", "required"];
        let Some(fields) = Fields::read(&entry.value, "a setting", &known, found) else { continue };
        let kind = fields.required("type", found).and_then(|node| read_type(node, found));
        let title = fields.required_text("title", found);
        let default = fields.get("default").and_then(|node| {
            let text = node.as_bool().map(|value| value.to_string());
            text.or_else(|| super::fields::text(node, found).map(str::to_owned))
        });
        let help = fields.text("help", found).map(str::to_owned);
        let required = fields.flag("required", true, found);
        let (Some(kind), Some(title)) = (kind, title) else { continue };
        if let (Some(default), Some(node)) = (&default, fields.get("default"))
            && kind.read(default).is_none()
        {
            let message = format!("the default of `{}` is not {}", entry.key.text, kind.describe());
            found.error("wrong_type", &node.span, message);
        }
        let name = entry.key.text.clone();
        settings.push(Setting { name, kind, title: title.to_owned(), help, default, required });
    }
    settings
}

fn read_type(node: &Node, found: &mut Diagnostics) -> Option<SettingType> {
    let word = super::fields::text(node, found)?;
    let kind = TYPES.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    if kind.is_none() {
        let unknown =
            Diagnostic::error("unknown_type", &node.span, format!("`{word}` is no type of setting"));
        found.push(unknown.suggest(word, TYPES.iter().map(|(word, _)| *word)));
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Vec<Setting> {
        let setting = |name: &str, kind, default: Option<&str>, required| Setting {
            name: name.into(),
            kind,
            title: name.to_uppercase(),
            help: None,
            default: default.map(str::to_owned),
            required,
        };
        vec![
            setting("base_url", SettingType::Url, None, true),
            setting("seats", SettingType::Integer, Some("5"), true),
            setting("beta", SettingType::Boolean, None, false),
        ]
    }

    fn check(given: &[(&str, &str)]) -> Result<String, Vec<String>> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match scope(&declared(), &given) {
            Ok(scope) => Ok(format!("{:?}", scope.get("settings").unwrap())),
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn settings_are_typed_and_defaults_filled_in() {
        let expected = r#"{"base_url": "https://desk.example.com/app", "seats": 5}"#;
        assert_eq!(check(&[("base_url", " https://desk.example.com/app/ ")]).unwrap(), expected);
        let expected = r#"{"base_url": "http://127.0.0.1:8080", "beta": true, "seats": 7}"#;
        let given = [("base_url", "http://127.0.0.1:8080"), ("seats", "7"), ("beta", "true")];
        assert_eq!(check(&given).unwrap(), expected);
    }

    #[test]
    fn every_wrong_setting_is_named() {
        assert_eq!(
            check(&[("base_ur", "x"), ("seats", "many"), ("beta", "")]).unwrap_err(),
            [
                "`base_ur` is no setting of this connector; it has `base_url`, `seats` or `beta`",
                "the setting `base_url` (BASE_URL) is missing",
                "the setting `seats` must be a whole number, and `many` is not",
            ]
        );
        for url in [
            "ftp://x.example",
            "desk.example.com",
            "https://u:p@x.example",
            "javascript:alert(1)",
            "https://x/?a",
        ] {
            assert!(check(&[("base_url", url)]).is_err(), "{url}");
        }
    }
}
