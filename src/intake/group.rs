//! Groups: who is wanted in which, as an identity provider pushes them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::scim::{Error, Folded, ListQuery, PatchRequest, Resource, ScimType, patch};
use crate::store::{
    Concerned, GroupBody, GroupChange, GroupError, GroupQuery, GroupView, GroupWork, JobBrief, JobRequest,
    JobState, NewEvent, Priority,
};

use super::{Caller, Intake, Shown, ShownPage, fault, paging, start, unlisted};

/// The only kind of member that there is.
const USER: &str = "User";

impl Intake {
    /// The group with this id; with its members where they are wanted.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn find_group(&self, caller: &Caller, id: &str, with_members: bool) -> Result<Shown, Error> {
        shown(caller, self.group(caller, id, with_members).await?)
    }

    /// A page of groups; with their members where the answer has them.
    ///
    /// # Errors
    /// `invalidFilter` or `invalidPath` where filter or order ask for what cannot be searched; `invalidCursor`.
    pub async fn list_groups(&self, caller: &Caller, query: &ListQuery) -> Result<ShownPage, Error> {
        let list = format!("Groups of {}", caller.integration.row.id);
        let position = query.position(&list)?;
        let asked = GroupQuery {
            filter: query.filter.as_ref(),
            sort: query.sort_by.as_ref().map(|path| (path, query.sort_order)),
            start: start(query, position.as_ref()),
            limit: query.count,
            schema: &caller.groups,
            with_members: query.projection.wants("members"),
        };
        let page = self.store.list_groups(&caller.integration.row.id, &asked).await;
        let page = page.map_err(|error| unlisted(&error))?;
        let resources = page.groups.into_iter().map(|view| shown(caller, view)).collect::<Result<_, _>>()?;
        let paging = paging(query, &list, page.next, page.previous);
        Ok(ShownPage { total: page.total, resources, paging })
    }

    /// Makes a group (POST), or takes over one of that name that a sync found in the app. Asking again for one that could not be made takes
    /// the wish up again instead of being refused, and so does asking again by the same external id while it is being made: an answer may
    /// have been lost.
    ///
    /// # Errors
    /// 409 `uniqueness` where another group has the name, `invalidValue` where a member is no user; where the connector makes groups in
    /// the app, else what became of the job within the caller's patience.
    pub async fn create_group(&self, caller: &Caller, resource: Resource) -> Result<Shown, Error> {
        self.take_in(caller)?;
        let (body, members) = split(caller, &resource)?;
        let change = GroupChange::Insert { body: body.clone(), members };
        match self.record_group(caller, ("group.created", None), change).await {
            Ok((id, job)) => self.settled_group(caller, &id, job).await,
            Err(GroupError::NameTaken { by, is_leaving: false })
                if self.is_again(caller, &by, &body).await? =>
            {
                self.change_group(caller, &by, None, |_| Ok(resource.clone())).await
            }
            Err(error) => Err(refused(error)),
        }
    }

    /// Replaces a group and its members (PUT). `expected` is the version that the client saw.
    ///
    /// # Errors
    /// 404, 412 where the version is another one, else as [`Intake::create_group`].
    pub async fn replace_group(
        &self,
        caller: &Caller,
        id: &str,
        expected: Option<i64>,
        resource: Resource,
    ) -> Result<Shown, Error> {
        self.take_in(caller)?;
        self.change_group(caller, id, expected, |_| Ok(resource.clone())).await
    }

    /// Changes a group in part (PATCH), all of it or nothing. Concurrent patches are applied one after the other.
    ///
    /// # Errors
    /// As [`Intake::replace_group`], and those of the patch itself.
    pub async fn patch_group(
        &self,
        caller: &Caller,
        id: &str,
        expected: Option<i64>,
        request: &PatchRequest,
    ) -> Result<Shown, Error> {
        self.take_in(caller)?;
        self.change_group(caller, id, expected, |old| patch::apply(&old, request, &caller.groups)).await
    }

    /// Ends a group (DELETE); its users stay. Returns what was known of it.
    ///
    /// # Errors
    /// As [`Intake::replace_group`].
    pub async fn delete_group(
        &self,
        caller: &Caller,
        id: &str,
        expected: Option<i64>,
    ) -> Result<Shown, Error> {
        self.take_in(caller)?;
        let view = self.group(caller, id, false).await?;
        let name = view.group.body.display_name.clone();
        let change = GroupChange::Delete { id: id.to_owned(), expected };
        let recorded = self.record_group(caller, ("group.deleted", Some(&name)), change).await;
        let (_, job) = recorded.map_err(refused)?;
        let job = self.settled(&patient(caller), job).await?;
        shown(caller, GroupView { job, ..view })
    }

    /// Puts what `new` makes of the group in its place. What is so already is not written again: identity providers repeat themselves.
    async fn change_group(
        &self,
        caller: &Caller,
        id: &str,
        expected: Option<i64>,
        new: impl Fn(Resource) -> Result<Resource, Error>,
    ) -> Result<Shown, Error> {
        loop {
            let view = self.group(caller, id, true).await?;
            if expected.is_some_and(|expected| expected != view.group.version) {
                return Err(Error::precondition_failed());
            }
            let old = stored(view.group.body.resource.clone(), id, &view.members)?;
            let (body, members) = split(caller, &new(old)?)?;
            let all = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<String>>();
            let is_so = body == view.group.body && all(&members) == all(&view.members);
            let is_new_to_the_app = view.job.is_none() && caller.integration.connector.replicates_groups();
            if is_so && !has_failed(&view) && !is_new_to_the_app && !view.group.is_found {
                let job = self.settled(&patient(caller), view.job.clone()).await?;
                return shown(caller, GroupView { job, ..view });
            }
            // Without a version from the client, the one that was changed must still be there.
            let seen = Some(view.group.version);
            let change = GroupChange::Replace { id: id.to_owned(), expected: seen, body, members };
            let name = Some(view.group.body.display_name.as_str());
            match self.record_group(caller, ("group.updated", name), change).await {
                Err(GroupError::VersionConflict { .. }) if expected.is_none() => {}
                Err(error) => return Err(refused(error)),
                Ok((id, job)) => return self.settled_group(caller, &id, job).await,
            }
        }
    }

    /// Whether a request for a group that is there asks for it again: the one before was not fulfilled, or its answer was lost. Or it was
    /// only found in the app, and is nobody's: then it is theirs who ask for it.
    async fn is_again(&self, caller: &Caller, id: &str, body: &GroupBody) -> Result<bool, Error> {
        let view = self.group(caller, id, false).await?;
        let same_id = view.group.body.external_id == body.external_id;
        let is_pending = view.job.as_ref().is_some_and(|job| !job.state.is_settled());
        let is_again = same_id && (has_failed(&view) || is_pending && body.external_id.is_some());
        Ok(is_again || view.group.is_found)
    }

    /// The group as it is once its job has settled or the caller's patience is over.
    async fn settled_group(&self, caller: &Caller, id: &str, job: Option<JobBrief>) -> Result<Shown, Error> {
        self.settled(&patient(caller), job).await?;
        self.find_group(caller, id, true).await
    }

    async fn group(&self, caller: &Caller, id: &str, with_members: bool) -> Result<GroupView, Error> {
        let view = self.store.view_group(&caller.integration.row.id, id, with_members).await;
        view.map_err(|error| fault(&error))?.ok_or_else(|| Error::not_found("Group", id))
    }

    /// Records a change of a group that was called `before`, and gives its id and its job.
    async fn record_group(
        &self,
        caller: &Caller,
        (kind, before): (&str, Option<&str>),
        change: GroupChange,
    ) -> Result<(String, Option<JobBrief>), GroupError> {
        let (after, about) = match &change {
            GroupChange::Insert { body, members } | GroupChange::Replace { body, members, .. } => {
                let name = body.display_name.clone();
                (Some(name.clone()), json!({ "display_name": name, "members": members.len() }))
            }
            GroupChange::Delete { .. } => (None, json!({ "display_name": before })),
        };
        let actor = format!("token {}", caller.token_id);
        let grants = &caller.integration.row.policy.grants;
        let gives =
            |name: Option<&str>| name.is_some_and(|name| grants.iter().any(|grant| grant.is_of(name)));
        let gives = gives(before) || gives(after.as_deref());
        let is_renamed = before.map(str::to_lowercase) != after.as_deref().map(str::to_lowercase);
        let replicates = caller.integration.connector.replicates_groups();
        let work = (gives || replicates).then(|| GroupWork {
            replicates,
            concerns: match (gives, is_renamed) {
                (false, _) => Concerned::Nobody,
                (true, false) => Concerned::WhoMoves,
                (true, true) => Concerned::Everybody,
            },
            job: JobRequest {
                priority: Priority::ORDINARY,
                cause: json!({ "event": kind, "by": actor, "received_at_ms": self.clock.now().as_ms() }),
            },
        });
        let event = NewEvent::new(kind, &actor).with(about);
        let recorded = self.store.record_group(&caller.integration.row.id, change, work, event).await;
        recorded.map(|(group, job)| (group.id, job))
    }
}

