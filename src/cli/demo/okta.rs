//! SCIM requests shaped as Okta sends them from a custom app with SCIM provisioning.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

/// Okta closes the connection after this time; so does the demo.
const TIME_OUT: Duration = Duration::from_secs(60);

/// Somebody to provision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) given_name: &'static str,
    pub(super) family_name: &'static str,
    pub(super) email: &'static str,
}

impl Person {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// The whole user, as Okta sends it on create and, with the changes, on every update.
    pub(super) fn user(&self, active: bool, role: &str) -> Value {
        json!({
            "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:extension:usher:2.0:User"
            ],
            "userName": self.email,
            "name": { "givenName": self.given_name, "familyName": self.family_name },
            "emails": [{ "primary": true, "value": self.email, "type": "work" }],
            "displayName": self.name(),
            "locale": "en-US",
            "externalId": format!("00u{}", self.family_name.to_lowercase()),
            "groups": [],
            "active": active,
            "urn:ietf:params:scim:schemas:extension:usher:2.0:User": { "role": role }
        })
    }
}

/// A client of one integration's SCIM endpoint.
pub(super) struct Okta {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Okta {
    pub(super) fn new(base: String, token: String) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(TIME_OUT).no_proxy().build()?;
        Ok(Self { http, base, token })
    }

    /// Looks whether the user exists, then creates it.
    pub(super) async fn create(&self, user: &Value) -> anyhow::Result<Answer> {
        let name = user["userName"].as_str().unwrap_or_default();
        let filter = format!("userName eq \"{name}\"");
        let query = [("filter", filter.as_str()), ("startIndex", "1"), ("count", "100")];
        let url = url::Url::parse_with_params(&format!("{}/Users", self.base), query)?;
        let found = self.send(Method::GET, url.as_str(), None).await?;
        anyhow::ensure!(found.body["totalResults"] == 0, "{name} is there already: {}", found.body);
        self.send(Method::POST, &format!("{}/Users", self.base), Some(user)).await
    }

    /// Reads the user, then replaces it as a whole: how a custom app updates.
    pub(super) async fn replace(&self, id: &str, user: &Value) -> anyhow::Result<Answer> {
        let url = format!("{}/Users/{id}", self.base);
        self.send(Method::GET, &url, None).await?;
        self.send(Method::PUT, &url, Some(user)).await
    }

    /// Changes single attributes: how a catalogue app updates.
    pub(super) async fn patch(&self, id: &str, value: &Value) -> anyhow::Result<Answer> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "value": value }]
        });
        self.send(Method::PATCH, &format!("{}/Users/{id}", self.base), Some(&body)).await
    }

    /// Makes a group, then says who is in it: how a custom app pushes one.
    pub(super) async fn push_group(&self, name: &str, members: &[&str]) -> anyhow::Result<Answer> {
        let url = format!("{}/Groups", self.base);
        let schema = "urn:ietf:params:scim:schemas:core:2.0:Group";
        let empty = json!({ "schemas": [schema], "displayName": name, "members": [] });
        let made = self.send(Method::POST, &url, Some(&empty)).await?;
        let Some(id) = made.body["id"].as_str() else { return Ok(made) };
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let full = json!({ "schemas": [schema], "id": id, "displayName": name, "members": members });
        self.send(Method::PUT, &format!("{url}/{id}"), Some(&full)).await
    }

    async fn send(&self, method: Method, url: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let mut request = self
            .http
            .request(method, url)
            .bearer_auth(&self.token)
            .header("Accept", "application/scim+json")
            .header("Accept-Charset", "utf-8");
        if let Some(body) = body {
            request =
                request.header("Content-Type", "application/scim+json; charset=utf-8").body(body.to_string());
        }
        let answer = request.send().await.with_context(|| format!("no answer from {url}"))?;
        let status = answer.status().as_u16();
        let body = answer.text().await?;
        Ok(Answer { status, body: serde_json::from_str(&body).unwrap_or(Value::Null) })
    }
}
