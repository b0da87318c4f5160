//! A connection as the aggregates use it.

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::{Composed, Row, Value, statements};
use crate::store::engine::{Done, Kind, Link, Statement};
use crate::store::error::StoreError;

/// A connection, and the last fault of it.
///
/// Each statement that is waited for costs a turn: two switches of threads with SQLite, which works in a thread of its own, a way to
/// the server and back with PostgreSQL. What [`write`](Self::write) takes is not waited for: it goes together with the next statement
/// that is, or with [`flush`](Self::flush), in one turn. After a fault nothing more is done until the fault was
/// [taken](Self::take_fault): it may have ended the transaction that the rest relies on.
#[derive(Debug)]
pub(in crate::store) struct Db {
    link: Link,
    fault: Option<StoreError>,
    behind: Vec<Statement>,
}

statements! {
    MOMENT = "BEGIN";
}

impl Db {
    pub(in crate::store) fn new(link: Link) -> Self {
        Self { link, fault: None, behind: Vec::new() }
    }

    /// A reader of SQLite all of whose statements see the same moment.
    pub(in crate::store) fn at_one_moment(link: Link) -> Self {
        let mut db = Self::new(link);
        db.write(MOMENT, &[]);
        db
    }

    /// The engine behind it.
    pub(in crate::store) fn kind(&self) -> Kind {
        self.link.kind()
    }

    /// Does this before the next statement that is waited for. A fault of it is a fault of that one.
    pub(in crate::store) fn write(&mut self, sql: &'static str, args: &[Value<'_>]) {
        self.behind.push((sql, args.iter().cloned().map(Value::into_owned).collect()));
    }

    /// Does what was written.
    pub(in crate::store) async fn flush(&mut self) -> Result<(), StoreError> {
        self.sound()?;
        if self.behind.is_empty() {
            return Ok(());
        }
        self.together().await.map(drop)
    }

    /// All rows.
    pub(in crate::store) async fn all(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.sound()?;
        if !self.behind.is_empty() {
            self.write(sql, args);
            return self.together().await.map(|done| done.rows);
        }
        let rows = self.link.all(sql.into_sql_str(), args.iter().cloned()).await;
        self.noted(rows)
    }

    /// The first row, where there is one.
    pub(in crate::store) async fn one(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        self.sound()?;
        if !self.behind.is_empty() {
            return self.all(sql, args).await.map(|rows| rows.into_iter().next());
        }
        let row = self.link.one(sql.into_sql_str(), args.iter().cloned()).await;
        self.noted(row)
    }

    /// All rows of a statement that was put together.
    pub(in crate::store) async fn all_of(&mut self, statement: Composed<'_>) -> Result<Vec<Row>, StoreError> {
        self.flush().await?;
        let (text, values) = statement.into_parts();
        let rows = self.link.all(AssertSqlSafe(text).into_sql_str(), values).await;
        self.noted(rows)
    }

    /// All rows of a statement that was put together, as they come; a fault ends them.
    pub(in crate::store) async fn stream(
        &mut self,
        statement: Composed<'_>,
    ) -> Result<BoxStream<'_, Result<Row, StoreError>>, StoreError> {
        self.flush().await?;
        let (text, values) = statement.into_parts();
        Ok(self.link.stream(AssertSqlSafe(text).into_sql_str(), values).map_err(StoreError::from).boxed())
    }

    /// How many rows the statement changed; [`write`](Self::write) where nobody asks.
    pub(in crate::store) async fn change(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        self.sound()?;
        if !self.behind.is_empty() {
            self.write(sql, args);
            return self.together().await.map(|done| done.changed);
        }
        let changed = self.link.change(sql.into_sql_str(), args.iter().cloned()).await;
        self.noted(changed)
    }

    /// A script of several statements without parameters.
    pub(in crate::store) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.flush().await?;
        let done = self.link.script(sql.to_owned()).await;
        self.noted(done)
    }

    /// The fault since this was asked, if there was one; what was written behind it is forgotten.
    pub(in crate::store) fn take_fault(&mut self) -> Option<StoreError> {
        self.fault.take().inspect(|_| self.behind.clear())
    }

    /// Closes the writer's own connection; others go back to where they came from.
    pub(in crate::store) async fn close(self) -> Result<(), StoreError> {
        Ok(self.link.close().await?)
    }

    fn sound(&self) -> Result<(), StoreError> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    /// Does what was written, in one turn.
    async fn together(&mut self) -> Result<Done, StoreError> {
        let done = self.link.together(std::mem::take(&mut self.behind)).await;
        self.noted(done)
    }

    fn noted<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|error| {
            let error = StoreError::from(error);
            self.fault = Some(error.clone());
            self.link.is_faulty();
            error
        })
    }
}

#[cfg(test)]
impl Db {
    pub(in crate::store) async fn prepare(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.link.prepare(sql).await
    }
}
