//! Parts of lists, by index or by cursor.
//!
//! Invariants: every order ends with the place in the order of making, which no two rows share and no change moves, so that
//! it is the same on every page; a cursor says where the last row stood, not how many came before it, so that rows that come
//! or go meanwhile make no other appear twice or never.

use serde_json::Value as Json;

use super::condition::{Sql, Unsupported};
use super::engine::Kind;
use super::error::StoreError;
use super::sql::{Composed, Db, Row};
use crate::scim::cursor::Towards;
use crate::scim::{Filter, Path, Position, ResourceSchema, SortOrder};

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

/// Where a part of a list begins.
#[derive(Clone, Copy, Debug)]
pub enum Start<'q> {
    /// After this many.
    Index(u64),
    /// At the beginning, to be followed by cursors.
    First,
    /// Where a part before it ended, or began.
    At(&'q Position),
}

/// Which rows of a list, and in which order.
#[derive(Clone, Copy)]
pub(super) struct Listing<'q> {
    /// What is read of each row: `SELECT u.*`, and more where tables stand beside.
    pub(super) select: &'static str,
    /// The table: ` FROM … AS u`.
    pub(super) from: &'static str,
    /// What is joined to it, one row at most for each of its own.
    pub(super) beside: &'static str,
    /// Who of it can be seen, up to the integration's id: ` WHERE … u.integration_id = `.
    pub(super) seen: &'static str,
    pub(super) integration_id: &'q str,
    /// What filter and path are written for.
    pub(super) schema: &'q ResourceSchema,
    pub(super) filter: Option<&'q Filter>,
    pub(super) sort: Option<(&'q Path, SortOrder)>,
}

/// A part of a list. Positions are given only where cursors are asked for.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) rows: Vec<Row>,
    /// Where the next part begins, where there is one.
    pub(super) next: Option<Position>,
    /// Where the one before it ends, where there may be one.
    pub(super) previous: Option<Position>,
}

/// At most so many rows. A bare parameter would have SQLite plan the statement anew for each other number.
fn limited(select: &mut Composed<'_>, limit: i64) {
    select.push(" LIMIT ").bind(limit).push(" + 0");
}

impl Part {
    /// How many rows there are in all, where `passed` come before these and the list ends with these: then nothing has to be counted.
    pub(super) fn total_behind(&self, passed: u64, limit: u32) -> Option<u64> {
        let listed = self.rows.len() as u64;
        (listed < u64::from(limit) && (listed > 0 || passed == 0)).then_some(passed + listed)
    }
}

impl<'q> Listing<'q> {
    /// How many rows there are.
    async fn total(&self, db: &mut Db) -> Result<u64, ListError> {
        let mut count = Composed::new(db.kind());
        count.push("SELECT count(*) AS total").push(self.from);
        self.restrict(&mut count)?;
        let total = db.all_of(count).await?.first().map_or(Ok(0), |row| row.int("total"))?;
        Ok(u64::try_from(total).unwrap_or(0))
    }

    /// A part, and how many rows there are in all.
    pub(super) async fn page(
        &self,
        db: &mut Db,
        start: Start<'q>,
        limit: u32,
    ) -> Result<(Part, u64), ListError> {
        let part = self.part(db, start, limit).await?;
        let known = match start {
            Start::Index(passed) => part.total_behind(passed, limit),
            Start::First => part.total_behind(0, limit),
            Start::At(_) => None,
        };
        let total = match known {
            Some(total) => total,
            None => self.total(db).await?,
        };
        Ok((part, total))
    }

    /// At most `limit` rows.
    pub(super) async fn part(&self, db: &mut Db, start: Start<'q>, limit: u32) -> Result<Part, ListError> {
        let position = match start {
            _ if limit == 0 => return Ok(Part::default()),
            Start::Index(offset) => return self.by_index(db, offset, limit).await,
            Start::First => None,
            Start::At(position) => Some(position),
        };
        let is_back = position.is_some_and(|position| position.towards == Towards::Before);
        let select = self.by_cursor(db.kind(), position, (is_back, limit))?;
        let mut rows = db.all_of(select).await?;
        let are_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        if is_back {
            rows.reverse();
        }
        let edge = |row: Option<&Row>, towards| row.map(|row| self.position(row, towards)).transpose();
        let next = if is_back || are_more { edge(rows.last(), Towards::After)? } else { None };
        let has_previous = if is_back { are_more } else { position.is_some() };
        let previous = if has_previous { edge(rows.first(), Towards::Before)? } else { None };
        Ok(Part { rows, next, previous })
    }

