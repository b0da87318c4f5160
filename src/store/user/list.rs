//! Lists of users: who matches, in which order, which part of them.

use super::{UserPage, UserQuery, UserRow, read, view};
use crate::store::condition::{Sql, Unsupported};
use crate::store::error::StoreError;
use crate::store::sql::{Composed, Db};

/// The list cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// What is asked for is not kept in a form that can be searched.
    #[error("`{0}` can be neither searched nor sorted by")]
    Unsupported(String),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Unsupported> for ListError {
    fn from(Unsupported(what): Unsupported) -> Self {
        Self::Unsupported(what)
    }
}

const COUNT: &str = "SELECT count(*) AS total FROM users AS u WHERE u.integration_id = ";
const SELECT: &str = "SELECT u.* FROM users AS u WHERE u.integration_id = ";
/// Those that a client can see, as `visible!` has it.
const VISIBLE: &str = " AND u.gone_at IS NULL AND (u.deleted_at IS NULL OR (SELECT j.state FROM jobs j WHERE j.integration_id = u.integration_id AND j.lane = u.id AND j.superseded_by IS NULL ORDER BY j.seq DESC LIMIT 1) IN ('failed', 'held', 'needs_human', 'cancelled'))";

pub(super) async fn page(
    db: &mut Db,
    integration_id: &str,
    query: &UserQuery<'_>,
) -> Result<UserPage, ListError> {
    let count = compose(COUNT, integration_id, query)?;
    let total = db.all_of(count).await?.first().map_or(Ok(0), |row| row.int("total"))?;
    let users = match query.limit {
        0 => Vec::new(),
        _ => rows(db, integration_id, query).await?,
    };
    let users = view(db, integration_id, users).await?;
    Ok(UserPage { total: u64::try_from(total).unwrap_or(0), users })
}

async fn rows(db: &mut Db, integration_id: &str, query: &UserQuery<'_>) -> Result<Vec<UserRow>, ListError> {
    let mut select = compose(SELECT, integration_id, query)?;
    select.push(" ORDER BY ");
    if let Some((path, order)) = query.sort {
        let mut sql = Sql { out: &mut select, integration_id, schema: query.schema };
        sql.order(path, order)?;
    }
    select.push("u.seq LIMIT ").bind(i64::from(query.limit));
    select.push(" OFFSET ").bind(i64::try_from(query.offset).unwrap_or(i64::MAX));
    Ok(db.all_of(select).await?.iter().map(read).collect::<Result<_, _>>()?)
}

fn compose<'q>(
    head: &'static str,
    integration_id: &'q str,
    query: &UserQuery<'q>,
) -> Result<Composed<'q>, ListError> {
    let mut out = Composed::default();
    out.push(head).bind(integration_id).push(VISIBLE);
    if let Some(filter) = query.filter {
        out.push(" AND ");
        let mut sql = Sql { out: &mut out, integration_id, schema: query.schema };
        sql.filter(filter)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::{Filter, ResourceSchema};
    use crate::store::tests::store;

    #[tokio::test]
    async fn what_identity_providers_look_up_has_an_index() {
        let (_root, store) = store().await;
        let schema = ResourceSchema::user();
        for (text, index) in [
            ("userName eq \"ada\"", "users_one_name (integration_id=? AND user_name_key=?)"),
            (
                "userName eq \"ada\" and active eq true",
                "users_one_name (integration_id=? AND user_name_key=?)",
            ),
            ("externalId eq \"00u\"", "users_external (integration_id=? AND external_id=?)"),
            ("id eq \"7\"", "(id=?)"),
            ("emails.value eq \"a@b\"", "m USING PRIMARY KEY (integration_id=? AND email=?)"),
            (
                "emails[type eq \"work\"].value eq \"a@b\"",
                "m USING PRIMARY KEY (integration_id=? AND email=?)",
            ),
        ] {
            let filter = Filter::parse(text, &schema).unwrap();
            let query = UserQuery { filter: Some(&filter), sort: None, offset: 0, limit: 1, schema: &schema };
            let statement = compose(SELECT, "1", &query).unwrap().explained();
            let plan = store.reader().await.unwrap().all_of(statement).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
            let is_used = plan.iter().any(|step| step.starts_with("SEARCH") && step.ends_with(index));
            assert!(is_used && !plan.iter().any(|step| step.starts_with("SCAN u")), "{text}: {plan:#?}");
        }
    }
}
