//! The cases one after the other: who is in them, what each leaves behind, and that everything is put back at the end.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::connector::Connector;
use crate::store::SeenAccount;

use super::case::{Case, End, Verdict};
use super::people::{GroupMade, Person};
use super::person::Mark;
use super::recordings::Recordings;
use super::report::Report;
use super::sandbox::{Entry, Sandbox, Synced};

/// The one whom the integration protects.
pub(super) const PROTECTED: usize = 8;
/// The one who goes by the name of the service account.
pub(super) const SERVICE: usize = 9;
/// The one to whom most happens.
pub(super) const JOINER: usize = 1;
/// The one whose invitation is withdrawn.
pub(super) const INVITED: usize = 2;
/// From here on those who only make the list longer.
pub(super) const CROWD: usize = 10;

/// What is asked of the suite.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) entry: Entry,
    /// The names of the cases to play.
    pub(super) cases: BTreeSet<String>,
    /// The name of an account that may be changed for the time of the test.
    pub(super) member: Option<String>,
    /// How many people are made so that the list has more than a page.
    pub(super) fill: usize,
    pub(super) mark: Mark,
}

/// The suite while it is played.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) sandbox: Sandbox,
    pub(super) connector: Arc<Connector>,
    /// What the invitation is written as, to know what it is told of.
    pub(super) invite: String,
    pub(super) asked: Asked,
    pub(super) report: Report,
    /// Everybody whom the suite made.
    pub(super) people: Vec<Person>,
    /// The account that was lent to it.
    pub(super) member: Option<Person>,
    /// The group that it made.
    pub(super) group: Option<GroupMade>,
    /// What was seen of the one to whom most happens before access was taken away.
    pub(super) before_leaving: Option<SeenAccount>,
    /// How many accounts of the first list are protected though nobody made them; none as long as no list was read.
    pub(super) protected_at_first: Option<usize>,
    /// Where what a case did is kept, where that was asked for.
    pub(super) recordings: Option<Recordings>,
}

impl Suite {
    pub(super) fn new(sandbox: Sandbox, connector: Connector, invite: String, asked: Asked) -> Self {
        Self {
            sandbox,
            connector: Arc::new(connector),
            invite,
            asked,
            report: Report::new(),
            people: Vec::new(),
            member: None,
            group: None,
            before_leaving: None,
            protected_at_first: None,
            recordings: None,
        }
    }

    /// Plays every case that is asked for, and puts back what it changed. Ctrl-C ends the cases, and once more the putting back.
    pub(super) async fn play(&mut self) -> std::io::Result<()> {
        // One for all of it: whatever is pressed between two cases counts.
        let mut interrupts = signal(SignalKind::interrupt())?;
        let is_asked = |case: &Case| self.asked.cases.contains(&case.name());
        let cases: Vec<Case> = Case::of(&self.connector).into_iter().filter(is_asked).collect();
        let (last, cases): (Vec<Case>, Vec<Case>) =
            cases.into_iter().partition(|case| *case == Case::WrongPassword);
        let is_whole = self.play_all(&cases, &mut interrupts).await;
        if !is_whole {
            eprintln!("  putting everything back; Ctrl-C once more leaves it as it is");
        }
        tokio::select! {
            () = self.put_back() => {}
            _ = interrupts.recv() => self.leave_behind(),
        }
        if is_whole {
            self.play_all(&last, &mut interrupts).await;
        }
        Ok(())
    }

    /// Plays these; whether nobody broke it off.
    async fn play_all(&mut self, cases: &[Case], interrupts: &mut Signal) -> bool {
        for case in cases {
            tokio::select! {
                () = self.play_one(case) => {}
                _ = interrupts.recv() => {
                    self.report.is_broken_off = true;
                    return false;
                }
            }
        }
        true
    }

