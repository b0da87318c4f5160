//! `/-/`: the record and the switches, for whoever runs the app. No sign-in; not part of the product.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::draw;
use crate::demo::desk::{Desk, Stats};
use crate::demo::model::{Change, Difference, Group, Member};
use crate::demo::switches::{Switches, Turn};

/// How many changes the page shows, newest first.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "control.html")]
struct ControlPage {
    changes: Vec<ShownChange>,
    total: usize,
    members: usize,
    seats_taken: usize,
    stats: Stats,
    switches: Switches,
}

struct ShownChange {
    at: String,
    action: &'static str,
    member_id: String,
    email: String,
    changed: String,
    actor: String,
}

/// Who accepts.
#[derive(Deserialize)]
pub(super) struct Accept {
    email: String,
}

/// Everything under `/-/`.
pub(super) fn router() -> Router<Arc<Desk>> {
    Router::new()
        .route("/-/", get(page))
        .route("/-/record", get(record))
        .route("/-/members", get(members))
        .route("/-/groups", get(groups))
        .route("/-/stats", get(stats))
        .route("/-/switches", get(switches).post(turn))
        .route("/-/accept", post(accept))
}

async fn record(Shared(desk): Shared<Arc<Desk>>) -> Json<Vec<Change>> {
    Json(desk.lock().organisation.record().to_vec())
}

async fn members(Shared(desk): Shared<Arc<Desk>>) -> Json<Vec<Member>> {
    Json(desk.lock().organisation.members().cloned().collect())
}

async fn groups(Shared(desk): Shared<Arc<Desk>>) -> Json<Vec<Group>> {
    Json(desk.lock().organisation.groups().cloned().collect())
}

async fn stats(Shared(desk): Shared<Arc<Desk>>) -> Json<Value> {
    let stats = desk.lock().stats;
    Json(json!({
        "requests": stats.requests,
        "busy_ms": u64::try_from(stats.busy.as_millis()).unwrap_or(u64::MAX),
        "sign_ins": stats.sign_ins,
        "refused_sign_ins": stats.refused_sign_ins,
    }))
}

async fn switches(Shared(desk): Shared<Arc<Desk>>) -> Json<Value> {
    Json(desk.lock().switches().to_json())
}

/// `POST /-/switches`: answers with the switches as they are then.
async fn turn(Shared(desk): Shared<Arc<Desk>>, body: Result<Json<Turn>, JsonRejection>) -> Response {
    let Json(turn) = match body {
        Ok(turn) => turn,
        Err(rejection) => return refuse(&rejection.body_text()),
    };
    let state = &mut *desk.lock();
    match state.switches().turned(&turn) {
        Ok(switches) => state.set_switches(switches),
        Err(why) => return refuse(why),
    }
    if turn.expire_sessions {
        state.sessions.end_all();
    }
    Json(state.switches().to_json()).into_response()
}

/// `POST /-/accept`: accepts an invitation as the invited person.
async fn accept(Shared(desk): Shared<Arc<Desk>>, body: Result<Json<Accept>, JsonRejection>) -> Response {
    match body {
        Err(rejection) => refuse(&rejection.body_text()),
        Ok(Json(Accept { email })) if desk.accept(&email) => {
            Json(json!({ "accepted": email })).into_response()
        }
        Ok(_) => {
            let body = Json(json!({ "error": "there is no open invitation for this address" }));
            (StatusCode::NOT_FOUND, body).into_response()
        }
    }
}

fn refuse(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response()
}

async fn page(Shared(desk): Shared<Arc<Desk>>) -> Response {
    let page = {
        let state = &*desk.lock();
        let record = state.organisation.record();
        ControlPage {
            changes: record.iter().rev().take(SHOWN).map(ShownChange::new).collect(),
            total: record.len(),
            members: state.organisation.members().count(),
            seats_taken: state.organisation.seats_taken(),
            stats: state.stats,
            switches: state.switches(),
        }
    };
    ([(header::CACHE_CONTROL, "no-store")], draw(StatusCode::OK, &page)).into_response()
}

impl ShownChange {
    fn new(change: &Change) -> Self {
        let shown = |difference: &Difference| {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
            format!("{}: {} → {}", difference.field, value(&difference.from), value(&difference.to))
        };
        let at = jiff::Timestamp::from_millisecond(change.at_ms);
        Self {
            at: at.map(|at| at.strftime("%H:%M:%S%.3f").to_string()).unwrap_or_default(),
            action: change.action.word(),
            member_id: change.member_id.map(|id| id.to_string()).unwrap_or_default(),
            email: change.email.clone(),
            changed: change.changed.iter().map(shown).collect::<Vec<_>>().join("; "),
            actor: change.actor.clone(),
        }
    }
}
