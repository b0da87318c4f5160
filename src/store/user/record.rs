//! Recording a change of a user: one reading decides, and what is written goes to the database in one go.

use super::{
    Change, RecordError, Recorded, UserBody, UserChange, UserRow, gone, in_groups, read, select_users,
    user_columns,
};
use crate::scim::Folded;
use crate::scim::schema::fold;
use crate::store::error::StoreError;
use crate::store::event;
use crate::store::group::{self, GroupOf};
use crate::store::job::{self, Pending, Work, brief_columns, is_head, pending_columns};
use crate::store::leaver;
use crate::store::sql::{Row, args, statements};
use crate::store::writer::Tx;

statements! {
    FIND_NAME = select_users!("u.user_name_key = $2 AND u.gone_at IS NULL");
    // Whoever is in the way of a new user: by name, by external id.
    IN_THE_WAY = concat!(select_users!("u.user_name_key = $2 AND u.gone_at IS NULL"), " UNION ALL ", select_users!("u.external_id = $3 AND u.user_name_key <> $2 AND u.gone_at IS NULL AND u.deleted_at IS NULL"));
    // With the groups, for what is answered, and the head of the lane.
    CURRENT = concat!("SELECT ", user_columns!(), ", u.folded, ", pending_columns!(), ", ", in_groups!(), " FROM users AS u LEFT JOIN jobs AS j ON j.integration_id = u.integration_id AND j.lane = u.id AND ", is_head!(), " WHERE u.integration_id = $1 AND u.id = $2 AND u.visible = 1");
    FIND_EXTERNAL = "SELECT id FROM users WHERE integration_id = $1 AND external_id = $2 AND id <> $3 AND gone_at IS NULL AND deleted_at IS NULL ORDER BY seq LIMIT 1";
    INSERT = "INSERT INTO users (id, integration_id, user_name, user_name_key, external_id, active, resource, folded, version, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)";
    REPLACE = "UPDATE users SET user_name = $2, user_name_key = $3, external_id = $4, active = $5, resource = $6, folded = $7, version = version + 1, modified_at = $8, deleted_at = NULL WHERE id = $1";
    // The same for a user whose names stay: no index has to follow.
    CHANGE = "UPDATE users SET active = $2, resource = $3, folded = $4, version = version + 1, modified_at = $5 WHERE id = $1";
    DELETE = "UPDATE users SET active = 0, version = version + 1, modified_at = $2, deleted_at = $2 WHERE id = $1";
    ADD_EMAIL = "INSERT INTO user_emails (user_id, integration_id, email) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    FORGET_EMAILS = "DELETE FROM user_emails WHERE user_id = $1";
}

/// Writes a change, its job and its events.
pub(in crate::store) async fn record(tx: &mut Tx, change: Change) -> Result<Recorded, RecordError> {
    let integration_id = change.integration_id;
    let Written { mut user, groups, head } = match change.user {
        UserChange::Insert(body) => insert(tx, &integration_id, body).await?,
        UserChange::Replace { id, expected, body } => {
            replace(tx, &integration_id, (&id, expected), body).await?
        }
        UserChange::Delete { id, expected } => {
            let row = current(tx, &integration_id, (&id, expected)).await?;
            tx.db.write(DELETE, args![&id, tx.now]);
            group::leave_all(tx, &id);
            if change.job.is_none() {
                gone(tx, &id);
            }
            let gone_at = change.job.is_none().then_some(tx.now);
            let user = changed(tx, read(&row)?);
            let user = UserRow { active: false, deleted_at: Some(tx.now), gone_at, ..user };
            Written { user, groups: Vec::new(), head: Pending::beside(&row)? }
        }
    };
    let job = match change.job {
        Some(request) => {
            let work = Work::Provision { user_id: user.id.clone(), wanted_version: user.version };
            let verdict = leaver::weigh(tx, &mut user, head.is_some()).await?;
            Some(job::enqueue_behind(tx, &integration_id, head, (&work, &request), verdict).await?)
        }
        None => None,
    };
    for mut event in change.events {
        event.integration_id.get_or_insert_with(|| integration_id.clone());
        event.target.get_or_insert_with(|| user.id.clone());
        event.job_id = event.job_id.or_else(|| job.as_ref().map(|job| job.id.clone()));
        event::append(tx, event);
    }
    Ok(Recorded { user, job, groups })
}

/// A user as a change leaves it.
struct Written {
    user: UserRow,
    groups: Vec<GroupOf>,
    /// The head of its lane, if there is one.
    head: Option<Pending>,
}

