//! Integrations: a connector set up for one external app.
//!
//! Joins what the store keeps (settings, policies, sealed credentials, hashed tokens) with the connector as it is loaded
//! now. Invariants: settings and credentials are checked against the connector before anything is written; a token is
//! given out once and kept only as a hash; credentials leave the vault only for the job that logs in.

mod standing;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::clock::{SharedClock, Timestamp};
use crate::connector::{Connector, Library, Listed, SettingError, Values};
use crate::diagnostic::one_of;
use crate::id::SharedEntropy;
use crate::playbook::Scope;
use crate::secret::{ExposeSecret as _, SecretString};
use crate::store::{
    self, Configuration, EntitlementRow, IntegrationRow, ListedValue, NewCredential, NewToken, Store,
    StoreError, TokenRow,
};
use crate::vault::{Place, Vault, VaultError};

pub use self::standing::Standing;
pub use crate::store::{Answering, Grant, LeaverLimit, Policy, Profile, Safeguard};

/// The longest that a SCIM request may wait: Okta and Entra ID give up after 60 s.
pub const LONGEST_PATIENCE: Duration = Duration::from_secs(50);

/// An integration to be made.
#[derive(Debug)]
pub struct NewIntegration {
    /// Its name: part of the SCIM base URL.
    pub name: String,
    /// The connector's name.
    pub connector: String,
    /// The connector's settings, by name.
    pub settings: BTreeMap<String, String>,
    /// The connector's way to log in.
    pub login: String,
    /// The service account's credentials, by the names of that way.
    pub credentials: BTreeMap<String, SecretString>,
    /// Its policies.
    pub policy: Policy,
}

/// An integration with its connector.
#[derive(Clone, Debug)]
pub struct Integration {
    /// What is stored of it.
    pub row: IntegrationRow,
    /// Its connector, as it is loaded now.
    pub connector: Arc<Connector>,
    /// The connector's settings, as templates see them.
    pub settings: Scope,
    /// The connector's way to log in.
    pub login: String,
}

/// The credentials of a service account, opened.
#[derive(Debug)]
pub struct Credentials {
    /// The credentials by the names that the connector gives them.
    pub values: BTreeMap<String, SecretString>,
    /// When one of them was last replaced.
    pub changed_at: Option<Timestamp>,
}

