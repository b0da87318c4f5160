//! Style, script and icon, built into the program.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

const STYLE: &str = include_str!("../assets/desk.css");
const SCRIPT: &str = include_str!("../assets/desk.js");
const CONTROL_SCRIPT: &str = include_str!("../assets/control.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// `GET /assets/{name}`.
pub(super) async fn get(Path(name): Path<String>) -> Response {
    let (kind, body) = match name.as_str() {
        "desk.css" => ("text/css; charset=utf-8", STYLE),
        "desk.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "control.js" => ("text/javascript; charset=utf-8", CONTROL_SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return Problem::NotFound.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=3600")], body).into_response()
}