/// Makes a user, or takes one up again.
async fn insert(tx: &mut Tx, integration_id: &str, body: UserBody) -> Result<Written, RecordError> {
    let name = fold(&body.user_name);
    let values = args![integration_id, &name, body.external_id.as_ref()];
    let in_the_way = tx.db.all(IN_THE_WAY, values).await?;
    let in_the_way: Vec<UserRow> = in_the_way.iter().map(read).collect::<Result<_, _>>()?;
    let (mut holders, twins): (Vec<UserRow>, Vec<UserRow>) =
        in_the_way.into_iter().partition(|user| fold(&user.user_name) == name);
    let holder = holders.pop();
    if let Some(holder) = &holder {
        let ids = (&holder.external_id, &body.external_id);
        let is_other = matches!(ids, (Some(one), Some(other)) if one != other);
        if holder.deleted_at.is_none() || is_other {
            return Err(RecordError::UserNameTaken { by: holder.id.clone() });
        }
    }
    if let Some(twin) = twins.first() {
        return Err(RecordError::ExternalIdTaken { by: twin.id.clone() });
    }
    if let Some(holder) = holder {
        let head = job::head(tx, integration_id, &holder.id).await?;
        return Ok(Written { user: write(tx, holder, body), groups: Vec::new(), head });
    }
    let id = tx.ids.next();
    let values = args![
        &id,
        integration_id,
        &body.user_name,
        &name,
        body.external_id.as_ref(),
        body.active,
        &body.resource,
        body.folded.as_str(),
        tx.now,
    ];
    tx.db.write(INSERT, values);
    add_emails(tx, integration_id, &id, &body.folded);
    let user = UserRow {
        id,
        integration_id: integration_id.to_owned(),
        user_name: body.user_name,
        external_id: body.external_id,
        active: body.active,
        resource: body.resource,
        version: 1,
        created_at: tx.now,
        modified_at: tx.now,
        deleted_at: None,
        gone_at: None,
        left_at: None,
    };
    Ok(Written { user, groups: Vec::new(), head: None })
}

async fn replace(
    tx: &mut Tx,
    integration_id: &str,
    wanted: (&str, Option<i64>),
    body: UserBody,
) -> Result<Written, RecordError> {
    let row = current(tx, integration_id, wanted).await?;
    let user = read(&row)?;
    let same_name = user.user_name == body.user_name;
    if !same_name
        && fold(&body.user_name) != fold(&user.user_name)
        && let Some(holder) = holder(tx, integration_id, &body.user_name).await?
    {
        return Err(RecordError::UserNameTaken { by: holder.id });
    }
    let same_person = body.external_id == user.external_id;
    if !same_person {
        is_no_twin(tx, integration_id, &body, &user.id).await?;
    }
    let (groups, head) = (row.json("in_groups")?, Pending::beside(&row)?);
    if same_name && same_person && user.deleted_at.is_none() {
        let values = args![&user.id, body.active, &body.resource, body.folded.as_str(), tx.now];
        tx.db.write(CHANGE, values);
        if Folded::from_stored(row.text("folded")?).emails() != body.folded.emails() {
            set_emails(tx, &user, &body.folded);
        }
        let user = UserRow { active: body.active, resource: body.resource, ..changed(tx, user) };
        return Ok(Written { user, groups, head });
    }
    Ok(Written { user: write(tx, user, body), groups, head })
}

/// Writes another body for a user, under another name perhaps, and gives the user as it is then, wanted in any case.
fn write(tx: &mut Tx, user: UserRow, body: UserBody) -> UserRow {
    let values = args![
        &user.id,
        &body.user_name,
        fold(&body.user_name),
        body.external_id.as_ref(),
        body.active,
        &body.resource,
        body.folded.as_str(),
        tx.now,
    ];
    tx.db.write(REPLACE, values);
    set_emails(tx, &user, &body.folded);
    let UserBody { user_name, external_id, active, resource, .. } = body;
    UserRow { user_name, external_id, active, resource, deleted_at: None, ..changed(tx, user) }
}

fn set_emails(tx: &mut Tx, user: &UserRow, folded: &Folded) {
    tx.db.write(FORGET_EMAILS, args![&user.id]);
    add_emails(tx, &user.integration_id, &user.id, folded);
}

/// The same user at the next version.
fn changed(tx: &Tx, user: UserRow) -> UserRow {
    UserRow { version: user.version + 1, modified_at: tx.now, ..user }
}

/// Keeps the addresses where they are looked up.
fn add_emails(tx: &mut Tx, integration_id: &str, id: &str, folded: &Folded) {
    for email in folded.emails() {
        tx.db.write(ADD_EMAIL, args![id, integration_id, email]);
    }
}

/// The user that a client wants to change with what stands beside it, where it is at the version that the client saw.
async fn current(
    tx: &mut Tx,
    integration_id: &str,
    (id, expected): (&str, Option<i64>),
) -> Result<Row, RecordError> {
    let row = tx.db.one(CURRENT, args![integration_id, id]).await?.ok_or(RecordError::NotFound)?;
    let found = row.int("version")?;
    match expected {
        Some(expected) if expected != found => Err(RecordError::VersionConflict { found }),
        _ => Ok(row),
    }
}

/// Refuses the external id of somebody else than `but`.
async fn is_no_twin(
    tx: &mut Tx,
    integration_id: &str,
    body: &UserBody,
    but: &str,
) -> Result<(), RecordError> {
    let Some(external_id) = &body.external_id else { return Ok(()) };
    match tx.db.one(FIND_EXTERNAL, args![integration_id, external_id, but]).await? {
        Some(row) => Err(RecordError::ExternalIdTaken { by: row.text("id")? }),
        None => Ok(()),
    }
}

/// Who has the name, or had it and is not gone yet.
pub(in crate::store) async fn holder(
    tx: &mut Tx,
    integration_id: &str,
    name: &str,
) -> Result<Option<UserRow>, StoreError> {
    tx.db.one(FIND_NAME, args![integration_id, fold(name)]).await?.map(|row| read(&row)).transpose()
}
