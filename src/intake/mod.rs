//! What a SCIM request means: checked against the connector, recorded with its job, answered with what is so.
//!
//! Invariants: what the connector could not do is refused before anything is written; a change, its job and its event are
//! one transaction; a success is only claimed for what was accepted or done, a failure names its class and its cure; a
//! read shows what is wanted while a job is pending, and what was seen in the app once it failed (R6).
//!
//! Deliberately absent: HTTP, and doing anything in the app.

mod group;
mod record;
mod settle;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::{SharedClock, Timestamp};
use crate::connector::{Connector, Entitlement};
use crate::integration::{Access, ConnectorError, FindError, Integration, Integrations, LONGEST_PATIENCE};
use crate::scim::catalog::Kind;
use crate::scim::{Error, ListQuery, Paging, Position, Resource, ResourceSchema};
use crate::secret::SecretString;
use crate::store::{Answering, JobBrief, ListError, Profile, Start, Store, StoreError, UserQuery};

/// How long a client is told to wait before it asks again, in seconds.
pub const RETRY_AFTER_SECS: u64 = 60;

/// How many requests of one token may be under way: a server that is slow, or has to wait for an app, shall not gather them without end.
const MOST_AT_ONCE: usize = 256;

/// Takes SCIM requests in.
#[derive(Clone, Debug)]
pub struct Intake {
    store: Store,
    integrations: Integrations,
    clock: SharedClock,
    /// By connector hash: building one takes longer than most requests.
    schemas: Arc<Mutex<HashMap<String, Arc<ResourceSchema>>>>,
    groups: Arc<ResourceSchema>,
    /// The jobs that a caller was told to ask for again.
    held: Arc<Mutex<HashSet<String>>>,
    /// How many more requests of each token may be under way.
    room: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// Somebody who may speak for an integration.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The integration.
    pub integration: Arc<Integration>,
    /// Its users as SCIM describes them: what the connector declares is in Usher's extension.
    pub schema: Arc<ResourceSchema>,
    /// Its groups as SCIM describes them.
    pub groups: Arc<ResourceSchema>,
    token_id: String,
    answering: Answering,
    patience: Duration,
    /// Held as long as the request is under way.
    _place: Arc<OwnedSemaphorePermit>,
}

/// A resource as a client sees it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it is.
    pub schema: Arc<ResourceSchema>,
    /// The resource, its id included.
    pub resource: Resource,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// How far the app has followed; none where nothing was to be done.
    pub job: Option<JobBrief>,
}

impl Shown {
    /// The job that is still to make it so.
    pub fn pending_job(&self) -> Option<&str> {
        self.job.as_ref().filter(|job| !job.state.is_settled()).map(|job| job.id.as_str())
    }

    /// The job as [`USHER_JOB`](crate::scim::schema::USHER_JOB) has it.
    pub fn job_attributes(&self) -> Option<Map<String, Value>> {
        self.job.as_ref().map(view::job)
    }
}

/// A page of resources.
#[derive(Clone, Debug)]
pub struct ShownPage {
    /// How many there are in all.
    pub total: u64,
    /// Those of this page.
    pub resources: Vec<Shown>,
    /// Where it is in the list.
    pub paging: Paging,
}

impl Intake {
    /// An intake that records in `store`.
    pub fn new(store: Store, integrations: Integrations, clock: SharedClock) -> Self {
        Self {
            store,
            integrations,
            clock,
            schemas: Arc::default(),
            groups: Arc::new(ResourceSchema::group()),
            held: Arc::default(),
            room: Arc::default(),
        }
    }

    /// Who calls: the holder of this token, for the integration of that name.
    ///
    /// # Errors
    /// 401 for every token that does not open this integration, whether the integration exists or not; 429 where it cannot
    /// be used now.
    pub async fn authenticate(&self, name: &str, presented: Option<&SecretString>) -> Result<Caller, Error> {
        let presented = presented.ok_or_else(Error::unauthorized)?;
        let opened =
            self.integrations.authenticate(name, presented).await.map_err(|error| unusable(&error))?;
        let Access { integration, token } = opened.ok_or_else(Error::unauthorized)?;
        let place = self.room(&token.id).try_acquire_owned().map_err(|_| {
            Error::too_many_requests(format!(
                "{MOST_AT_ONCE} requests of this token are under way; nothing was recorded, try again in {RETRY_AFTER_SECS} s"
            ))
        })?;
        let schema = self.schema(&integration.connector);
        let policy = &integration.row.policy;
        let (answering, patience) = (policy.answer, policy.patience());
        Ok(Caller {
            integration,
            schema,
            groups: self.groups.clone(),
            token_id: token.id,
            answering,
            patience,
            _place: Arc::new(place),
        })
    }

