//! The description of the API, as OpenAPI 3.1 has it. Anybody may read it: it says nothing of this installation.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

/// What the tests hold to the routes and the answers.
const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`
pub(super) async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::account::Status;
    use crate::api::endpoints;
    use crate::failure::CLASSES;
    use crate::integration::{LONGEST_PATIENCE, Standing};
    use crate::store::{ItemKind, JobState, Kind, PlanState};

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn it_has_the_addresses_that_there_are() {
        let document = document();
        let described: Vec<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let served: Vec<&str> = endpoints().iter().map(|(path, _)| *path).collect();
        assert_eq!(described, served);
    }

    #[test]
    fn its_closed_lists_are_whole() {
        let document = document();
        let check = |pointer: &str, words: Value| {
            let listed = document.pointer(&format!("/components/schemas/{pointer}/enum"));
            assert_eq!(listed, Some(&words), "{pointer}");
        };
        check("JobState", json!(JobState::ALL));
        check("Standing", json!(Standing::ALL));
        check("FailureClass", CLASSES.iter().map(|known| json!(known.class)).collect());
        check("Job/properties/kind", json!(Kind::ALL));
        check("Plan/properties/state", json!(PlanState::ALL));
        check("Finding/properties/kind", json!(ItemKind::ALL));
        let statuses = [Status::Absent, Status::Invited, Status::Active, Status::Suspended];
        check("Account/properties/status", json!(statuses));
    }

    #[test]
    fn nobody_is_told_to_wait_longer_than_they_may() {
        let most = document()["paths"]["/jobs/{id}"]["get"]["parameters"][0]["schema"]["maximum"].as_u64();
        assert_eq!(most, Some(LONGEST_PATIENCE.as_secs()));
    }
}
