//! Options that say how far, how fast and when an integration is worked in.

use std::str::FromStr;
use std::time::Duration;

use crate::calendar::{Recurrence, WorkingHours};
use crate::integration::Policy;
use crate::store::Mode;
use crate::trace::Pictures;

use super::input::parse_seconds;

/// How far, how fast and when an integration is worked in.
#[derive(clap::Args)]
pub(super) struct Limits {
    /// How far Usher may go in the app: observe (only read), plan (compute and stop), or live
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// How many sessions of the service account may be open at once
    #[arg(long, value_name = "N")]
    sessions: Option<u32>,
    /// The least time from the begin of one job to that of the next
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pace: Option<Duration>,
    /// How many jobs may begin in any hour, or `none` for no limit; leavers count, and do not wait
    #[arg(long, value_name = "N")]
    jobs_per_hour: Option<Choice<u32>>,
    /// When jobs may begin, as "Mon-Fri 08:00-18:00 Europe/Berlin", or `none` for always; leavers do not wait
    #[arg(long, value_name = "HOURS")]
    working_hours: Option<Choice<WorkingHours>>,
    /// When the login is tested and the list of accounts read, as "0 6 * * Mon-Fri Europe/Berlin", or `none` for never
    #[arg(long, value_name = "TIMES")]
    canary: Option<Choice<Recurrence>>,
    /// When all accounts are read and compared with what is known, as "0 5 * * * Europe/Berlin", or `none` for never
    #[arg(long, value_name = "TIMES")]
    sync: Option<Choice<Recurrence>>,
    /// An entitlement in which Usher has the say: a sync puts right what was changed by hand. In the place of those until now; `none` for none
    #[arg(long = "authoritative", value_name = "ENTITLEMENT")]
    authoritative: Option<Vec<Choice<String>>>,
    /// How many of a hundred accounts may be found gone, or be put right, before a person has to look
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    safeguard: Option<u32>,
    /// Up to how many it may be, however few accounts there are
    #[arg(long, value_name = "N")]
    safeguard_floor: Option<u32>,
    /// How many of a hundred people may lose access within the window before leavers are held for a person
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    leavers_percent: Option<u32>,
    /// Up to how many it may be, however few people there are
    #[arg(long, value_name = "N")]
    leavers_floor: Option<u32>,
    /// How many it may be at most, however many people there are, or `none`
    #[arg(long, value_name = "N")]
    leavers_most: Option<Choice<u32>>,
    /// The window in which they are counted
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=43_200))]
    leavers_window: Option<u32>,
    /// Whether what the connector cannot do is left to a person, instead of failing
    #[arg(long, value_name = "BOOL")]
    human_tasks: Option<bool>,
    /// Which pictures jobs take: moments (before and after the change, and of a failure; of other steps the page's document), or every-step
    #[arg(long, value_name = "WHICH", value_parser = pictures)]
    pictures: Option<Pictures>,
    /// How long a leaver may wait before somebody is told
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..))]
    leaver_patience: Option<u32>,
    /// For how many days pictures, pages and recordings are kept, those that are there already too; 0 for ever
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=36_500))]
    evidence_days: Option<u32>,
}

fn pictures(word: &str) -> Result<Pictures, String> {
    match word {
        "moments" => Ok(Pictures::Moments),
        "every-step" => Ok(Pictures::EveryStep),
        _ => Err("say moments or every-step".to_owned()),
    }
}

/// A value, or the word `none`.
#[derive(Clone, Debug)]
struct Choice<T>(Option<T>);

impl<T: FromStr> FromStr for Choice<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|value| Self(Some(value))) }
    }
}

impl Limits {
    /// Sets what is given; the rest stays.
    pub(super) fn apply(self, policy: &mut Policy) -> anyhow::Result<()> {
        policy.mode = self.mode.unwrap_or(policy.mode);
        policy.max_sessions = self.sessions.unwrap_or(policy.max_sessions);
        if let Some(pace) = self.pace {
            policy.pace_ms = u64::try_from(pace.as_millis())?;
        }
        if let Some(Choice(jobs)) = self.jobs_per_hour {
            policy.jobs_per_hour = jobs;
        }
        if let Some(Choice(hours)) = self.working_hours {
            policy.working_hours = hours;
        }
        if let Some(Choice(canary)) = self.canary {
            policy.canary = canary;
        }
        if let Some(Choice(sync)) = self.sync {
            policy.sync = sync;
        }
        if let Some(names) = self.authoritative {
            policy.authoritative = names.into_iter().filter_map(|Choice(name)| name).collect();
        }
        let safeguard = &mut policy.safeguard;
        safeguard.percent = self.safeguard.unwrap_or(safeguard.percent);
        safeguard.floor = self.safeguard_floor.unwrap_or(safeguard.floor);
        policy.pictures = self.pictures.unwrap_or(policy.pictures);
        policy.human_tasks = self.human_tasks.unwrap_or(policy.human_tasks);
        policy.leaver_patience_min = self.leaver_patience.unwrap_or(policy.leaver_patience_min);
        policy.evidence_days = self.evidence_days.unwrap_or(policy.evidence_days);
        let leavers = &mut policy.leavers;
        leavers.share.percent = self.leavers_percent.unwrap_or(leavers.share.percent);
        leavers.share.floor = self.leavers_floor.unwrap_or(leavers.share.floor);
        leavers.window_min = self.leavers_window.unwrap_or(leavers.window_min);
        if let Some(Choice(most)) = self.leavers_most {
            leavers.most = most;
        }
        Ok(())
    }
}
