//! The cases in which nothing may be changed: who logs in and how often, who is protected, who is the last of the administrators.

use serde_json::{Map, Value};

use crate::account::Status;
use crate::connector::CredentialKind;
use crate::failure::FailureClass;
use crate::run::USERNAME;
use crate::secret::{ExposeSecret as _, SecretString};
use crate::store::{JobState, Work};

use super::case::{End, Verdict};
use super::sandbox::Entry;
use super::story::{PROTECTED, SERVICE, Suite};

impl Suite {
    pub(super) async fn login(&mut self) -> Verdict {
        let id = self.sandbox.integration().await?.row.id;
        self.log_in(&id).await
    }

    /// Logs in, and reads the list as far as that goes.
    async fn log_in(&self, integration_id: &str) -> Verdict {
        let job = self.sandbox.request(integration_id, Work::TestLogin).await?;
        let job = self.sandbox.settled(&job).await?;
        let attempts = self.sandbox.attempts(&job.id).await?;
        let steps = attempts.last().into_iter().flat_map(|attempt| &attempt.steps);
        let came_to_the_list = steps.into_iter().any(|step| step.flow == "list_accounts");
        match (job.state, came_to_the_list) {
            (JobState::Done, _) => Ok(job.message.unwrap_or_default()),
            // What is wrong with the list is told where it is tried.
            (_, true) => Ok("logged in".to_owned()),
            _ => Err(End::Failed(Box::new(self.sandbox.fault(&job, &attempts).await))),
        }
    }

    /// A password that is wrong is tried once, and the right one works afterwards.
    pub(super) async fn wrong_password(&mut self) -> Verdict {
        let connector = self.connector.clone();
        let mut entry: Entry = self.asked.entry.clone();
        let secrets = connector.service_account.login(&entry.login).map(|login| &login.credentials);
        let mut secrets = secrets.into_iter().flatten().filter(|one| {
            one.kind == CredentialKind::Secret
                && one.name != "totp"
                && entry.credentials.contains_key(&one.name)
        });
        let Some(secret) = secrets.next() else {
            return Err(End::skipped("the service account logs in without a password"));
        };
        let wrong = SecretString::from(self.asked.mark.wrong_password());
        entry.credentials.insert(secret.name.clone(), wrong);
        let integration = self.sandbox.another("wrong-password", &connector, &entry).await?;
        let job = self.sandbox.request(&integration.row.id, Work::TestLogin).await?;
        let job = self.sandbox.settled(&job).await?;
        let attempts = self.sandbox.attempts(&job.id).await?;
        if job.state == JobState::Done {
            return Err(End::otherwise("a wrong password was taken for the right one: the login passed"));
        }
        if job.class != Some(FailureClass::AuthFailed) {
            let mut fault = self.sandbox.fault(&job, &attempts).await;
            fault.message = format!(
                "the app's refusal of a wrong password is not told as `auth_failed`, so that it was tried {} times: {}",
                attempts.len(),
                fault.message
            );
            return Err(End::Failed(Box::new(fault)));
        }
        if attempts.len() != 1 {
            return Err(End::otherwise(format!("a wrong password was tried {} times", attempts.len())));
        }
        self.sandbox.correct(&integration.row.id, &self.asked.entry).await?;
        self.log_in(&integration.row.id).await?;
        Ok("tried once; the right one works".to_owned())
    }

    /// Whoever logs in is recognised on the list, and is never changed, whatever is pushed.
    pub(super) async fn service_account(&mut self) -> Verdict {
        let name = self.asked.entry.credentials.get(USERNAME).map(|name| name.expose_secret().to_owned());
        let Some(name) = name else {
            return Err(End::skipped("the service account logs in without a user name"));
        };
        if self.read_all_once().await? == 0 {
            return Err(End::skipped(
                "no account on the list goes by the service account's user name; \
                 where it has one under another name, an integration has to protect that (`--protect`)",
            ));
        }
        let mut resource = self.asked.mark.user(&self.connector, SERVICE);
        resource.insert("userName".to_owned(), name.into());
        resource.insert("active".to_owned(), false.into());
        let refused = self.refused(None, &resource, FailureClass::Protected).await?;
        Ok(if refused {
            "its deactivation was refused"
        } else {
            "the list shows it, though no account has its user name for an address"
        }
        .to_owned())
    }

