//! How everything stands as numbers, in the text format of OpenMetrics.
//!
//! Read from the store when they are asked for, so that every process gives the same: how everything stands, and how often what happened
//! since the beginning. Of the latter, what came since the last time is added to what was counted then.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;

use crate::clock::SharedClock;
use crate::integration::{FindError, Integrations, Standing};
use crate::store::{EventCounts, JobState, Store, StoreError};

/// Names and values, such as `integration` and its name.
type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Gauge<f64, AtomicU64>>;

/// The type of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The numbers cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The store cannot read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They cannot be written.
    #[error("the numbers cannot be written")]
    Text(#[from] fmt::Error),
}

/// Every kind of number.
#[derive(Debug, Default)]
struct Board {
    registry: Registry,
    stands: Numbers,
    jobs: Numbers,
    leavers: Numbers,
    longest: Numbers,
    leavers_held: Numbers,
    stopped: Numbers,
    plans: Numbers,
    read_at: Numbers,
    read_well: Numbers,
    hook_failures: Numbers,
    events: Family<Labels, Counter>,
}

impl Board {
    fn new() -> Self {
        let mut board = Self::default();
        let all = [
            ("usher_integration_stands", "How an integration stands: 1 for what holds", &board.stands),
            ("usher_jobs", "Jobs that have not ended", &board.jobs),
            (
                "usher_leavers_waiting",
                "People who should be without access, and are not known to be",
                &board.leavers,
            ),
            ("usher_leavers_longest_wait_seconds", "How long the first of them waits", &board.longest),
            ("usher_leavers_held", "Whether leavers are held", &board.leavers_held),
            (
                "usher_operations_stopped",
                "Operations of a connector that are not begun any more",
                &board.stopped,
            ),
            ("usher_plans_open", "Plans that wait for a decision", &board.plans),
            (
                "usher_last_reading_timestamp_seconds",
                "When a test of the login or a sync ended last",
                &board.read_at,
            ),
            ("usher_last_reading_ok", "Whether it went well", &board.read_well),
            ("usher_hook_failures", "How often in a row somebody could not be told", &board.hook_failures),
        ];
        for (name, help, numbers) in all {
            board.registry.register(name, help, numbers.clone());
        }
        let help = "What happened: jobs that were done or failed, users and groups that were pushed, plans, and all else of the record";
        board.registry.register("usher_events", help, board.events.clone());
        board
    }
}

/// The numbers as text; `counted` is what was counted when they were given last.
///
/// # Errors
/// The store cannot read.
pub async fn metrics(
    store: &Store,
    integrations: &Integrations,
    clock: &SharedClock,
    counted: &Mutex<EventCounts>,
) -> Result<String, MetricsError> {
    let board = Board::new();
    let mut names = HashMap::new();
    for row in store.list_integrations().await? {
        names.insert(row.id.clone(), row.name.clone());
        let of = |more: Option<(&'static str, String)>| -> Labels {
            [("integration", row.name.clone())].into_iter().chain(more).collect()
        };
        let set = |numbers: &Numbers, value: f64| {
            numbers.get_or_create(&of(None)).set(value);
        };
        let late = clock.now().minus(row.policy.leaver_patience());
        let known = store.oversight(&row.id, late).await?;
        let stands = match integrations.get(&row.id).await {
            Ok(Some(found)) => integrations.standing(&found).await?.0,
            Ok(None) => continue,
            Err(FindError::Store(error)) => return Err(error.into()),
            Err(_) => Standing::ConnectorDrift,
        };
        for standing in Standing::ALL {
            let label = of(Some(("state", standing.to_string())));
            board.stands.get_or_create(&label).set(f64::from(u8::from(standing == stands)));
        }
        let open = store.open_jobs(&row.id).await?;
        for state in JobState::ALL.iter().filter(|state| !state.is_final()) {
            let count = open.iter().find(|(one, _)| one == state).map_or(0, |(_, count)| *count);
            board.jobs.get_or_create(&of(Some(("state", state.to_string())))).set(count as f64);
        }
        let (people, since) = store.waiting_leavers(&row.id).await?;
        set(&board.leavers, people as f64);
        set(&board.longest, since.map_or(0.0, |since| clock.now().since(since).as_secs_f64()));
        set(&board.leavers_held, f64::from(u8::from(row.leavers_held_at.is_some())));
        let stopped = known.breakers.iter().filter(|breaker| breaker.opened_at.is_some()).count();
        set(&board.stopped, stopped as f64);
        set(&board.plans, f64::from(u8::from(known.open_plan.is_some())));
        if let Some(reading) = &known.last_reading {
            set(&board.read_at, reading.at.map_or(0.0, |at| at.as_ms() as f64 / 1000.0));
            set(&board.read_well, f64::from(u8::from(reading.state == JobState::Done)));
        }
    }
    for hook in store.list_hooks().await? {
        let label = vec![("hook", hook.hook.id)];
        board.hook_failures.get_or_create(&label).set(hook.failures as f64);
    }
    let mut counted = counted.lock().await;
    store.count_events(&mut counted).await?;
    for ((integration_id, kind), count) in &counted.counts {
        let integration = integration_id.as_ref().map(|id| names.get(id).unwrap_or(id).clone());
        let labels = vec![("integration", integration.unwrap_or_default()), ("kind", kind.clone())];
        board.events.get_or_create(&labels).inc_by(*count);
    }
    let mut text = String::new();
    encode(&mut text, &board.registry)?;
    Ok(text)
}