    async fn by_index(&self, db: &mut Db, offset: u64, limit: u32) -> Result<Part, ListError> {
        let mut select = Composed::new(db.kind());
        select.push(self.select).push(self.from).push(self.beside);
        self.restrict(&mut select)?;
        self.order(&mut select, false)?;
        limited(&mut select, i64::from(limit));
        select.push(" OFFSET ").bind(i64::try_from(offset).unwrap_or(i64::MAX));
        Ok(Part { rows: db.all_of(select).await?, ..Part::default() })
    }

    /// The rows beyond a position, nearest first, and one more to see whether the list goes on.
    fn by_cursor(
        &self,
        kind: Kind,
        position: Option<&'q Position>,
        (is_back, limit): (bool, u32),
    ) -> Result<Composed<'q>, ListError> {
        let mut select = Composed::new(kind);
        select.push(self.select);
        if let Some((path, _)) = self.sort {
            select.push(", ");
            self.sql(&mut select).key(path)?;
            select.push(" AS sort_key");
        }
        select.push(self.from).push(self.beside);
        self.restrict(&mut select)?;
        if let Some(position) = position {
            select.push(" AND ");
            self.beyond(&mut select, position, is_back)?;
        }
        self.order(&mut select, is_back)?;
        limited(&mut select, i64::from(limit) + 1);
        Ok(select)
    }

    /// Who is listed at all.
    pub(super) fn restrict(&self, out: &mut Composed<'q>) -> Result<(), ListError> {
        out.push(self.seen).bind(self.integration_id);
        if let Some(filter) = self.filter {
            out.push(" AND ");
            self.sql(out).filter(filter)?;
        }
        Ok(())
    }

    fn order(&self, out: &mut Composed<'q>, is_back: bool) -> Result<(), ListError> {
        out.push(" ORDER BY ");
        if let Some((path, order)) = self.sort {
            self.sql(out).order(path, if is_back { order.reversed() } else { order })?;
        }
        out.push(if is_back { "u.seq DESC" } else { "u.seq" });
        Ok(())
    }

    /// Who comes after a position, in the order of listing or, where it goes back, in the reverse of it.
    fn beyond(&self, out: &mut Composed<'q>, position: &'q Position, is_back: bool) -> Result<(), ListError> {
        let further = |out: &mut Composed<'q>| {
            out.push(if is_back { "u.seq < " } else { "u.seq > " }).bind(position.row);
        };
        let Some((path, order)) = self.sort else {
            further(out);
            return Ok(());
        };
        let order = if is_back { order.reversed() } else { order };
        out.push("(");
        self.sql(out).key(path)?;
        match (order, &position.key) {
            // Those without a value are the last.
            (SortOrder::Ascending, Json::Null) => {
                out.push(" IS NULL AND ");
                further(out);
            }
            // … or the first.
            (SortOrder::Descending, Json::Null) => {
                out.push(" IS NOT NULL OR ");
                further(out);
            }
            (order, key) => {
                let is_ascending = order == SortOrder::Ascending;
                out.push(if is_ascending { " > " } else { " < " }).bind_json(key);
                out.push(" OR (");
                self.sql(out).key(path)?;
                out.push(" = ").bind_json(key);
                out.push(" AND ");
                further(out);
                out.push(")");
                if is_ascending {
                    out.push(" OR ");
                    self.sql(out).key(path)?;
                    out.push(" IS NULL");
                }
            }
        }
        out.push(")");
        Ok(())
    }

    fn position(&self, row: &Row, towards: Towards) -> Result<Position, ListError> {
        let key = if self.sort.is_some() { row.any("sort_key")? } else { Json::Null };
        Ok(Position { row: row.int("seq")?, key, towards })
    }

    fn sql<'o>(&self, out: &'o mut Composed<'q>) -> Sql<'o, 'q> {
        Sql { out, integration_id: self.integration_id, schema: self.schema }
    }
}