/// The integration cannot be made so.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is no such connector, or it has mistakes.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// Settings or credentials are not what the connector asks for. All that is wrong, a line each.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
    /// The store refused.
    #[error(transparent)]
    Integration(#[from] store::IntegrationError),
    /// The credentials cannot be sealed.
    #[error("the credentials cannot be sealed")]
    Vault(#[from] VaultError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A connector cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// No folder of that name.
    #[error("there is no connector `{name}`; there are: {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// It has mistakes.
    #[error("the connector `{0}` has mistakes; `usher check` shows them")]
    Broken(String),
}

/// An integration cannot be used now.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Its connector cannot be used.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// What is stored of it cannot be read.
    #[error("the settings of the integration cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The connector asks for other settings than it did when the integration was made.
    #[error("the integration no longer fits its connector: {}", in_words(.0))]
    Settings(Vec<SettingError>),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The credentials cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The vault refused.
    #[error("the credentials cannot be opened")]
    Vault(#[from] VaultError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is stored as an integration's settings.
#[derive(serde::Deserialize)]
struct StoredSettings {
    login: String,
    values: BTreeMap<String, String>,
}

/// What a token opens.
#[derive(Clone, Debug)]
pub struct Access {
    /// The integration.
    pub integration: Arc<Integration>,
    /// The token.
    pub token: TokenRow,
}

/// What was opened, by the name of the integration and the hash of the token, as long as the configuration stands so.
#[derive(Debug, Default)]
struct Opened {
    at: Option<Configuration>,
    by: HashMap<(String, [u8; 32]), Access>,
}

/// All integrations of this installation.
#[derive(Clone, Debug)]
pub struct Integrations {
    store: Store,
    vault: Arc<Vault>,
    library: Arc<Library>,
    clock: SharedClock,
    entropy: SharedEntropy,
    opened: Arc<Mutex<Opened>>,
}

impl Integrations {
    /// The integrations of `store`, whose connectors are in `library`.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        library: Arc<Library>,
        clock: SharedClock,
        entropy: SharedEntropy,
    ) -> Self {
        Self { store, vault, library, clock, entropy, opened: Arc::default() }
    }

    /// Makes an integration; `by` is who asks.
    ///
    /// # Errors
    /// [`CreateError`] says everything that is wrong; then nothing was made.
    pub async fn create(&self, new: NewIntegration, by: &str) -> Result<Integration, CreateError> {
        let connector = self.connector(&new.connector)?;
        let settings = connector.settings_scope(&new.settings);
        let mut wrong: Vec<String> =
            settings.as_ref().err().into_iter().flatten().map(ToString::to_string).collect();
        wrong.extend(connector.service_account.check(&new.login, new.credentials.keys().map(String::as_str)));
        wrong.extend(wrong_policy(&connector, &new.policy));
        if !wrong.is_empty() {
            return Err(CreateError::Invalid(wrong));
        }
        let row = store::NewIntegration {
            name: new.name,
            connector: new.connector,
            settings: serde_json::json!({ "login": new.login, "values": new.settings }),
            policy: new.policy,
        };
        let row = self.store.create_integration(row, by).await?;
        self.put_credentials(&row.id, &new.credentials, by).await?;
        Ok(Integration { row, connector, settings: settings.unwrap_or_default(), login: new.login })
    }

    /// Gives an integration another policy; `by` is who asks.
    ///
    /// # Errors
    /// [`CreateError`] says everything that is wrong; then nothing was changed.
    pub async fn change_policy(
        &self,
        integration: &Integration,
        policy: Policy,
        by: &str,
    ) -> Result<(), CreateError> {
        let wrong = wrong_policy(&integration.connector, &policy);
        if !wrong.is_empty() {
            return Err(CreateError::Invalid(wrong));
        }
        let row = &integration.row;
        self.store.change_integration(&row.id, row.settings.clone(), policy, by).await?;
        Ok(())
    }

    /// Seals and keeps credentials of an integration, in the place of those with the same names.
    ///
    /// # Errors
    /// They cannot be sealed or kept.
    pub async fn put_credentials(
        &self,
        integration_id: &str,
        credentials: &BTreeMap<String, SecretString>,
        by: &str,
    ) -> Result<(), CreateError> {
        let sealed = credentials
            .iter()
            .map(|(field, secret)| {
                let sealed = self.vault.seal(Place::credential(integration_id, field), secret)?;
                Ok(NewCredential { field: field.clone(), sealed })
            })
            .collect::<Result<Vec<_>, VaultError>>()?;
        Ok(self.store.put_credentials(integration_id, sealed, by).await?)
    }

    /// The integration of that name.
    ///
    /// # Errors
    /// It is there and cannot be used now.
    pub async fn find(&self, name: &str) -> Result<Option<Integration>, FindError> {
        match self.store.find_integration(name).await? {
            Some(row) => self.join(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The integration with that id.
    ///
    /// # Errors
    /// It is there and cannot be used now.
    pub async fn get(&self, id: &str) -> Result<Option<Integration>, FindError> {
        match self.store.integration(id).await? {
            Some(row) => self.join(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// How an integration stands, and every reason for that, the gravest first.
    ///
    /// # Errors
    /// The store cannot read.
    pub async fn standing(&self, integration: &Integration) -> Result<(Standing, Vec<String>), StoreError> {
        let now = self.clock.now();
        let late = now.minus(integration.row.policy.leaver_patience());
        let known = self.store.oversight(&integration.row.id, late).await?;
        Ok(standing::standing(integration, &known, now))
    }

    /// The service account's credentials, opened.
    ///
    /// # Errors
    /// The key is another one, or the store cannot read.
    pub async fn credentials(&self, integration: &Integration) -> Result<Credentials, CredentialError> {
        let mut credentials = Credentials { values: BTreeMap::new(), changed_at: None };
        for row in self.store.credentials(&integration.row.id).await? {
            let secret = self.vault.open(Place::credential(&row.integration_id, &row.field), &row.sealed)?;
            credentials.changed_at = credentials.changed_at.max(Some(row.changed_at));
            credentials.values.insert(row.field, secret);
        }
        Ok(credentials)
    }

    /// A new token for the integration's SCIM endpoint. The text is not kept and cannot be shown again.
    ///
    /// # Errors
    /// The store could not keep its hash.
    pub async fn new_token(
        &self,
        integration: &Integration,
        lifetime: Option<Duration>,
        by: &str,
    ) -> Result<(TokenRow, SecretString), StoreError> {
        let token = draw_bearer(&self.entropy);
        let expires_at = lifetime.map(|lifetime| self.clock.now().plus(lifetime));
        let new = NewToken { integration_id: integration.row.id.clone(), token: token.clone(), expires_at };
        Ok((self.store.create_token(new, by).await?, token))
    }

    /// What `presented` opens under this name. Missing, wrong, revoked and expired tokens and those of other integrations all give `None`.
    ///
    /// # Errors
    /// The store cannot read, or the integration cannot be used now.
    pub async fn authenticate(
        &self,
        name: &str,
        presented: &SecretString,
    ) -> Result<Option<Access>, FindError> {
        // Read first: a change that comes meanwhile makes what is read now a thing of before.
        let at = self.store.configuration();
        let key = (name.to_owned(), Sha256::digest(presented.expose_secret()).into());
        let known = self.opened_at(&at).by.get(&key).cloned();
        let mut access = match known {
            Some(access) if !access.token.is_valid(self.clock.now()) => return Ok(None),
            Some(access) => access,
            None => {
                let found = self.store.find_token(name, presented).await?;
                let Some((row, token)) = found.filter(|(_, token)| token.is_valid(self.clock.now())) else {
                    return Ok(None);
                };
                Access { integration: Arc::new(self.join(row).await?), token }
            }
        };
        access.token.life.last_used_at = self.store.touch_token(&access.token).await?;
        self.opened_at(&at).by.insert(key, access.clone());
        Ok(Some(access))
    }

    /// What was opened, emptied where the configuration has changed.
    fn opened_at(&self, at: &Configuration) -> MutexGuard<'_, Opened> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.at.as_ref() != Some(at) {
            *opened = Opened { at: Some(at.clone()), by: HashMap::new() };
        }
        opened
    }

    /// Joins a stored integration with its connector.
    ///
    /// # Errors
    /// The connector cannot be used, or the stored settings cannot be read.
    async fn join(&self, row: IntegrationRow) -> Result<Integration, FindError> {
        let mut connector = self.connector(&row.connector)?;
        if connector.entitlements.iter().any(|entitlement| entitlement.values == Values::Listed) {
            connector = Arc::new(connector.with_listed(listed(self.store.entitlements(&row.id).await?)));
        }
        let StoredSettings { login, values } =
            serde_json::from_value(row.settings.clone()).map_err(FindError::Unreadable)?;
        let settings = connector.settings_scope(&values).map_err(FindError::Settings)?;
        Ok(Integration { row, connector, settings, login })
    }

    fn connector(&self, name: &str) -> Result<Arc<Connector>, ConnectorError> {
        match self.library.get(name) {
            Some(loaded) => loaded.connector.clone().ok_or_else(|| ConnectorError::Broken(name.to_owned())),
            None => {
                Err(ConnectorError::Unknown { name: name.to_owned(), known: self.library.names().join(", ") })
            }
        }
    }
}

/// The values of an app that are there, by their type.
fn listed(rows: Vec<EntitlementRow>) -> BTreeMap<String, Vec<Listed>> {
    let mut listed: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    for EntitlementRow { of_type, value, former, .. } in rows.into_iter().filter(|row| row.gone_at.is_none())
    {
        let ListedValue { key, label, parent, .. } = value;
        listed.entry(of_type).or_default().push(Listed { key, label, former, parent });
    }
    listed
}

/// Something new to be presented: 256 random bits, as text.
pub fn draw_bearer(entropy: &SharedEntropy) -> SecretString {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut());
    SecretString::from(format!("usher_{}", URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

fn in_words(errors: &[SettingError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What is wrong with a policy for this connector, a line each.
fn wrong_policy(connector: &Connector, policy: &Policy) -> Vec<String> {
    let mut wrong = Vec::new();
    if Duration::from_millis(policy.patience_ms) > LONGEST_PATIENCE {
        wrong.push(format!("the patience may be {} s at most", LONGEST_PATIENCE.as_secs()));
    }
    let names: Vec<&str> = connector.entitlements.iter().map(|known| known.name.as_str()).collect();
    for entitlement in policy.authoritative.iter().filter(|name| !names.contains(&name.as_str())) {
        wrong.push(format!("the app does not have `{entitlement}`; it has {}", one_of(&names)));
    }
    for Grant { group, entitlement, key } in &policy.grants {
        let known = connector.entitlements.iter().find(|known| known.name == *entitlement);
        match known {
            None => wrong.push(format!(
                "the group `{group}` gives `{entitlement}`, which the app does not have; it has {}",
                one_of(&names)
            )),
            Some(known) if !known.may_be(key) => {
                let keys: Vec<&str> = known.keys().collect();
                wrong.push(format!(
                    "the group `{group}` gives the {entitlement} `{key}`, which the app does not have; it has {}",
                    one_of(&keys)
                ));
            }
            Some(_) => {}
        }
    }
    wrong
}
