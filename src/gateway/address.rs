//! Addresses that were put together carelessly: slashes in a row, and the base path twice, as where an administrator pasted it into both
//! the base URL and a path. They are read as what was meant; only requests that no route takes come here.

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};
use tower::ServiceExt as _;

use super::answer::no_endpoint;
use super::journal::Witness;

/// Tries the request once more under the address that was meant, with the routes that there are.
pub(super) async fn try_again(routes: Router, OriginalUri(uri): OriginalUri, request: Request) -> Response {
    let Some(meant) = meant(&uri) else { return no_endpoint().await.into_response() };
    let (mut parts, body) = request.into_parts();
    parts.uri = meant;
    // What the first routing found out about the address holds no longer.
    let witness = parts.extensions.remove::<Witness>();
    parts.extensions.clear();
    witness.map(|witness| parts.extensions.insert(witness));
    match routes.oneshot(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The address without needless parts; none where it has none.
fn meant(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let parts = match parts.as_slice() {
        ["scim", "v2", name, "scim", "v2", again, ..] if name == again => parts.get(3..)?,
        all => all,
    };
    let tidy = format!("/{}", parts.join("/"));
    if [path, path.strip_suffix('/').unwrap_or(path)].contains(&tidy.as_str()) {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{tidy}{query}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needless_parts_are_taken_out_and_nothing_else() {
        let check = |given: &str, expected: Option<&str>| {
            let meant = meant(&given.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(meant.as_deref(), expected, "{given}");
        };
        check("/scim/v2/desk//Users?count=2", Some("/scim/v2/desk/Users?count=2"));
        check("//scim/v2/desk/Users/7", Some("/scim/v2/desk/Users/7"));
        check("/scim/v2/desk/scim/v2/desk/Users?filter=a%2Fb", Some("/scim/v2/desk/Users?filter=a%2Fb"));
        check("/scim/v2/desk/scim/v2/other/Users", None);
        check("/scim/v2/desk/Nothing", None);
        check("/scim/v2/desk/Nothing/", None);
        check("/", None);
    }
}
