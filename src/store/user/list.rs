//! Lists of users: who matches, in which order, which part of them.

use super::view::{self, view};
use super::{UserPage, UserQuery};
use crate::store::page::{ListError, Listing, Part, Start};
use crate::store::sql::{Db, args, statements};

statements! {
    // All who can be seen.
    TOTAL = "SELECT CAST(coalesce(sum(visible), 0) AS BIGINT) AS total FROM user_counts WHERE integration_id = $1";
}

/// Those that a client can see. That they are not gone is said for the sake of the indexes.
const SEEN: &str = " WHERE u.visible = 1 AND u.gone_at IS NULL AND u.integration_id = ";

/// What one statement can tell, if it can.
pub(super) async fn at_once(
    db: &mut Db,
    integration_id: &str,
    query: &UserQuery<'_>,
) -> Result<Option<UserPage>, ListError> {
    match (query.start, query.filter, query.sort) {
        (Start::Index(offset), None, None) => plain(db, integration_id, offset, query.limit).await.map(Some),
        (Start::Index(passed), Some(_), _) => {
            let part = listing(integration_id, query).part(db, query.start, query.limit).await?;
            part.total_behind(passed, query.limit).map(|total| users(part, total)).transpose()
        }
        _ => Ok(None),
    }
}

/// What has to be put together of one moment.
pub(super) async fn page(
    db: &mut Db,
    integration_id: &str,
    query: &UserQuery<'_>,
) -> Result<UserPage, ListError> {
    let listing = listing(integration_id, query);
    let (part, total) = match query.filter {
        None => (listing.part(db, query.start, query.limit).await?, total(db, integration_id).await?),
        Some(_) => listing.page(db, query.start, query.limit).await?,
    };
    users(part, total)
}

fn users(part: Part, total: u64) -> Result<UserPage, ListError> {
    let users = part.rows.iter().map(view).collect::<Result<_, _>>()?;
    Ok(UserPage { total, users, next: part.next, previous: part.previous })
}

fn listing<'q>(integration_id: &'q str, query: &UserQuery<'q>) -> Listing<'q> {
    Listing {
        select: view::SELECT,
        from: " FROM users AS u",
        beside: view::BESIDE,
        seen: SEEN,
        integration_id,
        schema: query.schema,
        filter: query.filter,
        sort: query.sort,
    }
}

async fn total(db: &mut Db, integration_id: &str) -> Result<u64, ListError> {
    let total = db.one(TOTAL, args![integration_id]).await?.map_or(Ok(0), |row| row.int("total"))?;
    Ok(u64::try_from(total).unwrap_or(0))
}

/// A part of all in the order of making, which costs the same wherever it is.
async fn plain(db: &mut Db, integration_id: &str, offset: u64, limit: u32) -> Result<UserPage, ListError> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let rows = view::stretch(db, integration_id, offset, limit).await?;
    let total = match rows.first() {
        Some(row) => u64::try_from(row.int("total")?).unwrap_or(0),
        None => total(db, integration_id).await?,
    };
    users(Part { rows, ..Part::default() }, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::{Filter, ResourceSchema};
    use crate::store::sql::Composed;
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
            let query = UserQuery {
                filter: Some(&filter),
                sort: None,
                start: Start::Index(0),
                limit: 1,
                schema: &schema,
            };
            let mut statement = Composed::new(crate::store::engine::Kind::Sqlite);
            statement.push(view::SELECT).push(" FROM users AS u").push(view::BESIDE);
            listing("1", &query).restrict(&mut statement).unwrap();
            let plan = store.reader().await.unwrap().all_of(statement.explained()).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
            let is_used = plan.iter().any(|step| step.starts_with("SEARCH") && step.ends_with(index));
            assert!(is_used && !plan.iter().any(|step| step.starts_with("SCAN u")), "{text}: {plan:#?}");
        }
    }
}
