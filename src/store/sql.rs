//! The little that the aggregates need of a database: run a statement, read a row by column names.
//!
//! Only this file, the writer and the migrations know which engine is behind it. Statements are constants with `$1`
//! parameters, declared by [`statements!`] so that a test can prepare every one of them.

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::Value as Json;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    AssertSqlSafe, Connection as _, Row as _, Sqlite, SqliteConnection, TypeInfo as _, ValueRef as _,
};

use super::error::StoreError;
use super::readers::Reader;
use crate::clock::Timestamp;

/// A connection, and the last fault of it.
///
/// SQLite works in a thread of its own, so each statement that is waited for costs two switches of threads. What [`write`](Self::write)
/// takes is not waited for: it goes together with the next statement that is, or with [`flush`](Self::flush). After a fault nothing
/// more is done until the fault was [taken](Self::take_fault): it may have ended the transaction that the rest relies on.
#[derive(Debug)]
pub(super) struct Db {
    connection: Connection,
    fault: Option<StoreError>,
    behind: Script,
}

/// Statements that go together.
#[derive(Debug, Default)]
struct Script {
    text: String,
    values: Vec<Value<'static>>,
}

/// Whose connection it is.
#[derive(Debug)]
pub(super) enum Connection {
    /// The writer's own.
    Own(SqliteConnection),
    /// One that a reader borrows.
    Borrowed(Reader),
}

impl Db {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, fault: None, behind: Script::default() }
    }

    /// A reader all of whose statements see the same moment.
    pub(super) fn at_one_moment(mut reader: Reader) -> Self {
        reader.holds_a_moment();
        let mut db = Self::new(Connection::Borrowed(reader));
        db.write(BEGIN, &[]);
        db
    }

    /// Does this before the next statement that is waited for. A fault of it is a fault of that one.
    pub(super) fn write(&mut self, sql: &'static str, args: &[Value<'_>]) {
        self.behind.push(sql, args);
    }

    /// Does what was written.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        self.sound()?;
        if self.behind.text.is_empty() {
            return Ok(());
        }
        let done = self.behind.take().execute(self.raw()).await;
        self.noted(done).map(drop)
    }

    /// All rows.
    pub(super) async fn all(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.sound()?;
        let rows = self.with_what_is_behind(sql, args).fetch_all(self.raw()).await;
        Ok(self.noted(rows)?.into_iter().map(Row).collect())
    }

    /// The first row, where there is one.
    pub(super) async fn one(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        self.sound()?;
        let row = self.with_what_is_behind(sql, args).fetch_optional(self.raw()).await;
        Ok(self.noted(row)?.map(Row))
    }

    /// All rows of a statement that was put together.
    pub(super) async fn all_of(&mut self, statement: Composed<'_>) -> Result<Vec<Row>, StoreError> {
        self.flush().await?;
        let query = bind(sqlx::query(AssertSqlSafe(statement.text)), statement.values);
        let rows = query.fetch_all(self.raw()).await;
        Ok(self.noted(rows)?.into_iter().map(Row).collect())
    }

    /// How many rows the statement changed; [`write`](Self::write) where nobody asks.
    pub(super) async fn change(&mut self, sql: &'static str, args: &[Value<'_>]) -> Result<u64, StoreError> {
        self.flush().await?;
        let done = prepare(sql, args).execute(self.raw()).await;
        Ok(self.noted(done)?.rows_affected())
    }

    /// A script of several statements without parameters.
    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let done = sqlx::raw_sql(sql).execute(self.raw()).await;
        self.noted(done).map(drop)
    }

    /// The fault since this was asked, if there was one; what was written behind it is forgotten.
    pub(super) fn take_fault(&mut self) -> Option<StoreError> {
        self.fault.take().inspect(|_| self.behind = Script::default())
    }

    /// Closes the writer's own connection; others go back to where they came from.
    pub(super) async fn close(self) -> Result<(), StoreError> {
        match self.connection {
            Connection::Own(connection) => Ok(connection.close().await?),
            Connection::Borrowed(_) => Ok(()),
        }
    }

    pub(super) fn raw(&mut self) -> &mut SqliteConnection {
        match &mut self.connection {
            Connection::Own(connection) => connection,
            Connection::Borrowed(reader) => reader.raw(),
        }
    }

    fn sound(&self) -> Result<(), StoreError> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    fn with_what_is_behind(&mut self, sql: &'static str, args: &[Value<'_>]) -> Query {
        if self.behind.text.is_empty() {
            return prepare(sql, args);
        }
        self.behind.push(sql, args);
        self.behind.take()
    }

    fn noted<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|error| {
            let error = StoreError::from(error);
            self.fault = Some(error.clone());
            if let Connection::Borrowed(reader) = &mut self.connection {
                reader.is_faulty();
            }
            error
        })
    }
}