/// What is kept of a group, and the ids of its members, each once.
fn split(caller: &Caller, resource: &Resource) -> Result<(GroupBody, Vec<String>), Error> {
    let mut members: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for member in resource.list("members") {
        let part = |name: &str| member.get(name).and_then(Value::as_str);
        if part("type").is_some_and(|kind| !kind.eq_ignore_ascii_case(USER)) {
            return Err(Error::invalid_value(
                "a member must be a `User`; groups in groups are not supported",
            ));
        }
        let id = part("value")
            .ok_or_else(|| Error::invalid_value("a member needs a `value`, the id of a user"))?;
        if seen.insert(id) {
            members.push(id.to_owned());
        }
    }
    // As apps show names: blanks around it, or several in a row, are none of it.
    let name = resource.display_name().unwrap_or_default();
    let display_name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if display_name.is_empty() {
        return Err(Error::invalid_value("`displayName` is required; this one is blank"));
    }
    let mut attributes = resource.attributes().clone();
    attributes.shift_remove("members");
    attributes.shift_remove("id");
    let body = GroupBody {
        display_name,
        external_id: resource.external_id().map(str::to_owned),
        folded: Folded::of(&attributes, &caller.groups),
        resource: Value::Object(attributes),
    };
    Ok((body, members))
}

