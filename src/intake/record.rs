//! Recording what is wanted: the user, the job and the event in one transaction.

use serde_json::{Value, json};

use crate::connector::attributes::Wanted;
use crate::scim::{Error, Folded, PatchRequest, Resource, ScimType, patch};
use crate::store::{
    Change, JobBrief, JobRequest, JobState, NewEvent, Priority, RecordError, Recorded, UserBody, UserChange,
    UserRow,
};

use super::{Caller, Intake, RETRY_AFTER_SECS, Shown, fault, stored, view};

/// What a client asks for, as events name it.
#[derive(Clone, Copy)]
enum Ask {
    Create,
    Update,
    Delete,
}

impl Ask {
    fn event(self) -> &'static str {
        match self {
            Self::Create => "user.created",
            Self::Update => "user.updated",
            Self::Delete => "user.deleted",
        }
    }
}

impl Intake {
    /// Asks for a user's account (POST). Asking again for the same user, by the same identity provider, while the first wish is
    /// not fulfilled takes the first up again instead of being refused: an answer may have been lost.
    ///
    /// # Errors
    /// `invalidValue` where the connector cannot take the user, 409 `uniqueness` where another user has the name, else
    /// what became of the job within the caller's patience.
    pub async fn create_user(&self, caller: &Caller, resource: Resource) -> Result<Shown, Error> {
        self.take_in(caller)?;
        let body = body(caller, &resource)?;
        let change =
            self.change(caller, Ask::Create, UserChange::Insert(body.body.clone()), Some(&body.wanted));
        match self.store.record(change).await {
            Ok(recorded) => self.settle(caller, recorded).await,
            Err(RecordError::UserNameTaken { by }) => self.create_again(caller, &by, body).await,
            Err(error) => Err(refused(error)),
        }
    }

    /// Replaces a user (PUT). `expected` is the version that the client saw.
    ///
    /// # Errors
    /// 404, 412 where the version is another one, else as [`Intake::create_user`].
    pub async fn replace_user(
        &self,
        caller: &Caller,
        id: &str,
        expected: Option<i64>,
        resource: Resource,
    ) -> Result<Shown, Error> {
        self.take_in(caller)?;
        let old = stored(self.user(caller, id).await?.resource, id)?;
        let resource = resource.replacing(&old, &caller.schema)?;
        let body = body(caller, &resource)?;
        self.update(caller, id, expected, body).await
    }

    /// Changes a user in part (PATCH), all of it or nothing. Concurrent patches are applied one after the other.
    ///
    /// # Errors
    /// As [`Intake::replace_user`], and those of the patch itself.
    pub async fn patch_user(
        &self,
        caller: &Caller,
        id: &str,
        expected: Option<i64>,
        request: &PatchRequest,
    ) -> Result<Shown, Error> {
        self.take_in(caller)?;
        loop {
            let user = self.user(caller, id).await?;
            let patched = patch::apply(&stored(user.resource, id)?, request, &caller.schema)?;
            let body = body(caller, &patched)?;
            // Without a version from the client, the one that was patched must still be there.
            let seen = expected.or(Some(user.version));
            match self.update(caller, id, seen, body).await {
                Err(error) if error.status == 412 && expected.is_none() => {}
                answer => return answer,
            }
        }
    }

    /// Ends a user (DELETE): the account goes, a tombstone stays. Returns what was known of the user.
    ///
    /// # Errors
    /// As [`Intake::replace_user`].
    pub async fn delete_user(
        &self,
        caller: &Caller,
        id: &str,
        expected: Option<i64>,
    ) -> Result<Shown, Error> {
        self.take_in(caller)?;
        self.user(caller, id).await?;
        let delete = UserChange::Delete { id: id.to_owned(), expected };
        let change = self.change(caller, Ask::Delete, delete, None);
        let recorded = self.store.record(change).await.map_err(refused)?;
        // A user who is to go can no longer be asked for, so nobody is told to ask again.
        let caller = caller.clone().waiting(caller.patience);
        self.settle(&caller, recorded).await
    }

    async fn update(
        &self,
        caller: &Caller,
        id: &str,
        expected: Option<i64>,
        Asked { body, wanted }: Asked,
    ) -> Result<Shown, Error> {
        if let Some(outcome) = self.outcome_of_held(caller, id, &body).await {
            return outcome;
        }
        let replace = UserChange::Replace { id: id.to_owned(), expected, body };
        let change = self.change(caller, Ask::Update, replace, Some(&wanted));
        let recorded = self.store.record(change).await.map_err(refused)?;
        self.settle(caller, recorded).await
    }

