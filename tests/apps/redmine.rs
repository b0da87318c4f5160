//! Redmine, judged by its SQLite file.

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::app::{App, Kept, data, logged};

pub struct Redmine;

async fn database() -> SqlitePool {
    let options =
        SqliteConnectOptions::new().filename(data("redmine").join("redmine.sqlite")).read_only(true);
    SqlitePool::connect_with(options).await.unwrap()
}

#[async_trait]
impl App for Redmine {
    fn name(&self) -> &'static str {
        "redmine"
    }

    fn roles(&self) -> [&'static str; 2] {
        ["user", "admin"]
    }

    fn groups(&self) -> &'static [&'static str] {
        &["Office", "Sales, EMEA"]
    }

    async fn account(&self, user_name: &str) -> Option<Kept> {
        let database = database().await;
        let row: Option<(i64, String, String, bool, i64)> = sqlx::query_as(
            "select id, firstname, lastname, admin, status from users where login = ? and type = 'User'",
        )
        .bind(user_name)
        .fetch_optional(&database)
        .await
        .unwrap();
        let (id, given, family, admin, status) = row?;
        let groups: Vec<(String,)> = sqlx::query_as(
            "select g.lastname from groups_users m join users g on g.id = m.group_id where m.user_id = ? order by 1",
        )
        .bind(id)
        .fetch_all(&database)
        .await
        .unwrap();
        Some(Kept {
            id: id.to_string(),
            name: format!("{given} {family}"),
            role: if admin { "admin" } else { "user" }.to_owned(),
            groups: groups.into_iter().map(|(name,)| name).collect(),
            active: status == 1,
        })
    }

    async fn count(&self) -> usize {
        let count = sqlx::query_as("select count(*) from users where type = 'User'");
        let (count,): (i64,) = count.fetch_one(&database().await).await.unwrap();
        usize::try_from(count).unwrap()
    }

    fn refused_logins(&self) -> usize {
        logged("redmine", "log/production.log", "Failed login for")
    }
}
