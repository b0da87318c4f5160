//! Telling people: what happens that somebody has to know of, by signed webhooks and by mail.
//!
//! Each hook is told of its events in their order, each at least once: whoever is told twice knows by its id. One that cannot be told is
//! tried again, later and later, and no event is left out; the others do not wait for it. Addresses are sealed, as they may let somebody in.

mod mail;
mod webhook;
mod words;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::clock::{SharedClock, Timestamp};
use crate::id::{Ids, SharedEntropy};
use crate::secret::{ExposeSecret as _, SecretString};
use crate::store::{Channel, EventRow, HookRow, NewHook, Store, StoreError};
use crate::vault::{Place, Vault, VaultError};

pub use self::mail::{MailError, Mailer};
pub use self::webhook::AddressError;
pub use self::words::KINDS;

use self::webhook::Webhooks;

/// How often is looked whether there is something to tell.
const EVERY: Duration = Duration::from_secs(5);
/// How long whoever tells may take.
const TAKEN: Duration = Duration::from_secs(60);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The time before the second try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest time between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What the record has of an account, which stays in it: a person's data is nobody's business who is told of a job.
const OF_PEOPLE: [&str; 3] = ["wanted", "before", "after"];

/// What somebody is told.
#[derive(Clone, Debug)]
struct Notice {
    /// The same each time that it is told.
    id: String,
    kind: String,
    at: Timestamp,
    /// The integration's name.
    integration: Option<String>,
    /// One sentence or two.
    text: String,
    job: Option<String>,
    data: Value,
}

impl Notice {
    fn json(&self) -> Value {
        json!({
            "type": self.kind,
            "timestamp": self.at.to_rfc3339(),
            "data": {
                "integration": self.integration,
                "text": self.text,
                "job": self.job,
                "details": self.data,
            },
        })
    }
}

/// Where somebody is told, opened.
#[derive(serde::Serialize, serde::Deserialize)]
enum Address {
    Webhook { url: String, secret: String },
    Email { to: String },
}