impl Script {
    /// Adds a statement, its parameters numbered behind those that are there.
    fn push(&mut self, sql: &'static str, args: &[Value<'_>]) {
        if !self.text.is_empty() {
            self.text.push_str("; ");
        }
        let before = self.values.len();
        let mut parts = sql.split('$');
        self.text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (number, rest) = part.split_at(part.bytes().take_while(u8::is_ascii_digit).count());
            self.text.push('$');
            // What is no number is no parameter.
            if let Ok(number) = number.parse::<usize>() {
                self.text.push_str(&(before + number).to_string());
            }
            self.text.push_str(rest);
        }
        self.values.extend(args.iter().cloned().map(Value::into_owned));
    }

    fn take(&mut self) -> Query {
        let Self { text, values } = std::mem::take(self);
        bind(sqlx::query(AssertSqlSafe(text)), values)
    }
}

statements! {
    BEGIN = "BEGIN";
}

type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

fn prepare(sql: &'static str, args: &[Value<'_>]) -> Query {
    bind(sqlx::query(sql), args.iter().cloned())
}

fn bind<'a>(query: Query, args: impl IntoIterator<Item = Value<'a>>) -> Query {
    args.into_iter().fold(query, |query, arg| match arg {
        Value::Null => query.bind(None::<i64>),
        Value::Int(int) => query.bind(int),
        Value::Real(real) => query.bind(real),
        Value::Text(text) => query.bind(text.into_owned()),
        Value::Bytes(bytes) => query.bind(bytes.into_owned()),
    })
}

/// A value given to a statement.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Int(int) => Value::Int(int),
            Self::Real(real) => Value::Real(real),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }
}

/// A statement that is put together from fragments of this program's own text and from parameters; of what a client sends,
/// only parameters can be made.
#[derive(Clone, Debug, Default)]
pub(super) struct Composed<'a> {
    text: String,
    values: Vec<Value<'a>>,
}

impl<'a> Composed<'a> {
    /// Adds a fragment.
    pub(super) fn push(&mut self, fragment: &'static str) -> &mut Self {
        self.text.push_str(fragment);
        self
    }

    /// Adds a parameter. It has no number: SQLite looks for a number among all those before it.
    pub(super) fn bind(&mut self, value: impl Into<Value<'a>>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('?');
        self
    }

    /// Adds a parameter that is a plain value of JSON, as [`Row::any`] gives it.
    pub(super) fn bind_json(&mut self, value: &'a Json) -> &mut Self {
        self.bind(match value {
            Json::String(text) => Value::from(text),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Value::Int(int),
                (None, Some(real)) => Value::Real(real),
                (None, None) => Value::Null,
            },
            Json::Bool(flag) => Value::from(*flag),
            Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
        })
    }
}

#[cfg(test)]
impl Composed<'_> {
    /// The statement that says how the database would go about this one.
    pub(super) fn explained(mut self) -> Self {
        self.text.insert_str(0, "EXPLAIN QUERY PLAN ");
        self
    }
}

/// The values of a statement's parameters, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*] };
}
pub(super) use args;

/// Declares statements as constants, and the list of them that a test prepares.
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: &str = $text;)*

        #[cfg(test)]
        pub(in crate::store) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(super) use statements;

impl From<i64> for Value<'_> {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<f64> for Value<'_> {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.as_ms())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<&serde_json::Value> for Value<'_> {
    fn from(json: &serde_json::Value) -> Self {
        Self::Text(Cow::Owned(json.to_string()))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row, read by the names of its columns.
#[derive(Debug)]
pub(super) struct Row(SqliteRow);

impl Row {
    fn get<'r, T>(&'r self, column: &'static str) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
    {
        Ok(self.0.try_get(column)?)
    }

    pub(super) fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.get(column)
    }

    pub(super) fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.get(column)
    }

    pub(super) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    pub(super) fn maybe_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    pub(super) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.get(column)
    }

    /// Whatever is there: a text, a number, or null.
    pub(super) fn any(&self, column: &'static str) -> Result<Json, StoreError> {
        let value = self.0.try_get_raw(column)?;
        let kind = value.type_info();
        match kind.name() {
            "NULL" => Ok(Json::Null),
            "TEXT" => self.text(column).map(Json::String),
            "REAL" => Ok(self.get::<f64>(column)?.into()),
            _ => self.int(column).map(Json::from),
        }
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_ms)
    }

    pub(super) fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.maybe_int(column)?.map(Timestamp::from_ms))
    }

    /// A word of a closed list.
    pub(super) fn word<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.get::<&str>(column)?.parse().map_err(|error: T::Err| unreadable(column, &error))
    }

    /// A word of a closed list, or nothing.
    pub(super) fn maybe_word<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        match self.get::<Option<&str>>(column)? {
            None => Ok(None),
            Some(word) => word.parse().map(Some).map_err(|error: T::Err| unreadable(column, &error)),
        }
    }

    /// A value kept as JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(self.get(column)?).map_err(|error| unreadable(column, &error))
    }
}

fn unreadable(column: &'static str, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unreadable { column, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_go_together_keep_their_parameters_apart() {
        let mut script = Script::default();
        script.push("UPDATE a SET b = $2 WHERE c = $1 AND d <> $2", args!["c", 2]);
        script.push("DELETE FROM a", args![]);
        script.push("SELECT '$.x', $1, $10 FROM a", args![3]);
        let expected =
            "UPDATE a SET b = $2 WHERE c = $1 AND d <> $2; DELETE FROM a; SELECT '$.x', $3, $12 FROM a";
        assert_eq!(script.text, expected);
        assert_eq!(script.values.len(), 3);
    }
}
