//! A row, read by the names of its columns.

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type, TypeInfo as _, ValueRef as _};

use super::Value;
use crate::clock::Timestamp;
use crate::store::error::StoreError;

/// A row of either engine.
#[derive(Debug)]
pub(in crate::store) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column of either engine can hold.
trait Readable<'r>: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> {}

impl<'r, T> Readable<'r> for T where
    T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl Row {
    fn get<'r, T: Readable<'r>>(&'r self, column: &'static str) -> Result<T, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(in crate::store) fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.get(column)
    }

    pub(in crate::store) fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.get(column)
    }

    pub(in crate::store) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// The truth of a condition: SQLite gives a number.
    pub(in crate::store) fn truth(&self, column: &'static str) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(_) => self.flag(column),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(in crate::store) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    pub(in crate::store) fn maybe_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    pub(in crate::store) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.get(column)
    }

    /// Whatever is there: a text, a number, or null.
    pub(in crate::store) fn any(&self, column: &'static str) -> Result<Json, StoreError> {
        let kind = match self {
            Self::Sqlite(row) => row.try_get_raw(column)?.type_info().name().to_owned(),
            Self::Postgres(row) => {
                let value = row.try_get_raw(column)?;
                if value.is_null() { "NULL".to_owned() } else { value.type_info().name().to_owned() }
            }
        };
        match &*kind {
            "NULL" => Ok(Json::Null),
            "TEXT" => self.text(column).map(Json::String),
            "REAL" | "FLOAT8" => Ok(self.get::<f64>(column)?.into()),
            _ => self.int(column).map(Json::from),
        }
    }

    /// The values of all columns, in their order.
    pub(in crate::store) fn values(&self) -> Result<Vec<Value<'static>>, StoreError> {
        match self {
            Self::Sqlite(row) => (0..row.len()).map(|index| value(row, index)).collect(),
            Self::Postgres(row) => (0..row.len()).map(|index| value(row, index)).collect(),
        }
    }

    pub(in crate::store) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_ms)
    }

    pub(in crate::store) fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.maybe_int(column)?.map(Timestamp::from_ms))
    }

    /// A word of a closed list.
    pub(in crate::store) fn word<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.get::<&str>(column)?.parse().map_err(|error: T::Err| unreadable(column, &error))
    }

    /// A word of a closed list, or nothing.
    pub(in crate::store) fn maybe_word<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
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
    pub(in crate::store) fn json<T: serde::de::DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(self.get(column)?).map_err(|error| unreadable(column, &error))
    }
}

/// The value of a column, whatever its type.
fn value<R: sqlx::Row<Database = D>, D: sqlx::Database>(
    row: &R,
    index: usize,
) -> Result<Value<'static>, StoreError>
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> i64: Decode<'r, D> + Type<D>,
    for<'r> f64: Decode<'r, D> + Type<D>,
    for<'r> String: Decode<'r, D> + Type<D>,
    for<'r> Vec<u8>: Decode<'r, D> + Type<D>,
{
    let (is_null, kind) = {
        let value = row.try_get_raw(index)?;
        (value.is_null(), value.type_info().name().to_owned())
    };
    Ok(match &*kind {
        _ if is_null => Value::Null,
        "INTEGER" | "INT8" | "INT4" => Value::Int(row.try_get(index)?),
        "REAL" | "FLOAT8" => Value::Real(row.try_get(index)?),
        "BLOB" | "BYTEA" => Value::Bytes(Cow::Owned(row.try_get(index)?)),
        _ => Value::Text(Cow::Owned(row.try_get(index)?)),
    })
}

fn unreadable(column: &'static str, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unreadable { column, reason: reason.to_string() }
}
