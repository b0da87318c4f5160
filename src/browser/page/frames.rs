//! Frames of other origins: finding our world in them, and points of theirs on the page.
//!
//! The Chromium that we start runs without site isolation, so that such a frame is in the session of its page. In one that runs elsewhere it
//! may be in a process of its own, with a session of its own; `follow` puts our world there too.

use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::dom::DescribeNodeParams;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::super::error::PageError;
use super::ask::{About, Answer, Once, Place};
use super::{Guard, Page, Target, Wait};
use crate::locator::{Kind, Locator};

/// What is met within this time is not kept waiting by what is watched for on the page around the frame.
const AT_ONCE: Duration = Duration::from_millis(400);

/// Where a point of a frame is on the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
enum Through {
    Clear {
        x: f64,
        y: f64,
    },
    /// The frame is not there any more.
    Gone,
}

impl Page {
    /// Asks the world of `place`. In a frame, what is watched for on the page is looked for too.
    pub(super) async fn ask_place(
        &self,
        place: &Place,
        function: &str,
        question: &Value,
        wait: &Wait,
    ) -> Result<Once<Answer>, PageError> {
        let answer = self.call(&place.world, function, question, wait.until);
        let Some((page, _)) = place.through.first().filter(|_| !wait.watch.is_empty()) else {
            return answer.await;
        };
        futures::pin_mut!(answer);
        if let Ok(answer) = timeout_at(wait.until.min(Instant::now() + AT_ONCE), &mut answer).await {
            return answer;
        }
        let left = wait.until.saturating_duration_since(Instant::now());
        let watch =
            json!({ "watch": wait.watch, "timeout": u64::try_from(left.as_millis()).unwrap_or(u64::MAX) });
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            seen = self.ask_world::<Value>(page, "watched", watch, About::AnyOf(&[]), wait.until) => {
                if let Err(error @ PageError::Watched(_)) = seen {
                    return Err(error);
                }
            }
        }
        answer.await
    }

    /// Our world in the frame that `world` holds under `token`, none of those that are `gone`; none where the frame is.
    pub(super) async fn world_in_frame(
        &self,
        world: &str,
        token: u64,
        gone: &[String],
        until: Instant,
    ) -> Result<Option<String>, PageError> {
        let Some(element) = self.object(world, "frame", json!({ "token": token }), until).await? else {
            return Ok(None);
        };
        let describe = DescribeNodeParams { object_id: Some(element), ..DescribeNodeParams::default() };
        let session = self.session_of(world);
        let described = timeout_at(until + super::ask::GRACE, self.send_to(&session, &describe)).await;
        let described = described.map_err(|_| PageError::TooSlow { doing: self.state.borrow().doing() })?;
        // The frame may have gone meanwhile.
        let Some(frame) = described.ok().and_then(|described| described.node.frame_id) else {
            return Ok(None);
        };
        let frame: String = frame.into();
        let known = |world: &&str| !gone.iter().any(|gone| gone == world);
        self.wait_for_state(until, |state| {
            state.world_of(&frame).filter(known).is_some() || !state.is_settled()
        })
        .await?;
        Ok(self.state.borrow().world_of(&frame).filter(known).map(str::to_owned))
    }

    /// A point of a frame's document on the page, once nothing covers it there; none where everything is to be looked at anew.
    pub(super) async fn point_on_page(
        &self,
        place: &Place,
        mut point: (f64, f64),
        guards: &[Guard],
        about: About<'_>,
        until: Instant,
    ) -> Result<Option<(f64, f64)>, PageError> {
        for (depth, (world, token)) in place.through.iter().enumerate().rev() {
            // What must be on the page is looked for there, and nowhere between.
            let guards = if depth == 0 { guards } else { &[] };
            let left = until.saturating_duration_since(Instant::now());
            let question = json!({ "token": token, "x": point.0, "y": point.1, "guards": guards,
                "timeout": u64::try_from(left.as_millis()).unwrap_or(u64::MAX) });
            match self.ask_world(world, "through", question, about, until).await? {
                Once::Answered(Through::Clear { x, y }) => point = (x, y),
                Once::Answered(Through::Gone) | Once::Replaced => return Ok(None),
            }
        }
        Ok(Some(point))
    }
}

/// The scopes of a target down to the innermost frame that it is in.
pub(super) fn frames_around(target: &Target) -> Vec<Locator> {
    let mut scopes = Vec::new();
    let mut kept = 0;
    for locator in target.within.iter().chain([&target.locator]) {
        let frame = locator.parts.iter().rposition(|part| part.kind == Kind::Frame);
        let end = frame.map_or(locator.parts.len(), |at| at + 1);
        scopes.push(Locator { parts: locator.parts.iter().take(end).cloned().collect() });
        if frame.is_some() {
            kept = scopes.len();
        }
    }
    scopes.truncate(kept);
    scopes
}

/// Whether a target is in a frame.
pub(super) fn is_framed(target: &Target) -> bool {
    !frames_around(target).is_empty()
}