    async fn play_one(&mut self, case: &Case) {
        let name = case.name();
        let began = self.report.begin(&name);
        let verdict = match self.why_not(case) {
            Some(why) => Err(End::Skipped(why)),
            None => self.judge(case).await,
        };
        self.report.end(&name, began, verdict);
        if let Some(recordings) = &mut self.recordings
            && let Err(error) = recordings.keep(&self.sandbox.installation, &name).await
        {
            eprintln!("  {name}: what it did could not be kept: {error:#}");
        }
    }

    /// Why a case is not played.
    fn why_not(&self, case: &Case) -> Option<String> {
        case.beyond(&self.connector)
            .or_else(|| if *case == Case::Login { None } else { self.report.why_not(&Case::Login.name()) })
    }

    async fn judge(&mut self, case: &Case) -> Verdict {
        self.sandbox.make_ready().await?;
        let seen = self.act(case).await?;
        if case.is_about_ours() {
            self.is_as_wanted().await?;
        }
        Ok(seen)
    }

    async fn act(&mut self, case: &Case) -> Verdict {
        match case {
            Case::Login => self.login().await,
            Case::ListComplete => self.list_complete().await,
            Case::Invite => self.invite().await,
            Case::InviteAgain => self.invite_again().await,
            Case::Change(entitlement) => self.change(entitlement).await,
            Case::Grant(entitlement) => self.grant(entitlement).await,
            Case::Revoke(entitlement) => self.revoke(entitlement).await,
            Case::Rename => self.rename().await,
            Case::CreateGroup => self.create_group().await,
            Case::AddMember => self.add_member().await,
            Case::RenameGroup => self.rename_group().await,
            Case::RemoveMember => self.remove_member().await,
            Case::RemoveGroup => self.remove_group().await,
            Case::Deactivate => self.deactivate().await,
            Case::DeactivateAgain => self.deactivate_again().await,
            Case::Reactivate => self.reactivate().await,
            Case::CancelInvite => self.cancel_invite().await,
            Case::Remove => self.remove().await,
            Case::ServiceAccount => self.service_account().await,
            Case::Protected => self.protected().await,
            Case::LastAdmin => self.last_admin().await,
            Case::WrongPassword => self.wrong_password().await,
        }
    }

    /// Reads every account; from the first reading on it is known whether the service account is among them.
    pub(super) async fn sync(&mut self) -> Result<Synced, End> {
        let synced = self.sandbox.sync().await?;
        self.protected_at_first.get_or_insert(synced.plan.counts.protected);
        Ok(synced)
    }

    /// The same, where no list was read yet. How many accounts of the first one are protected.
    pub(super) async fn read_all_once(&mut self) -> Result<usize, End> {
        if let Some(protected) = self.protected_at_first {
            return Ok(protected);
        }
        let list = Case::ListComplete;
        if let Some(why) = list.beyond(&self.connector).or_else(|| self.report.why_failed(&list.name())) {
            return Err(End::Skipped(why));
        }
        Ok(self.sync().await?.plan.counts.protected)
    }

    /// A reading of all must find nothing to do for whom and what the suite made.
    async fn is_as_wanted(&mut self) -> Result<(), End> {
        let list = Case::ListComplete;
        // What is wrong with the list itself is told once.
        if list.beyond(&self.connector).is_some() || self.report.why_failed(&list.name()).is_some() {
            return Ok(());
        }
        let synced = self.sync().await?;
        let ours: BTreeSet<&str> =
            self.people.iter().chain(&self.member).map(|person| person.id.as_str()).collect();
        let group = self.group.as_ref().map(|group| group.id.as_str());
        let items = synced.items.iter().map(|found| &found.item);
        let found = items.filter(|item| {
            item.user_id.as_deref().is_some_and(|id| ours.contains(id))
                || item.group_id.is_some() && item.group_id.as_deref() == group
        });
        let found: Vec<String> =
            found.map(|item| format!("{} {}: {}", item.kind, item.name, item.note)).collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(End::otherwise(format!("a reading of all finds afterwards: {}", found.join("; "))))
    }
}
