//! Lists of groups: which match, in which order, which part of them.

use super::{GroupPage, GroupQuery, read, view};
use crate::store::condition::Sql;
use crate::store::sql::{Composed, Db};
use crate::store::user::ListError;

const COUNT: &str = "SELECT count(*) AS total FROM groups AS u WHERE u.integration_id = ";
const SELECT: &str = "SELECT u.* FROM groups AS u WHERE u.integration_id = ";

pub(super) async fn page(
    db: &mut Db,
    integration_id: &str,
    query: &GroupQuery<'_>,
) -> Result<GroupPage, ListError> {
    let count = compose(COUNT, integration_id, query)?;
    let total = db.all_of(count).await?.first().map_or(Ok(0), |row| row.int("total"))?;
    let mut groups = Vec::new();
    if query.limit > 0 {
        let mut select = compose(SELECT, integration_id, query)?;
        select.push(" ORDER BY ");
        if let Some((path, order)) = query.sort {
            Sql { out: &mut select, integration_id, schema: query.schema }.order(path, order)?;
        }
        select.push("u.seq LIMIT ").bind(i64::from(query.limit));
        select.push(" OFFSET ").bind(i64::try_from(query.offset).unwrap_or(i64::MAX));
        groups = db.all_of(select).await?.iter().map(read).collect::<Result<_, _>>()?;
    }
    let groups = view(db, groups, query.with_members).await?;
    Ok(GroupPage { total: u64::try_from(total).unwrap_or(0), groups })
}

fn compose<'q>(
    head: &'static str,
    integration_id: &'q str,
    query: &GroupQuery<'q>,
) -> Result<Composed<'q>, ListError> {
    let mut out = Composed::default();
    out.push(head).bind(integration_id);
    if let Some(filter) = query.filter {
        out.push(" AND ");
        Sql { out: &mut out, integration_id, schema: query.schema }.filter(filter)?;
    }
    Ok(out)
}