    /// The user with this id.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn find_user(&self, caller: &Caller, id: &str) -> Result<Shown, Error> {
        let view =
            self.store.view_user(&caller.integration.row.id, id).await.map_err(|error| fault(&error))?;
        let view = view.ok_or_else(|| Error::not_found("User", id))?;
        view::shown(caller, view)
    }

    /// A page of users.
    ///
    /// # Errors
    /// `invalidFilter` or `invalidPath` where filter or order ask for what cannot be searched; `invalidCursor`.
    pub async fn list_users(&self, caller: &Caller, query: &ListQuery) -> Result<ShownPage, Error> {
        let list = format!("Users of {}", caller.integration.row.id);
        let position = query.position(&list)?;
        let asked = UserQuery {
            filter: query.filter.as_ref(),
            sort: query.sort_by.as_ref().map(|path| (path, query.sort_order)),
            start: start(query, position.as_ref()),
            limit: query.count,
            schema: &caller.schema,
        };
        let page = self.store.list_users(&caller.integration.row.id, &asked).await;
        let page = page.map_err(|error| unlisted(&error))?;
        let resources =
            page.users.into_iter().map(|view| view::shown(caller, view)).collect::<Result<_, _>>()?;
        let paging = paging(query, &list, page.next, page.previous);
        Ok(ShownPage { total: page.total, resources, paging })
    }

    /// The room for requests of a token.
    fn room(&self, token_id: &str) -> Arc<Semaphore> {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let known = room.entry(token_id.to_owned());
        known.or_insert_with(|| Arc::new(Semaphore::new(MOST_AT_ONCE))).clone()
    }

    fn schema(&self, connector: &Connector) -> Arc<ResourceSchema> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let known = schemas.entry(connector.hash.clone());
        known.or_insert_with(|| Arc::new(connector.user_schema())).clone()
    }
}

/// An answer where a list cannot be made.
fn unlisted(error: &ListError) -> Error {
    match error {
        ListError::Unsupported(_) => Error::invalid_filter(error.to_string()),
        ListError::Store(error) => fault(error),
    }
}

impl Caller {
    /// The types of resources that there are.
    pub fn types(&self) -> [&ResourceSchema; 2] {
        [&self.schema, &self.groups]
    }

    /// Which identity provider asks.
    pub fn profile(&self) -> Profile {
        self.integration.row.policy.profile
    }

    /// What can be held, where the identity provider reads it.
    pub fn catalog(&self) -> Vec<Kind> {
        if self.profile() != Profile::Okta {
            return Vec::new();
        }
        let values = |entitlement: &Entitlement| {
            entitlement.keys().map(|key| (key.to_owned(), entitlement.label_of(key).to_owned())).collect()
        };
        let entitlements = self.integration.connector.entitlements.iter();
        entitlements.map(|entitlement| Kind::new(&entitlement.name, values(entitlement))).collect()
    }

    /// The same caller, who waits for what really happened as long as this, whatever the integration's policy, but never longer than
    /// any may.
    #[must_use]
    pub fn waiting(self, patience: Duration) -> Self {
        Self { answering: Answering::Wait, patience: patience.min(LONGEST_PATIENCE), ..self }
    }

    /// The token that the caller showed, by its id.
    pub fn token_id(&self) -> &str {
        &self.token_id
    }
}

/// Where a page begins; `position` is what its cursor stands for.
fn start<'q>(query: &ListQuery, position: Option<&'q Position>) -> Start<'q> {
    match (position, &query.cursor) {
        (Some(position), _) => Start::At(position),
        (None, Some(_)) => Start::First,
        (None, None) => Start::Index(u64::from(query.offset())),
    }
}

/// Where a page is, in the words of the query that asked for it.
fn paging(query: &ListQuery, list: &str, next: Option<Position>, previous: Option<Position>) -> Paging {
    let cursor = |position: Option<Position>| position.map(|position| query.cursor_of(list, &position));
    match query.cursor {
        None => Paging::Index(query.start_index),
        Some(_) => Paging::Cursor { next: cursor(next), previous: cursor(previous) },
    }
}

/// A stored resource.
fn stored(resource: Value, id: &str) -> Result<Resource, Error> {
    let Value::Object(attributes) = resource else {
        tracing::error!(id, "a stored resource is no JSON object");
        return Err(Error::internal(id));
    };
    Ok(Resource::from_attributes(attributes).with_id(id))
}

/// An answer for a fault of the store: later, where that may help.
fn fault(error: &StoreError) -> Error {
    if error.is_transient() {
        return Error::too_many_requests("the database is busy; try again in a moment");
    }
    tracing::error!(%error, "a request failed");
    Error::internal("the request")
}

/// An answer for an integration that cannot be used now. The identity provider tries again by itself.
fn unusable(error: &FindError) -> Error {
    match error {
        FindError::Store(error) => fault(error),
        FindError::Connector(ConnectorError::Broken(_) | ConnectorError::Unknown { .. })
        | FindError::Settings(_)
        | FindError::Unreadable(_) => {
            tracing::error!(%error, "an integration cannot be used");
            Error::too_many_requests(format!("{error}; nothing was recorded"))
        }
    }
}
