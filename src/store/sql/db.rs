//! A connection as the aggregates use it.

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::{Composed, Row, Value, statements};
use crate::store::engine::{Kind, Link, Text};
use crate::store::error::StoreError;

/// A connection, and the last fault of it.
///
/// Each statement that is waited for costs a turn: two switches of threads with SQLite, which works in a thread of its own, a way to
/// the server and back with PostgreSQL. What [`write`](Self::write) takes is not waited for: it goes together with the next statement
/// that is, or with [`flush`](Self::flush), in one turn with SQLite. After a fault nothing more is done until the fault was
/// [taken](Self::take_fault): it may have ended the transaction that the rest relies on.
#[derive(Debug)]
pub(in crate::store) struct Db {
    link: Link,
    fault: Option<StoreError>,
    behind: Vec<(&'static str, Vec<Value<'static>>)>,
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
        let done = match self.kind() {
            Kind::Sqlite => {
                let (text, values) = script(std::mem::take(&mut self.behind));
                self.link.change(text, values).await.map(drop)
            }
            Kind::Postgres => self.in_turn().await,
        };
        self.noted(done)
    }

    /// All rows.
    pub(in crate::store) async fn all(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = if self.goes_with_what_is_behind().await? {
            self.write(sql, args);
            let (text, values) = script(std::mem::take(&mut self.behind));
            self.link.all(text, values).await
        } else {
            self.link.all(sql.into_sql_str(), args.iter().cloned()).await
        };
        self.noted(rows)
    }

    /// The first row, where there is one.
    pub(in crate::store) async fn one(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        let row = if self.goes_with_what_is_behind().await? {
            self.write(sql, args);
            let (text, values) = script(std::mem::take(&mut self.behind));
            self.link.one(text, values).await
        } else {
            self.link.one(sql.into_sql_str(), args.iter().cloned()).await
        };
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
        self.flush().await?;
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

    /// Whether something was written that the next statement goes together with; an engine that cannot do that does it here.
    async fn goes_with_what_is_behind(&mut self) -> Result<bool, StoreError> {
        match self.kind() {
            Kind::Sqlite => self.sound().map(|()| !self.behind.is_empty()),
            Kind::Postgres => self.flush().await.map(|()| false),
        }
    }

    /// Does what was written, one after the other; those without parameters that follow each other in one turn.
    async fn in_turn(&mut self) -> Result<(), sqlx::Error> {
        let mut plain = String::new();
        for (sql, values) in std::mem::take(&mut self.behind) {
            if values.is_empty() {
                plain.push_str(sql);
                plain.push(';');
                continue;
            }
            if !plain.is_empty() {
                self.link.script(std::mem::take(&mut plain)).await?;
            }
            self.link.change(sql.into_sql_str(), values).await?;
        }
        if plain.is_empty() { Ok(()) } else { self.link.script(plain).await }
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

/// Statements as one text, the parameters of each numbered behind those before it.
fn script(statements: Vec<(&'static str, Vec<Value<'static>>)>) -> (Text, Vec<Value<'static>>) {
    let (mut text, mut all) = (String::new(), Vec::new());
    for (sql, values) in statements {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let mut parts = sql.split('$');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (number, rest) = part.split_at(part.bytes().take_while(u8::is_ascii_digit).count());
            text.push('$');
            // What is no number is no parameter.
            if let Ok(number) = number.parse::<usize>() {
                text.push_str(&(all.len() + number).to_string());
            }
            text.push_str(rest);
        }
        all.extend(values);
    }
    (AssertSqlSafe(text).into_sql_str(), all)
}

#[cfg(test)]
mod tests {
    use super::super::args;
    use super::*;

    #[test]
    fn statements_that_go_together_keep_their_parameters_apart() {
        let owned = |values: &[Value<'_>]| values.iter().cloned().map(Value::into_owned).collect::<Vec<_>>();
        let (text, values) = script(vec![
            ("UPDATE a SET b = $2 WHERE c = $1 AND d <> $2", owned(args!["c", 2])),
            ("DELETE FROM a", Vec::new()),
            ("SELECT '$.x', $1, $10 FROM a", owned(args![3])),
        ]);
        let expected =
            "UPDATE a SET b = $2 WHERE c = $1 AND d <> $2; DELETE FROM a; SELECT '$.x', $3, $12 FROM a";
        assert_eq!(text.as_str(), expected);
        assert_eq!(values.len(), 3);
    }
}