    /// An account that the integration protects is not even made.
    pub(super) async fn protected(&mut self) -> Verdict {
        let resource = self.asked.mark.user(&self.connector, PROTECTED);
        match self.refused(None, &resource, FailureClass::Protected).await? {
            true => Ok("the invitation was refused".to_owned()),
            false => Err(End::otherwise("an account that is protected was there already, as it is wanted")),
        }
    }

    /// The only administrator that can be seen is not let go.
    pub(super) async fn last_admin(&mut self) -> Verdict {
        let declared = self.connector.entitlements.iter().filter(|one| !one.admins.is_empty());
        let declared: Vec<(String, Vec<String>)> =
            declared.map(|one| (one.name.clone(), one.admins.clone())).collect();
        if declared.is_empty() {
            return Err(End::skipped("no entitlement declares `admins`"));
        }
        if self.read_all_once().await? > 0 {
            return Err(End::skipped(
                "the service account is on the list and may be an administrator, so that nobody else is the last",
            ));
        }
        let is_admin = |(_, _, seen): &(String, Value, crate::store::SeenAccount)| {
            let holds = |(name, admins): &(String, Vec<String>)| {
                seen.entitlements.get(name).is_some_and(|keys| keys.iter().any(|key| admins.contains(key)))
            };
            seen.status == Status::Active && declared.iter().any(holds)
        };
        self.sync().await?;
        let admins: Vec<(String, Value, _)> =
            self.sandbox.everybody().await?.into_iter().filter(is_admin).collect();
        let [(id, Value::Object(resource), _)] = admins.as_slice() else {
            let why = format!("{} administrators are on the list, and it takes one alone", admins.len());
            return Err(End::skipped(why));
        };
        let mut leaver = resource.clone();
        leaver.insert("active".to_owned(), false.into());
        let refused = self.refused(Some(id), &leaver, FailureClass::LastAdmin).await;
        // What is wanted is as it was before.
        let shown = self.sandbox.push(Some(id), resource).await?;
        self.sandbox.follow(&shown).await?;
        match refused? {
            true => Ok("the deactivation of the only one was refused".to_owned()),
            false => Err(End::otherwise("the only administrator had no access already")),
        }
    }

    /// Asks for what must be refused for this reason. Whether it was; else there was nothing to change.
    async fn refused(
        &self,
        id: Option<&str>,
        resource: &Map<String, Value>,
        class: FailureClass,
    ) -> Result<bool, End> {
        let shown = self.sandbox.push(id, resource).await?;
        let Some(job) = shown.job else {
            return Err(End::of(FailureClass::Internal, "what was asked for made no job"));
        };
        let job = self.sandbox.settled(&job.id).await?;
        let attempts = self.sandbox.attempts(&job.id).await?;
        if job.state == JobState::Held && job.class == Some(class) {
            self.sandbox.end(&job.id, "it was refused, as it must be").await?;
            return match attempts.iter().any(|attempt| attempt.attempt.committing_at.is_some()) {
                false => Ok(true),
                true => Err(End::otherwise("it was refused, but only after a commit step")),
            };
        }
        let changed = attempts.iter().any(|attempt| attempt.attempt.committing_at.is_some());
        if job.state == JobState::Done && !changed {
            return Ok(false);
        }
        let mut fault = self.sandbox.fault(&job, &attempts).await;
        fault.message = format!("it was not refused as `{class}`: {}", fault.message);
        Err(End::Failed(Box::new(fault)))
    }
}
