//! Homebridge, judged by its auth.json.

use async_trait::async_trait;
use serde_json::Value;

use super::app::{App, Kept, data, logged};

pub struct Homebridge;

fn accounts() -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(data("homebridge").join("auth.json")).unwrap()).unwrap()
}

#[async_trait]
impl App for Homebridge {
    fn name(&self) -> &'static str {
        "homebridge"
    }

    fn roles(&self) -> [&'static str; 2] {
        ["user", "admin"]
    }

    fn keeps_the_deactivated(&self) -> bool {
        false
    }

    async fn account(&self, user_name: &str) -> Option<Kept> {
        let account = accounts().into_iter().find(|account| account["username"] == user_name)?;
        Some(Kept {
            id: account["id"].to_string(),
            name: account["name"].as_str().unwrap().to_owned(),
            role: if account["admin"] == true { "admin" } else { "user" }.to_owned(),
            groups: Vec::new(),
            active: true,
        })
    }

    async fn count(&self) -> usize {
        accounts().len()
    }

    fn refused_logins(&self) -> usize {
        logged("homebridge", "web.log", "Failed login attempt")
    }
}
