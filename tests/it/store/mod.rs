//! Behaviour of durable state. Each check takes a [`Bench`] and knows nothing of the engine behind it: these files are compiled once for
//! each engine.

mod admin;
mod breaker;
mod claim;
mod concurrency;
mod crash;
mod entitlement;
mod event;
mod filter;
mod hook;
mod journal;
mod lane;
mod leaver;
mod listed;
pub mod opening;
mod operate;
mod operator_key;
mod pace;
mod page;
mod plan;
mod retention;
mod user;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use usher::clock::{Clock as _, ManualClock, SharedClock, Timestamp};
use usher::id::{Ids, SystemEntropy};
use usher::scim::{Filter, Folded, ResourceSchema};
use usher::store::*;

use super::ENGINE;
use crate::postgres::Engine;

/// When every check begins.
pub const START: Timestamp = Timestamp::from_ms(1_800_000_000_000);
pub const LEASE: Duration = Duration::from_secs(60);

/// A store in a directory of its own, with a clock that stands still.
pub struct Bench {
    pub root: TempDir,
    pub database: Database,
    pub clock: Arc<ManualClock>,
    pub store: Store,
}

impl Bench {
    pub async fn new() -> Self {
        let (root, database) = (tempfile::tempdir().unwrap(), ENGINE.database());
        let clock = ManualClock::at(START);
        let store = try_open(&root, &database, &clock).await.unwrap();
        Self { root, database, clock, store }
    }

    /// The same database, opened once more: as another process, or after the first is gone.
    async fn open_again(&self) -> Store {
        try_open(&self.root, &self.database, &self.clock).await.unwrap()
    }

    /// Does this to the database by another hand, which knows nothing of the store.
    async fn by_hand(&self, sql: &str) {
        self.try_by_hand(sql).await.unwrap();
    }

    async fn try_by_hand(&self, sql: &str) -> Result<(), sqlx::Error> {
        match &self.database {
            Database::File => {
                let path = self.root.path().join("data/usher.db");
                let mut hand = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await?;
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut hand).await?;
                hand.close().await
            }
            Database::Server(url) => {
                let mut hand = PgConnection::connect(crate::postgres::server()).await?;
                let sql = format!("SET search_path = {}; {sql}", url.schema());
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut hand).await?;
                hand.close().await
            }
        }
    }

    pub async fn integration(&self, name: &str, max_sessions: u32) -> IntegrationRow {
        let policy = Policy { max_sessions, leavers: LeaverLimit::ANY, ..Policy::default() };
        let new =
            NewIntegration { name: name.into(), connector: "acme-desk".into(), settings: json!({}), policy };
        self.store.create_integration(new, "cli").await.unwrap()
    }

    pub async fn add_user(&self, integration: &IntegrationRow, name: &str) -> Recorded {
        self.record(change(integration, UserChange::Insert(body(name, true)), Priority::ORDINARY)).await
    }

    /// Records a change; what is said of the user must be what is kept.
    async fn record(&self, change: Change) -> Recorded {
        let recorded = self.store.record(change).await.unwrap();
        let user = &recorded.user;
        let kept = self.store.find_user_or_tombstone(&user.integration_id, &user.id).await.unwrap();
        assert_eq!(kept.as_ref(), Some(user));
        recorded
    }

    /// Another wish for the same user: to stay, or, where not `active`, to leave.
    async fn wish(&self, integration: &IntegrationRow, user: &UserRow, active: bool) -> Recorded {
        let priority = if active { Priority::ORDINARY } else { Priority::LEAVER };
        let body = UserBody { active, ..body_of(user.resource.clone()) };
        let replace = UserChange::Replace { id: user.id.clone(), expected: None, body };
        self.record(change(integration, replace, priority)).await
    }

    async fn claim(&self) -> Option<Claimed> {
        self.store.claim("worker-1", LEASE).await.unwrap()
    }

    pub async fn claimed(&self) -> Claimed {
        self.claim().await.expect("there is a job to claim")
    }

    pub async fn done(&self, claimed: &Claimed) -> JobRow {
        self.store.finish(&claimed.lease, Finish::with(Outcome::Done { message: None })).await.unwrap()
    }

    /// Takes back what does not beat for longer than a lease.
    pub async fn silence(&self) -> Vec<JobRow> {
        let mut vigil = Vigil::default();
        assert!(self.store.take_back_silent(&mut vigil).await.unwrap().is_empty());
        self.clock.advance(LEASE + Duration::from_millis(1));
        self.store.take_back_silent(&mut vigil).await.unwrap()
    }

    async fn job(&self, id: &str) -> JobRow {
        self.store.find_job(id).await.unwrap().expect("the job is there")
    }

    fn in_secs(&self, secs: u64) -> Timestamp {
        self.clock.now().plus(Duration::from_secs(secs))
    }
}

pub async fn try_open(
    root: &TempDir,
    database: &Database,
    clock: &Arc<ManualClock>,
) -> Result<Store, StoreError> {
    let clock: SharedClock = Arc::clone(clock) as SharedClock;
    let ids = Ids::new(Arc::clone(&clock), Arc::new(SystemEntropy));
    let options = StoreOptions {
        database: database.clone(),
        migrate: true,
        poll: Duration::from_millis(20),
        ..StoreOptions::new(root.path().join("data"))
    };
    Store::open(&options, clock, ids).await
}

/// Bounds a wait that would otherwise hang when the feature is broken.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it happens soon")
}

pub fn body(name: &str, active: bool) -> UserBody {
    let external_id = format!("ext-{name}");
    body_of(json!({ "userName": name, "externalId": external_id, "active": active }))
}

/// What is kept of a resource.
pub fn body_of(resource: Value) -> UserBody {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
    UserBody {
        user_name: text("userName").unwrap(),
        external_id: text("externalId"),
        active: resource.get("active") != Some(&json!(false)),
        folded: Folded::of(resource.as_object().unwrap(), &ResourceSchema::user()),
        resource,
    }
}

/// A part of the users, by a filter as clients write it.
pub async fn list_users(
    store: &Store,
    integration_id: &str,
    filter: Option<&str>,
    offset: u64,
    limit: u32,
) -> UserPage {
    let schema = ResourceSchema::user();
    let filter = filter.map(|text| Filter::parse(text, &schema).unwrap());
    let query = UserQuery {
        filter: filter.as_ref(),
        sort: None,
        start: Start::Index(offset),
        limit,
        schema: &schema,
    };
    store.list_users(integration_id, &query).await.unwrap()
}

pub fn change(integration: &IntegrationRow, user: UserChange, priority: Priority) -> Change {
    Change {
        integration_id: integration.id.clone(),
        user,
        job: Some(JobRequest { priority, cause: json!({ "source": "scim" }) }),
        events: vec![NewEvent::new("user.wanted", "token:1")],
    }
}

fn retry_at(at: Timestamp) -> Finish {
    let class = usher::failure::FailureClass::AppUnavailable;
    Finish::with(Outcome::Retry { at, class, message: "the app answered 503".into() })
}

fn failed() -> Finish {
    let class = usher::failure::FailureClass::SeatLimit;
    Finish::with(Outcome::Failed { class, message: "no free seat".into() })
}

fn held() -> Finish {
    let class = usher::failure::FailureClass::Safeguard;
    Finish::with(Outcome::Held { class, message: "too many removals".into() })
}
