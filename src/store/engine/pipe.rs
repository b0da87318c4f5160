//! PostgreSQL's connection to write with: several statements go to the server in one turn, and only what the last of them says comes back.
//!
//! The protocol that takes parameters apart from statements answers each statement before sqlx sends the next. The simple one takes a
//! script. So each statement is prepared once by name, in the script in which it first stands, and executed with its values written
//! behind the name: as literals, which the server reads as data whatever is in them (section 4.1.2.1 of PostgreSQL's manual;
//! `standard_conforming_strings` is on for each connection).

use std::collections::HashMap;
use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr as _};

use super::link::{Done, Statement};
use crate::store::migrate::hex;
use crate::store::sql::{Row, Value};

/// A connection, and the statements that it knows by name.
#[derive(Debug)]
pub(in crate::store) struct Pipe {
    pub(super) connection: PgConnection,
    names: HashMap<&'static str, u32>,
    last_name: u32,
}

impl Pipe {
    pub(in crate::store) fn new(connection: PgConnection) -> Self {
        Self { connection, names: HashMap::new(), last_name: 0 }
    }

    /// Does the statements, in their order, up to the first that is refused.
    pub(super) async fn run(&mut self, statements: &[Statement]) -> Result<Done, sqlx::Error> {
        let mut text = String::new();
        let mut new = Vec::new();
        for (sql, values) in statements {
            if values.is_empty() {
                let _ = write!(text, "{sql};");
                continue;
            }
            let name = *self.names.entry(sql).or_insert_with(|| {
                self.last_name += 1;
                new.push(*sql);
                let _ = write!(text, "PREPARE w{} AS {sql};", self.last_name);
                self.last_name
            });
            let _ = write!(text, "EXECUTE w{name}(");
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                literal(&mut text, value);
            }
            text.push_str(");");
        }
        let answers = sqlx::raw_sql(AssertSqlSafe(text).into_sql_str()).fetch_many(&mut self.connection);
        let done = Done::of_last(answers, Row::Postgres, |done| done.rows_affected()).await;
        if done.is_err() {
            // Whether the server came as far as to prepare them is not known; no name is given twice.
            self.names.retain(|sql, _| !new.contains(sql));
        }
        done
    }
}

/// Writes a value so that the server reads it back as it is. A text with U+0000, which PostgreSQL cannot keep, would end the script: it is
/// written so that the server comes as far as to refuse it.
fn literal(text: &mut String, value: &Value<'_>) {
    // Writing to a string does not fail.
    let _ = match value {
        Value::Null => write!(text, "NULL"),
        Value::Int(int) => write!(text, "{int}"),
        Value::Real(real) => write!(text, "'{real}'"),
        Value::Text(value) if value.contains('\0') => {
            write!(text, "convert_from('\\x{}', 'UTF8')", hex(value.as_bytes()))
        }
        Value::Text(value) => write!(text, "'{}'", value.replace('\'', "''")),
        Value::Bytes(bytes) => write!(text, "'\\x{}'", hex(bytes)),
    };
}
