//! The group of the demo: pushed by Okta, made in the app, and the people in it.

use anyhow::Context as _;

use crate::clock::{Clock, SystemClock};
use crate::store::{JobFilter, JobRow, JobState};

use super::{Line, Stage};

/// What it is called.
const NAME: &str = "Night shift";

impl Stage {
    /// Pushes a group with these people, given by name and id, and waits until they are in it.
    pub(super) async fn push_group(&self, people: &[(String, String)]) -> anyhow::Result<Line> {
        let began = SystemClock.elapsed();
        let ids: Vec<&str> = people.iter().map(|(_, id)| id.as_str()).collect();
        let answer = self.okta.push_group(NAME, &ids).await?;
        let jobs = self.settled(&ids).await?;
        let seconds = SystemClock.elapsed().saturating_sub(began).as_secs_f64();
        let is_verified = jobs.iter().all(|job| job.state == JobState::Done);
        let verified = match jobs.iter().find(|job| job.state != JobState::Done) {
            Some(job) => format!("{}: {}", job.state, job.message.as_deref().unwrap_or_default()),
            None => {
                let names: Vec<&str> = people.iter().map(|(name, _)| name.as_str()).collect();
                format!("a group with {}", names.join(" and "))
            }
        };
        let request = "PUT group, members";
        eprintln!("  {NAME:<18} {request:<18} {:>3}  {seconds:>5.1} s  {verified}", answer.status);
        let of_group = jobs.iter().find(|job| job.group_id.is_some()).context("the push made no job")?;
        let picture = match jobs.iter().find(|job| job.user_id.is_some()) {
            Some(job) => self.picture(job).await?,
            None => None,
        };
        let (job, status) = (of_group.id.clone(), answer.status);
        Ok(Line { person: NAME.to_owned(), request, status, job, seconds, verified, is_verified, picture })
    }

    /// The last job of the group and of each of these users, once none is left to be done.
    async fn settled(&self, users: &[&str]) -> anyhow::Result<Vec<JobRow>> {
        let store = &self.installation.store;
        let filter = JobFilter { integration_id: None, state: None, before: None, limit: 200 };
        loop {
            let jobs = store.list_jobs(&filter).await?;
            if let Some(open) = jobs.iter().find(|job| !job.state.is_settled()) {
                store.settled_job(&open.id).await?;
                continue;
            }
            let last = |is_it: &dyn Fn(&JobRow) -> bool| jobs.iter().find(|job| is_it(job)).cloned();
            let mut found = Vec::from_iter(last(&|job| job.group_id.is_some()));
            found.extend(users.iter().filter_map(|id| last(&|job| job.user_id.as_deref() == Some(id))));
            return Ok(found);
        }
    }
}
