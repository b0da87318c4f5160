//! Acme Desk, the demo app, judged by its own record of members.

use std::sync::Arc;

use async_trait::async_trait;
use usher::clock::{Clock, SystemClock};
use usher::demo::{AcmeDesk, Options, Status};
use usher::id::{Entropy, SystemEntropy};

use super::app::{App, Kept, Running, SERVICE_TOTP};

pub struct Desk(AcmeDesk);

impl Desk {
    pub async fn start() -> Self {
        let now = Arc::new(|| SystemClock.now().as_ms());
        let fill = Arc::new(|bytes: &mut [u8]| SystemEntropy.fill(bytes));
        let totp_secret = Some(SERVICE_TOTP.to_owned());
        let options = Options { members: 26, totp_secret, ..Options::new(now, fill) };
        Self(AcmeDesk::start(options).await.unwrap())
    }
}

#[async_trait]
impl App for Desk {
    fn name(&self) -> &'static str {
        "acme-desk"
    }

    async fn start(&self) -> Running {
        Running::held(self.0.url())
    }

    fn service_account(&self) -> (&'static str, &'static str) {
        ("owner@acme.example", "acme-password")
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("org_id", "acme".to_owned())]
    }

    fn roles(&self) -> [&'static str; 2] {
        ["viewer", "agent"]
    }

    fn kind_of_groups(&self) -> &'static str {
        "team"
    }

    fn groups(&self) -> &'static [&'static str] {
        &["Billing", "Field"]
    }

    async fn accept(&self, user_name: &str) {
        assert!(self.0.accept(user_name));
    }

    async fn account(&self, user_name: &str) -> Option<Kept> {
        let member = self.0.members().into_iter().find(|member| member.email == user_name)?;
        Some(Kept {
            id: member.id.to_string(),
            name: member.name,
            role: member.role.word().to_lowercase(),
            groups: member.teams,
            active: member.status != Status::Suspended,
        })
    }

    async fn count(&self) -> usize {
        self.0.members().len()
    }

    fn refused_logins(&self) -> usize {
        usize::try_from(self.0.stats().refused_sign_ins).unwrap()
    }
}
