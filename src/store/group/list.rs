//! Lists of groups: which match, in which order, which part of them.

use super::{GroupPage, GroupQuery, read, view};
use crate::store::page::{ListError, Listing};
use crate::store::sql::Db;

const FROM: &str = " FROM groups AS u";

pub(super) async fn page(
    db: &mut Db,
    integration_id: &str,
    query: &GroupQuery<'_>,
) -> Result<GroupPage, ListError> {
    let (schema, filter, sort) = (query.schema, query.filter, query.sort);
    let (select, beside, seen) = ("SELECT u.*", "", " WHERE u.visible = 1 AND u.integration_id = ");
    let listing = Listing { select, from: FROM, beside, seen, integration_id, schema, filter, sort };
    let (part, total) = listing.page(db, query.start, query.limit).await?;
    let groups = part.rows.iter().map(read).collect::<Result<_, _>>()?;
    let groups = view(db, groups, query.with_members).await?;
    Ok(GroupPage { total, groups, next: part.next, previous: part.previous })
}
