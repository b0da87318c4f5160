//! The five people of the demo and what happens to them.

use serde_json::{Value, json};

use super::okta::{Answer, Okta, Person};

/// One thing that happens to one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Okta assigns the app.
    Create,
    /// The person accepts the invitation; nothing that Usher takes part in.
    Accept,
    /// Okta changes the role of a person, as a catalogue app does it.
    ChangeRole,
    /// Okta takes the app away.
    Deactivate,
    /// Okta assigns the app again.
    Reactivate,
    /// The person has another name and address now.
    Rename,
}

/// A person and everything that happens to them, in order.
pub(super) struct Part {
    pub(super) person: Person,
    pub(super) scenes: &'static [Scene],
    /// Whether they are in the group that is pushed at the end.
    pub(super) is_in_group: bool,
}

const fn person(given_name: &'static str, family_name: &'static str, email: &'static str) -> Person {
    Person { given_name, family_name, email }
}

/// Who the last of them becomes.
pub(super) const RENAMED: Person = person("Mary", "Greig", "mary.greig@acme.example");

/// The whole demo.
pub(super) const STORY: [Part; 5] = [
    Part {
        person: person("Ada", "Lovelace", "ada.lovelace@acme.example"),
        scenes: &[Scene::Create],
        is_in_group: false,
    },
    Part {
        person: person("Grace", "Hopper", "grace.hopper@acme.example"),
        scenes: &[Scene::Create, Scene::Accept, Scene::ChangeRole],
        is_in_group: true,
    },
    Part {
        person: person("Alan", "Turing", "alan.turing@acme.example"),
        scenes: &[Scene::Create, Scene::Accept, Scene::Deactivate],
        is_in_group: false,
    },
    Part {
        person: person("Katherine", "Johnson", "katherine.johnson@acme.example"),
        scenes: &[Scene::Create, Scene::Accept, Scene::Deactivate, Scene::Reactivate],
        is_in_group: true,
    },
    Part {
        person: person("Mary", "Somerville", "mary.somerville@acme.example"),
        scenes: &[Scene::Create, Scene::Rename],
        is_in_group: false,
    },
];

impl Scene {
    /// What is asked, as the table shows it; nothing for what the person does.
    pub(super) fn request(self) -> Option<&'static str> {
        match self {
            Self::Create => Some("POST create"),
            Self::Accept => None,
            Self::ChangeRole => Some("PATCH role: agent"),
            Self::Deactivate => Some("PUT active: false"),
            Self::Reactivate => Some("PUT active: true"),
            Self::Rename => Some("PUT rename"),
        }
    }

    /// Sends the request for `person`, whom the gateway knows as `id`.
    pub(super) async fn play(self, okta: &Okta, person: Person, id: &str) -> anyhow::Result<Answer> {
        match self {
            Self::Create => okta.create(&person.user(true, "viewer")).await,
            Self::Accept => anyhow::bail!("accepting is the person's own doing"),
            Self::ChangeRole => {
                let role: Value =
                    json!({ "urn:ietf:params:scim:schemas:extension:usher:2.0:User": { "role": "agent" } });
                okta.patch(id, &role).await
            }
            Self::Deactivate => okta.replace(id, &person.user(false, "viewer")).await,
            Self::Reactivate => okta.replace(id, &person.user(true, "viewer")).await,
            Self::Rename => {
                let renamed = RENAMED.user(true, "viewer");
                okta.replace(id, &renamed).await
            }
        }
    }
}