/// The group as a client sends it: with its members.
fn stored(resource: Value, id: &str, members: &[String]) -> Result<Resource, Error> {
    let member = |id: &String| json!({ "value": id, "type": USER });
    Ok(super::stored(resource, id)?.with_list("members", members.iter().map(member).collect()))
}

/// The group as it is wanted; once that failed, under the name that it was last seen with (R6).
fn shown(caller: &Caller, view: GroupView) -> Result<Shown, Error> {
    let has_failed = has_failed(&view);
    let GroupView { group, members, job } = view;
    let mut resource = stored(group.body.resource, &group.id, &members)?;
    if let Some(seen) = group.in_app.filter(|_| has_failed) {
        resource.attributes_mut().insert("displayName".to_owned(), Value::String(seen.name));
    }
    Ok(Shown {
        schema: caller.groups.clone(),
        resource,
        version: group.version,
        created: group.created_at,
        modified: group.modified_at,
        job,
    })
}

/// Whether the last job of the group did not do what is wanted.
fn has_failed(view: &GroupView) -> bool {
    view.job.as_ref().is_some_and(|job| job.state.is_settled() && job.state != JobState::Done)
}

/// A caller that is told of what it asked for within its patience, and never to ask again: a client that asks again for a group that it
/// made would be refused.
fn patient(caller: &Caller) -> Caller {
    caller.clone().waiting(caller.patience)
}

fn refused(error: GroupError) -> Error {
    match error {
        GroupError::NameTaken { is_leaving: false, .. } => Error::uniqueness("Group", "displayName"),
        GroupError::NameTaken { is_leaving: true, .. } => Error::of(
            ScimType::Uniqueness,
            "a former group with this `displayName` is still being removed; ask again later",
        ),
        GroupError::VersionConflict { .. } => Error::precondition_failed(),
        GroupError::NotFound => Error::with_status(404, "the group was deleted meanwhile"),
        GroupError::UnknownMembers { ids } => {
            let first = ids.first().map_or("", String::as_str);
            let more = match ids.len() {
                0 | 1 => String::new(),
                n => format!(", and {} more are not", n - 1),
            };
            Error::invalid_value(format!(
                "a member must be a user of this integration; \"{first}\" is none{more}"
            ))
        }
        GroupError::Store(error) => fault(&error),
    }
}
