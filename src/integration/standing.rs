//! How an integration stands, in one word and with its reasons: what whoever is on call sees first.

use std::fmt;

use serde::Serialize;

use super::Integration;
use crate::clock::Timestamp;
use crate::failure::{FailureClass, Stops};
use crate::store::{JobState, Oversight, Reading};

/// How an integration stands. The first that holds is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing is done in it.
    Paused,
    /// A page of the app is not as the connector describes it.
    ConnectorDrift,
    /// The connector, as it is now, was never seen to log in and read.
    NotValidated,
    /// Somebody has to look.
    NeedsAttention,
    /// It was read, and nothing waits for anybody.
    Working,
}

impl Standing {
    /// Every one of them, the gravest first.
    pub const ALL: [Self; 5] =
        [Self::Paused, Self::ConnectorDrift, Self::NotValidated, Self::NeedsAttention, Self::Working];
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paused => "Paused",
            Self::ConnectorDrift => "Connector drift",
            Self::NotValidated => "Not validated",
            Self::NeedsAttention => "Needs attention",
            Self::Working => "Working",
        })
    }
}

/// How it stands, and every reason for that, the gravest first.
pub(super) fn standing(
    integration: &Integration,
    known: &Oversight,
    now: Timestamp,
) -> (Standing, Vec<String>) {
    let mut reasons: Vec<(Standing, String)> = Vec::new();
    let row = &integration.row;
    if let Some(at) = row.paused_at {
        let why = row.pause_reason.as_deref().unwrap_or("no reason was given");
        reasons.push((Standing::Paused, format!("paused since {}: {why}", at.to_rfc3339())));
    }
    if let Some(maintenance) = row.maintenance.as_ref().filter(|one| one.is_on(now)) {
        let until = maintenance.until.to_rfc3339();
        reasons.push((Standing::Paused, format!("maintained until {until}: {}", maintenance.reason)));
    }
    for breaker in &known.breakers {
        let Some(at) = breaker.opened_at else { continue };
        let (name, since) = (&breaker.operation, at.to_rfc3339());
        let words = format!("`{name}` is not begun any more since {since}: {}", breaker.message);
        reasons.push((of_class(breaker.class), words));
    }
    reasons.extend(of_reading(known.last_reading.as_ref(), &integration.connector.hash));
    if let Some(at) = row.leavers_held_at {
        let why = row.leavers_held_why.as_deref().unwrap_or_default();
        reasons
            .push((Standing::NeedsAttention, format!("leavers are held since {}: {why}", at.to_rfc3339())));
    }
    if let (1.., Some(since)) = (known.late, known.late_since) {
        let people = if known.late == 1 { "1 person".to_owned() } else { format!("{} people", known.late) };
        let words =
            format!("{people} should be without access already, the first since {}", since.to_rfc3339());
        reasons.push((Standing::NeedsAttention, words));
    }
    if let Some(plan) = &known.open_plan {
        reasons.push((Standing::NeedsAttention, format!("plan {plan} waits for a decision")));
    }
    for (count, words) in [(known.held, "held"), (known.needs_human, "for a person to do")] {
        if count > 0 {
            let jobs = if count == 1 { "1 job is".to_owned() } else { format!("{count} jobs are") };
            reasons.push((Standing::NeedsAttention, format!("{jobs} {words}")));
        }
    }
    // Stable: of equal gravity in the order above.
    reasons.sort_by_key(|(standing, _)| *standing);
    let standing = reasons.first().map_or(Standing::Working, |(standing, _)| *standing);
    (standing, reasons.into_iter().map(|(_, words)| words).collect())
}

/// What a failure of this class makes of the integration.
fn of_class(class: FailureClass) -> Standing {
    let is_drift = class.info().stops == Stops::Operation && class.info().who_acts == "author";
    if is_drift { Standing::ConnectorDrift } else { Standing::NeedsAttention }
}

fn of_reading(last: Option<&Reading>, connector_hash: &str) -> Option<(Standing, String)> {
    let Some(reading) = last else {
        return Some((Standing::NotValidated, "its login was never tested".to_owned()));
    };
    if reading.connector_hash.as_deref() != Some(connector_hash) {
        let words = "the connector has changed since the app was last read with it".to_owned();
        return Some((Standing::NotValidated, words));
    }
    if reading.state == JobState::Done {
        return None;
    }
    let class = reading.class.unwrap_or(FailureClass::Internal);
    let (at, why) =
        (reading.at.map(|at| at.to_rfc3339()).unwrap_or_default(), reading.message.as_deref().unwrap_or("-"));
    Some((of_class(class), format!("the last reading failed on {at} as {class}: {why}")))
}