/// Somebody cannot be told so.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The address, or how mail is sent.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// No such kind of event.
    #[error("`{0}` is nothing that anybody is told of; there are: {known}", known = KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", "))]
    Kind(String),
    /// The address cannot be sealed.
    #[error("the address cannot be sealed")]
    Vault(#[from] VaultError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whom to tell.
#[derive(Debug)]
pub enum To {
    /// An address that takes signed POSTs, and the key of the signature; one is drawn where there is none.
    Webhook {
        /// `https://…`, or `http://…` on a way that is trusted.
        url: SecretString,
        /// 24 to 64 bytes in base64, behind `whsec_` or not.
        secret: Option<SecretString>,
    },
    /// An address of mail.
    Email(String),
}

/// Tells what is to be told. Clones share it.
#[derive(Clone, Debug)]
pub struct Notices {
    store: Store,
    vault: Arc<Vault>,
    clock: SharedClock,
    entropy: SharedEntropy,
    webhooks: Webhooks,
    mailer: Option<Mailer>,
}

/// Telling that goes on until it is dropped.
#[derive(Debug)]
pub struct Telling {
    /// Its one task, which ends with it.
    _task: JoinSet<()>,
}

impl Notices {
    /// Tells by webhooks and, where there is one, by this way of sending mail.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        clock: SharedClock,
        entropy: SharedEntropy,
        mailer: Option<Mailer>,
    ) -> Self {
        Self { store, vault, clock, entropy, webhooks: Webhooks::new(), mailer }
    }

    /// Tells somebody from now on of these kinds of events; of all without any. Returns the id, and the key of the signature where it was drawn.
    ///
    /// # Errors
    /// The address is none, there is no such kind, or mail cannot be sent.
    pub async fn add(
        &self,
        to: To,
        integration_id: Option<String>,
        kinds: Vec<String>,
        by: &str,
    ) -> Result<(String, Option<SecretString>), AddError> {
        let known = |kind: &String| KINDS.iter().any(|(known, _)| known == kind);
        if let Some(unknown) = kinds.iter().find(|kind| !known(kind)) {
            return Err(AddError::Kind(unknown.clone()));
        }
        let kinds =
            if kinds.is_empty() { KINDS.iter().map(|(kind, _)| (*kind).to_owned()).collect() } else { kinds };
        let id = Ids::new(self.clock.clone(), self.entropy.clone()).next_with_prefix("hook");
        let mut drawn = None;
        let (channel, shown, address) = match to {
            To::Webhook { url, secret } => {
                let shown = webhook::check(url.expose_secret())?;
                let secret = match secret {
                    Some(secret) => secret,
                    None => drawn.insert(self.draw()).clone(),
                };
                webhook::key(secret.expose_secret())?;
                let address = Address::Webhook {
                    url: url.expose_secret().to_owned(),
                    secret: secret.expose_secret().to_owned(),
                };
                (Channel::Webhook, shown, address)
            }
            To::Email(to) => {
                self.mailer.as_ref().ok_or(MailError::NoServer)?;
                mail::check(&to)?;
                (Channel::Email, to.clone(), Address::Email { to })
            }
        };
        let address = SecretString::from(json!(address).to_string());
        let sealed = self.vault.seal(Place::hook(&id), &address)?;
        let hook = NewHook { id: id.clone(), integration_id, channel, shown, sealed, kinds };
        self.store.add_hook(hook, by).await?;
        Ok((id, drawn))
    }

    /// A key for signatures, as the Standard Webhooks have it.
    fn draw(&self) -> SecretString {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        self.entropy.fill(bytes.as_mut());
        SecretString::from(format!("whsec_{}", STANDARD.encode(bytes.as_ref())))
    }

    /// Tells from now on, until what is returned is dropped. Several may, in one process or in many.
    pub fn start(self) -> Telling {
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut tick = tokio::time::interval(EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                if let Err(error) = self.tell().await {
                    tracing::warn!(%error, "nobody could be told of anything");
                }
            }
        });
        Telling { _task: task }
    }

    /// Tells everybody what is to be told now.
    ///
    /// # Errors
    /// The store cannot be used. That somebody cannot be told is none: it is kept with the hook.
    pub async fn tell(&self) -> Result<(), StoreError> {
        self.store.tell_of_late_leavers().await?;
        let due = self.store.due_hooks().await?;
        // Who does not answer holds up nobody else.
        let told = futures::future::join_all(due.into_iter().map(|hook| self.tell_one(hook))).await;
        told.into_iter().collect()
    }

    async fn tell_one(&self, mut hook: HookRow) -> Result<(), StoreError> {
        while let Some(event) = self.store.next_for_hook(&hook).await? {
            let id = hook.hook.id.clone();
            if !self.store.take_hook(&id, self.clock.now().plus(TAKEN)).await? {
                return Ok(());
            }
            let seq = event.seq;
            let notice = self.notice(event).await?;
            if let Err(why) = self.send(&hook, &notice).await {
                let pause =
                    FIRST_PAUSE * 2_u32.saturating_pow(u32::try_from(hook.failures).unwrap_or(0).min(12));
                let again = self.clock.now().plus(pause.min(LONGEST_PAUSE));
                tracing::warn!(hook = id, why, "somebody could not be told");
                return self.store.hook_was_not_told(&id, &why, again).await;
            }
            self.store.hook_was_told(&id, seq).await?;
            hook.seen = seq;
        }
        Ok(())
    }

    /// Sends a word for a try.
    ///
    /// # Errors
    /// Why it could not be sent, in words.
    pub async fn try_out(&self, hook: &HookRow) -> Result<(), String> {
        let at = self.clock.now();
        let notice = Notice {
            id: format!("try-{}", at.as_ms()),
            kind: "hook.tried".to_owned(),
            at,
            integration: None,
            text: "Usher can tell you what happens: this is a try.".to_owned(),
            job: None,
            data: json!({}),
        };
        self.send(hook, &notice).await
    }

    async fn notice(&self, event: EventRow) -> Result<Notice, StoreError> {
        let integration = match &event.integration_id {
            Some(id) => self.store.integration(id).await?.map(|row| row.name),
            None => None,
        };
        let text = words::text(&event, integration.as_deref().unwrap_or("Usher"));
        let EventRow { seq, at, kind, job_id, mut data, .. } = event;
        if let Some(data) = data.as_object_mut() {
            data.retain(|name, _| !OF_PEOPLE.contains(&name.as_str()));
        }
        Ok(Notice { id: format!("event-{seq}"), kind, at, integration, text, job: job_id, data })
    }

    async fn send(&self, hook: &HookRow, notice: &Notice) -> Result<(), String> {
        let place = Place::hook(&hook.hook.id);
        let opened = self.vault.open(place, &hook.hook.sealed).map_err(|error| error.to_string())?;
        let address: Address = serde_json::from_str(opened.expose_secret())
            .map_err(|_| "the address cannot be read; remove it and add it again".to_owned())?;
        let sending = async {
            match address {
                Address::Webhook { url, secret } => {
                    self.webhooks.send(&url, &secret, notice, self.clock.now()).await
                }
                Address::Email { to } => match &self.mailer {
                    Some(mailer) => mailer.send(&to, notice).await,
                    None => Err(MailError::NoServer.to_string()),
                },
            }
        };
        let late = |_| format!("there was no answer within {} s", PATIENCE.as_secs());
        tokio::time::timeout(PATIENCE, sending).await.map_err(late)?
    }
}
