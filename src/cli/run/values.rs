//! What `--set` says, as the templates of a flow see it.

use std::collections::BTreeMap;

use crate::connector::{Connector, Entitlement, Holds};
use crate::diagnostic::{near, one_of};
use crate::playbook::{Scope, ScopeValue};
use crate::run::Identity;
use crate::step::{GROUP, Purpose};

/// What a flow is told.
#[derive(Debug)]
pub(in crate::cli) struct Told {
    /// What every flow sees: the settings.
    pub settings: Scope,
    /// What the flow sees.
    pub scope: Scope,
    /// What the page must show at the commit step.
    pub identity: Identity,
}

/// What `given` comes to for the flow of that name, or every mistake in it, a line each.
pub(in crate::cli) fn tell(
    connector: &Connector,
    flow: &str,
    given: &BTreeMap<String, String>,
) -> Result<Told, Vec<String>> {
    let purpose = connector.purpose(flow);
    let mut sorted = Sorted::default();
    for (name, value) in given {
        sorted.sort(connector, &purpose, name, value);
    }
    let Sorted { settings, account, wanted, group, held, variables, mut wrong } = sorted;
    let settings = connector.settings_scope(&settings).unwrap_or_else(|errors| {
        wrong.extend(errors.iter().map(|error| format!("{error}; say `--set {}=…`", name_of(error))));
        Scope::default()
    });
    let mut scope = settings.clone();
    let mut fields = empty_account(connector);
    fields.extend(account.clone());
    for entitlement in &connector.entitlements {
        match told_of(entitlement, &purpose, held.get(&entitlement.name)) {
            Ok(Some(fields)) => scope.set(entitlement.name.clone(), ScopeValue::from(fields)),
            Ok(None) => {}
            Err(mistake) => wrong.push(mistake),
        }
    }
    if purpose == Purpose::RenameGroup {
        scope.set("wanted", ScopeValue::from(wanted));
    } else if purpose == Purpose::Update || purpose == Purpose::SubFlow {
        let mut all: BTreeMap<String, String> = fields.clone();
        all.retain(|name, _| connector.account.attribute(name).is_some());
        all.extend(wanted);
        scope.set("wanted", ScopeValue::from(all));
    }
    scope.set("account", ScopeValue::from(fields));
    if knows_group(connector, &purpose) {
        let part = |name: &str| (name.to_owned(), group.get(name).cloned().unwrap_or_default());
        scope.set(GROUP, ScopeValue::from(BTreeMap::from([part("id"), part("name")])));
    }
    variables.into_iter().for_each(|(name, value)| scope.set(name, value));
    let recognised_by = connector.account.match_by.first();
    let mut subject: Vec<String> =
        connector.account.match_by.iter().filter_map(|name| account.get(name)).cloned().collect();
    let about_one = purpose.changes_an_account() || purpose == Purpose::ReadAccount;
    if let (true, Some(name), true) = (subject.is_empty(), recognised_by, about_one) {
        wrong.push(format!("`{flow}` is about one account; say which: `--set account.{name}=…`"));
    }
    let group = group.get("name").cloned().filter(|_| purpose.is_about_a_group());
    if purpose.is_about_a_group() && group.is_none() {
        wrong.push(format!("`{flow}` is about one group; say which: `--set group.name=…`"));
    }
    if !purpose.changes_an_account() {
        subject.extend(group.clone());
    }
    let identity = Identity { subject, group: group.filter(|_| purpose.changes_an_account()) };
    if wrong.is_empty() { Ok(Told { settings, scope, identity }) } else { Err(wrong) }
}

