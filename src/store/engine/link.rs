//! A connection to the one engine or the other: statements go in, rows come out.

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Encode, Executor as _, PgConnection, Postgres, SqlSafeStr as _,
    SqlStr, SqliteConnection, Transaction, Type,
};

use super::Kind;
use super::pipe::Pipe;
use super::readers::Reader;
use crate::store::sql::{Row, Value};

/// Whose connection it is, and to which engine.
#[derive(Debug)]
pub(in crate::store) enum Link {
    /// The writer's own.
    Sqlite(SqliteConnection),
    /// One that a reader borrows.
    SqliteReader(Reader),
    /// The writer's own.
    Postgres(Box<Pipe>),
    /// One that a reader borrows.
    PostgresReader(PoolConnection<Postgres>),
    /// One that a reader borrows, all of whose statements see the same moment.
    PostgresMoment(Transaction<'static, Postgres>),
}

/// A statement's text; a constant is not copied.
pub(in crate::store) type Text = SqlStr;

/// A statement and the values of its parameters.
pub(in crate::store) type Statement = (&'static str, Vec<Value<'static>>);

/// What a statement gave and changed.
#[derive(Debug, Default)]
pub(in crate::store) struct Done {
    pub(in crate::store) rows: Vec<Row>,
    /// How many rows it changed.
    pub(in crate::store) changed: u64,
}

impl Done {
    /// What the last of several statements gave and changed.
    pub(super) async fn of_last<D, R>(
        mut answers: impl Stream<Item = Result<Either<D, R>, sqlx::Error>> + Unpin,
        row: impl Fn(R) -> Row,
        changed: impl Fn(D) -> u64,
    ) -> Result<Self, sqlx::Error> {
        let (mut rows, mut last) = (Vec::new(), Self::default());
        while let Some(answer) = answers.try_next().await? {
            match answer {
                Either::Right(one) => rows.push(row(one)),
                Either::Left(done) => {
                    last = Self { rows: std::mem::take(&mut rows), changed: changed(done) };
                }
            }
        }
        Ok(last)
    }
}

enum Raw<'l> {
    Sqlite(&'l mut SqliteConnection),
    Postgres(&'l mut PgConnection),
}

/// Gives a query its parameters; `$null` is what nothing is.
macro_rules! bound {
    ($query:expr, $values:expr, $null:expr) => {
        $values.into_iter().fold($query, |query, value| match value {
            Value::Null => query.bind($null),
            Value::Int(int) => query.bind(int),
            Value::Real(real) => query.bind(real),
            Value::Text(text) => query.bind(text.into_owned()),
            Value::Bytes(bytes) => query.bind(bytes.into_owned()),
        })
    };
}

impl Link {
    pub(in crate::store) fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) | Self::SqliteReader(_) => Kind::Sqlite,
            Self::Postgres(_) | Self::PostgresReader(_) | Self::PostgresMoment(_) => Kind::Postgres,
        }
    }

    /// All rows.
    pub(in crate::store) async fn all<'v>(
        &mut self,
        sql: Text,
        values: impl IntoIterator<Item = Value<'v>>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        match self.raw() {
            Raw::Sqlite(link) => {
                let rows = bound!(sqlx::query(sql), values, None::<i64>).fetch_all(link).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Raw::Postgres(link) => {
                let rows = bound!(sqlx::query(sql), values, Nothing).fetch_all(link).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row, where there is one.
    pub(in crate::store) async fn one<'v>(
        &mut self,
        sql: Text,
        values: impl IntoIterator<Item = Value<'v>>,
    ) -> Result<Option<Row>, sqlx::Error> {
        match self.raw() {
            Raw::Sqlite(link) => {
                let row = bound!(sqlx::query(sql), values, None::<i64>).fetch_optional(link).await?;
                Ok(row.map(Row::Sqlite))
            }
            Raw::Postgres(link) => {
                let row = bound!(sqlx::query(sql), values, Nothing).fetch_optional(link).await?;
                Ok(row.map(Row::Postgres))
            }
        }
    }

    /// How many rows it changed.
    pub(in crate::store) async fn change<'v>(
        &mut self,
        sql: Text,
        values: impl IntoIterator<Item = Value<'v>>,
    ) -> Result<u64, sqlx::Error> {
        match self.raw() {
            Raw::Sqlite(link) => {
                let done = bound!(sqlx::query(sql), values, None::<i64>).execute(link).await?;
                Ok(done.rows_affected())
            }
            Raw::Postgres(link) => {
                let done = bound!(sqlx::query(sql), values, Nothing).execute(link).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Several statements, in one turn where it is the writer's own connection, up to the first that is refused; what the last of them gives
    /// and changes.
    pub(in crate::store) async fn together(
        &mut self,
        statements: Vec<Statement>,
    ) -> Result<Done, sqlx::Error> {
        if let Self::Postgres(pipe) = self {
            return pipe.run(&statements).await;
        }
        match self.raw() {
            Raw::Sqlite(link) => {
                let (text, values) = script(statements);
                let answers = link.fetch_many(bound!(sqlx::query(text), values, None::<i64>));
                Done::of_last(answers, Row::Sqlite, |done| done.rows_affected()).await
            }
            Raw::Postgres(link) => {
                let mut last = Done::default();
                for (sql, values) in statements {
                    let answers = link.fetch_many(bound!(sqlx::query(sql), values, Nothing));
                    last = Done::of_last(answers, Row::Postgres, |done| done.rows_affected()).await?;
                }
                Ok(last)
            }
        }
    }

    /// Several statements without parameters.
    pub(in crate::store) async fn script(&mut self, sql: String) -> Result<(), sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql).into_sql_str());
        match self.raw() {
            Raw::Sqlite(link) => script.execute(link).await.map(drop),
            Raw::Postgres(link) => script.execute(link).await.map(drop),
        }
    }

    /// All rows, as they come.
    pub(in crate::store) fn stream<'l>(
        &'l mut self,
        sql: Text,
        values: Vec<Value<'_>>,
    ) -> BoxStream<'l, Result<Row, sqlx::Error>> {
        match self.raw() {
            Raw::Sqlite(link) => {
                bound!(sqlx::query(sql), values, None::<i64>).fetch(link).map_ok(Row::Sqlite).boxed()
            }
            Raw::Postgres(link) => {
                bound!(sqlx::query(sql), values, Nothing).fetch(link).map_ok(Row::Postgres).boxed()
            }
        }
    }

    /// The connection had a fault; a borrowed one is not lent again.
    pub(in crate::store) fn is_faulty(&mut self) {
        match self {
            Self::SqliteReader(reader) => reader.is_faulty(),
            // What comes back to PostgreSQL's pool is looked at there.
            Self::Sqlite(_) | Self::Postgres(_) | Self::PostgresReader(_) | Self::PostgresMoment(_) => {}
        }
    }

    /// Closes the writer's own connection; others go back to where they came from.
    pub(in crate::store) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(link) => link.close().await,
            Self::Postgres(pipe) => pipe.connection.close().await,
            Self::SqliteReader(_) | Self::PostgresReader(_) | Self::PostgresMoment(_) => Ok(()),
        }
    }

    fn raw(&mut self) -> Raw<'_> {
        match self {
            Self::Sqlite(link) => Raw::Sqlite(link),
            Self::SqliteReader(reader) => Raw::Sqlite(reader.raw()),
            Self::Postgres(pipe) => Raw::Postgres(&mut pipe.connection),
            Self::PostgresReader(link) => Raw::Postgres(link),
            Self::PostgresMoment(transaction) => Raw::Postgres(transaction),
        }
    }
}

#[cfg(test)]
impl Link {
    /// Whether the engine takes the statement.
    pub(in crate::store) async fn prepare(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self.raw() {
            Raw::Sqlite(link) => link.prepare(sql.into_sql_str()).await.map(drop),
            Raw::Postgres(link) => link.prepare(sql.into_sql_str()).await.map(drop),
        }
    }
}

/// NULL of the type that PostgreSQL finds the place to have.
struct Nothing;

impl Type<Postgres> for Nothing {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Nothing {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// Statements as one text, the parameters of each numbered behind those before it.
fn script(statements: Vec<Statement>) -> (Text, Vec<Value<'static>>) {
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
    use super::*;
    use crate::store::sql::args;

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