    async fn create_again(&self, caller: &Caller, id: &str, asked: Asked) -> Result<Shown, Error> {
        let taken = || Error::uniqueness("User", "userName");
        let view =
            self.store.view_user(&caller.integration.row.id, id).await.map_err(|error| fault(&error))?;
        let leaving = || {
            Error::of(
                ScimType::Uniqueness,
                "the account of a former user with this `userName` is still being removed; ask again later",
            )
        };
        let view = view.ok_or_else(leaving)?;
        let body = &asked.body;
        let same_person = body.external_id.is_some() && view.user.external_id == body.external_id;
        if same_person && let Some(outcome) = self.outcome_of_held(caller, id, body).await {
            return outcome;
        }
        let is_fulfilled = view.job.as_ref().is_none_or(|job| job.state == JobState::Done);
        if !same_person || is_fulfilled {
            return Err(taken());
        }
        self.update(caller, id, None, asked).await
    }

    async fn user(&self, caller: &Caller, id: &str) -> Result<UserRow, Error> {
        let found =
            self.store.find_user(&caller.integration.row.id, id).await.map_err(|error| fault(&error))?;
        found.ok_or_else(|| Error::not_found("User", id))
    }

    /// Nothing is taken in while the integration is paused: the identity provider keeps the request and tries again.
    pub(super) fn take_in(&self, caller: &Caller) -> Result<(), Error> {
        let row = &caller.integration.row;
        match (row.paused_at, &row.pause_reason) {
            (None, _) => Ok(()),
            (Some(_), reason) => Err(Error::too_many_requests(format!(
                "the integration `{}` is paused ({}); nothing was recorded, try again in {RETRY_AFTER_SECS} s",
                row.name,
                reason.as_deref().unwrap_or("no reason given"),
            ))),
        }
    }

    fn change(&self, caller: &Caller, ask: Ask, user: UserChange, wanted: Option<&Wanted>) -> Change {
        let leaves = match &user {
            UserChange::Insert(body) | UserChange::Replace { body, .. } => !body.active,
            UserChange::Delete { .. } => true,
        };
        let actor = format!("token {}", caller.token_id);
        let cause = json!({ "event": ask.event(), "by": actor, "received_at_ms": self.clock.now().as_ms() });
        let mut told = json!({ "leaves": leaves });
        if let Some(wanted) = wanted {
            told["wanted"] = json!({
                "active": wanted.active,
                "attributes": wanted.attributes,
                "entitlements": wanted.entitlements,
            });
        }
        Change {
            integration_id: caller.integration.row.id.clone(),
            job: Some(JobRequest {
                priority: if leaves { Priority::LEAVER } else { Priority::ORDINARY },
                cause,
            }),
            events: vec![NewEvent::new(ask.event(), &actor).with(told)],
            user,
        }
    }
}

/// What a client says of a user, and what that means for the app.
struct Asked {
    body: UserBody,
    wanted: Wanted,
}

/// What is kept of a resource that the connector can take.
fn body(caller: &Caller, resource: &Resource) -> Result<Asked, Error> {
    let wanted = caller.integration.connector.wanted(resource.attributes());
    let wanted = wanted.map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Error::invalid_value(lines.join("; "))
    })?;
    let body = UserBody {
        user_name: resource.user_name().unwrap_or_default().to_owned(),
        external_id: resource.external_id().map(str::to_owned),
        active: resource.active().unwrap_or(true),
        resource: Value::Object(resource.attributes().clone()),
        folded: Folded::of(resource.attributes(), &caller.schema),
    };
    Ok(Asked { body, wanted })
}

fn refused(error: RecordError) -> Error {
    match error {
        RecordError::UserNameTaken { .. } => Error::uniqueness("User", "userName"),
        RecordError::ExternalIdTaken { .. } => Error::uniqueness("User", "externalId"),
        RecordError::VersionConflict { .. } => Error::precondition_failed(),
        RecordError::NotFound => Error::with_status(404, "the user was deleted meanwhile"),
        RecordError::Store(error) => fault(&error),
    }
}

/// What was recorded, with what is known of its job by now.
pub(super) fn recorded(caller: &Caller, recorded: Recorded, job: Option<JobBrief>) -> Result<Shown, Error> {
    let Recorded { user, groups, .. } = recorded;
    Ok(Shown {
        schema: caller.schema.clone(),
        resource: stored(user.resource, &user.id)?.with_list("groups", view::groups(&groups)),
        version: user.version,
        created: user.created_at,
        modified: user.modified_at,
        job,
    })
}