/// What was given, by what it is.
#[derive(Default)]
struct Sorted {
    settings: BTreeMap<String, String>,
    account: BTreeMap<String, String>,
    wanted: BTreeMap<String, String>,
    group: BTreeMap<String, String>,
    held: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl Sorted {
    fn sort(&mut self, connector: &Connector, purpose: &Purpose, name: &str, value: &str) {
        let value = value.to_owned();
        let attribute = |field: &str| connector.account.attribute(field).is_some();
        let (into, key) = match name.split_once('.') {
            Some(("settings", field)) => (&mut self.settings, field),
            Some(("account", field)) if empty_account(connector).contains_key(field) => {
                (&mut self.account, field)
            }
            Some(("wanted", "name")) if *purpose == Purpose::RenameGroup => (&mut self.wanted, "name"),
            Some(("wanted", field)) if attribute(field) => (&mut self.wanted, field),
            Some((GROUP, field @ ("id" | "name"))) if knows_group(connector, purpose) => {
                (&mut self.group, field)
            }
            None if connector.settings.iter().any(|setting| setting.name == name) => {
                (&mut self.settings, name)
            }
            None if connector.entitlement(name).is_some() => (&mut self.held, name),
            None if *purpose == Purpose::SubFlow => (&mut self.variables, name),
            _ => return self.wrong.push(unknown(connector, purpose, name)),
        };
        into.insert(key.to_owned(), value);
    }
}

fn unknown(connector: &Connector, purpose: &Purpose, name: &str) -> String {
    let settings = connector.settings.iter().map(|setting| setting.name.clone());
    let entitlements = connector.entitlements.iter().map(|entitlement| entitlement.name.clone());
    let account = empty_account(connector).into_keys().map(|field| format!("account.{field}"));
    let wanted = connector.account.attributes.iter().map(|attribute| format!("wanted.{}", attribute.name));
    let group = ["group.id", "group.name"].map(str::to_owned).into_iter();
    let group = group.filter(|_| knows_group(connector, purpose));
    let known: Vec<String> = settings.chain(entitlements).chain(account).chain(wanted).chain(group).collect();
    match near(name, known.iter().map(String::as_str)) {
        Some(near) => format!("`{name}` is nothing that can be set; did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            format!("`{name}` is nothing that can be set; there are {}", one_of(&known))
        }
    }
}

/// Whether the flow can be told a group.
fn knows_group(connector: &Connector, purpose: &Purpose) -> bool {
    purpose.is_about_a_group() || *purpose == Purpose::SubFlow && connector.replicates_groups()
}

/// The setting that an error is about.
fn name_of(error: &crate::connector::SettingError) -> &str {
    use crate::connector::SettingError as E;
    match error {
        E::Missing { name, .. } | E::Unknown { name, .. } | E::Invalid { name, .. } => name,
    }
}

/// Everything that can be said of an account, empty.
fn empty_account(connector: &Connector) -> BTreeMap<String, String> {
    let attributes = connector.account.attributes.iter().map(|attribute| attribute.name.clone());
    let entitlements = connector.entitlements.iter().map(|entitlement| entitlement.name.clone());
    let group = connector.replicates_groups().then(|| GROUP.to_owned());
    let names = attributes.chain(entitlements).chain(["id".to_owned(), "status".to_owned()]).chain(group);
    names.map(|name| (name, String::new())).collect()
}

/// Key and label of the value that the flow is about; none where it is about no such value.
fn told_of(
    entitlement: &Entitlement,
    purpose: &Purpose,
    said: Option<&String>,
) -> Result<Option<BTreeMap<String, String>>, String> {
    let name = &entitlement.name;
    let keys: Vec<&str> = entitlement.keys().collect();
    if let Some(said) = said {
        return match entitlement.value_of(said) {
            Some((key, _)) => Ok(Some(entitlement.fields(key))),
            None => Err(format!("`{said}` is no value of `{name}`; there are {}", one_of(&keys))),
        };
    }
    match purpose {
        Purpose::Entitlement(own) if own == name && keys.is_empty() => {
            Err(format!("say which {name}: `--set {name}=…`"))
        }
        Purpose::Entitlement(own) if own == name => {
            Err(format!("say which {name}: `--set {name}=…`, one of {}", one_of(&keys)))
        }
        Purpose::Invite | Purpose::Reactivate if entitlement.holds == Holds::One => {
            Ok(Some(entitlement.fields(entitlement.default.as_deref().unwrap_or_default())))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn desk() -> Connector {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/acme-desk");
        crate::connector::load(&folder).connector.unwrap()
    }

    fn given(values: &[&str]) -> BTreeMap<String, String> {
        let mut given = BTreeMap::from([
            ("base_url".to_owned(), "http://127.0.0.1:1".to_owned()),
            ("org_id".to_owned(), "acme".to_owned()),
        ]);
        let pairs = values.iter().map(|value| value.split_once('=').unwrap());
        given.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        given
    }

    fn text(told: &Told, path: &str) -> String {
        match told.scope.get(path) {
            Some(ScopeValue::Text(text)) => text.clone(),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_flow_is_told_what_a_job_tells_it() {
        let told =
            tell(&desk(), "change_role", &given(&["account.email=a@b.example", "role=Agent"])).unwrap();
        assert_eq!(told.identity.subject, ["a@b.example"]);
        assert_eq!((text(&told, "role.key"), text(&told, "role.label")), ("agent".into(), "Agent".into()));
        assert_eq!(text(&told, "account.name"), "");
        assert!(told.settings.get("account").is_none());

        let told = tell(&desk(), "invite", &given(&["account.email=a@b.example"])).unwrap();
        assert_eq!(text(&told, "role.label"), "Viewer", "the default");

        let update = ["account.email=a@b.example", "account.name=Ada", "wanted.name=Ada L"];
        let told = tell(&desk(), "update", &given(&update)).unwrap();
        assert_eq!(
            (text(&told, "wanted.name"), text(&told, "wanted.email")),
            ("Ada L".into(), "a@b.example".into())
        );

        let moved = ["account.email=a@b.example", "group.name=On call", "group.id=7"];
        let told = tell(&desk(), "add_member", &given(&moved)).unwrap();
        assert_eq!((text(&told, "group.name"), text(&told, "group.id")), ("On call".into(), "7".into()));
        assert_eq!(told.identity.subject, ["a@b.example"]);
        assert_eq!(told.identity.group.as_deref(), Some("On call"));

        let renamed = ["group.name=On call", "wanted.name=Night"];
        let told = tell(&desk(), "rename_group", &given(&renamed)).unwrap();
        assert_eq!((text(&told, "wanted.name"), text(&told, "group.id")), ("Night".into(), String::new()));
        assert_eq!((told.identity.subject, told.identity.group), (vec!["On call".to_owned()], None));

        let told = tell(&desk(), "one_page", &given(&["settings.org_id=labs", "anything=x"])).unwrap();
        assert_eq!((text(&told, "anything"), text(&told, "settings.org_id")), ("x".into(), "labs".into()));
    }

    #[test]
    fn every_mistake_is_told_with_its_cure() {
        let desk = desk();
        for (flow, values, expected) in [
            (
                "change_role",
                vec![],
                vec![
                    "say which role: `--set role=…`, one of `owner`, `agent` or `viewer`",
                    "`change_role` is about one account; say which: `--set account.email=…`",
                ],
            ),
            (
                "remove_member",
                vec![],
                vec![
                    "`remove_member` is about one account; say which: `--set account.email=…`",
                    "`remove_member` is about one group; say which: `--set group.name=…`",
                ],
            ),
            (
                "list_accounts",
                vec!["account.emial=x", "role=boss", "x=1"],
                vec![
                    "`account.emial` is nothing that can be set; did you mean `account.email`?",
                    "`x` is nothing that can be set; there are `base_url`, `org_id`, `role`, `team`, `account.email`, \
                     `account.group`, `account.id`, `account.name`, `account.role`, `account.status`, `account.team`, `wanted.id`, \
                     `wanted.email` or `wanted.name`",
                    "`boss` is no value of `role`; there are `owner`, `agent` or `viewer`",
                ],
            ),
        ] {
            assert_eq!(tell(&desk, flow, &given(&values)).unwrap_err(), expected, "{flow}");
        }
        let missing = tell(&desk, "list_accounts", &BTreeMap::new()).unwrap_err();
        let expected = "the setting `base_url` (Desk URL) is missing; say `--set base_url=…`";
        assert_eq!(missing.first().map(String::as_str), Some(expected));
    }
}
