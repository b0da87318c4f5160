//! The cases of one account, from the list that shows it to its end.

use crate::account::Status;
use crate::connector::{Deactivate, Holds};
use crate::failure::FailureClass;
use crate::store::SeenAccount;
use crate::trace::StepRecord;

use super::case::{End, Verdict};
use super::groups::in_words;
use super::people::Person;
use super::story::{CROWD, INVITED, JOINER, Suite};

impl Suite {
    /// The list has everybody on it, over more than one page.
    pub(super) async fn list_complete(&mut self) -> Verdict {
        for number in CROWD..CROWD + self.asked.fill {
            self.make(number).await?;
        }
        let synced = self.sync().await?;
        let is_found = |person: &&Person| {
            synced.items.iter().any(|found| found.item.user_id.as_ref() == Some(&person.id))
        };
        if let Some(person) = self.people.iter().find(is_found) {
            return Err(End::otherwise(format!("the list does not show {} as it was made", person.name)));
        }
        let accounts = synced.plan.counts.accounts;
        let attempts = self.sandbox.attempts(&synced.job.id).await?;
        let Some((words, pages)) = attempts.last().and_then(|attempt| pages_of_list(&attempt.steps)) else {
            return Ok(format!("read {accounts} accounts, not in pages"));
        };
        if pages > 1 {
            return Ok(words);
        }
        Err(End::skipped(format!(
            "one page was all there was to see ({words}); with more people in the app, or with `--fill N`, there may be two"
        )))
    }

    /// Somebody new is read as they were wanted, and nothing that the invitation was told had to be put right.
    pub(super) async fn invite(&mut self) -> Verdict {
        let (person, flows) = self.make(JOINER).await?;
        if flows.first().is_none_or(|flow| flow != "invite") {
            return Err(End::otherwise(format!("`invite` was to run, and these did: {}", in_words(&flows))));
        }
        let connector = self.connector.clone();
        let wanted = connector.wanted(&person.resource).map_err(|_| {
            End::of(FailureClass::InvalidValue, "the connector does not take a user as the suite has them")
        })?;
        let tells = |what: &str| self.invite.contains(what);
        let tells_all = wanted.attributes.keys().all(|name| tells(&format!("account.{name}")));
        if tells_all && flows.iter().any(|flow| flow == "update") {
            return Err(End::otherwise(
                "`invite` is told every attribute, and `update` had to put right what it made of them",
            ));
        }
        let one_valued = connector.entitlements.iter().filter(|one| one.holds == Holds::One);
        for name in one_valued.map(|one| &one.name) {
            if tells(&format!("{name}.")) && flows.contains(&format!("change_{name}")) {
                return Err(End::otherwise(format!(
                    "`invite` is told the {name}, and `change_{name}` had to put right what it made of it"
                )));
            }
        }
        let seen = self.sandbox.seen(&person.id).await?;
        let hidden: Vec<&str> = wanted.attributes.keys().map(String::as_str).collect();
        let hidden: Vec<&str> =
            hidden.into_iter().filter(|name| !seen.attributes.contains_key(*name)).collect();
        let doubt = match hidden.as_slice() {
            [] => String::new(),
            names => format!("; no reading shows {}", names.join(", ")),
        };
        Ok(format!("{} is {}; ran {}{doubt}", person.name, seen.status, in_words(&flows)))
    }

    pub(super) async fn invite_again(&mut self) -> Verdict {
        let person = self.joiner().await?;
        self.nothing_to_do(&person).await
    }

    /// Another comparison of the account changes nothing.
    async fn nothing_to_do(&self, person: &Person) -> Verdict {
        match self.sandbox.again(&person.id).await?.flows.as_slice() {
            [] => Ok("nothing had to be changed".to_owned()),
            flows => {
                Err(End::otherwise(format!("nothing was to change, and these ran: {}", in_words(flows))))
            }
        }
    }

    /// Another name; everything else stays.
    pub(super) async fn rename(&mut self) -> Verdict {
        let mut person = self.subject().await?;
        let mut resource = person.resource.clone();
        self.asked.mark.rename(&mut resource, person.number);
        let as_wanted = |resource| self.connector.wanted(resource).map(|wanted| wanted.attributes);
        let (Ok(old), Ok(new)) = (as_wanted(&person.resource), as_wanted(&resource)) else {
            return Err(End::of(FailureClass::InvalidValue, "the connector does not take the new name"));
        };
        let changed: Vec<&str> = new
            .iter()
            .filter(|(name, value)| old.get(*name) != Some(value))
            .map(|(name, _)| name.as_str())
            .collect();
        if changed.is_empty() {
            return Err(End::skipped("no attribute of an account comes from the name of a person"));
        }
        let before = self.sandbox.seen(&person.id).await?;
        let (flows, after) = self.want(&mut person, resource).await?;
        if !changed.iter().any(|name| after.attributes.contains_key(*name)) {
            return Err(End::skipped(format!("no reading shows {}", changed.join(", "))));
        }
        only("update", &flows)?;
        self.rest_is_left((&before, &after), &changed, true)?;
        Ok(format!("changed {}", changed.join(", ")))
    }

    /// The one to whom most happens, who can get in; else why access cannot be taken away.
    async fn active_subject(&mut self) -> Result<Person, End> {
        let person = self.subject().await?;
        if self.sandbox.seen(&person.id).await?.status == Status::Invited {
            // Somebody may have accepted meanwhile.
            self.sandbox.again(&person.id).await?;
        }
        match self.sandbox.seen(&person.id).await?.status {
            Status::Invited => Err(End::skipped(format!(
                "nobody has accepted the invitation of {}; `--member` names an account that may be changed",
                person.name
            ))),
            _ => Ok(person),
        }
    }

    pub(super) async fn deactivate(&mut self) -> Verdict {
        let mut person = self.active_subject().await?;
        let flows = self.lock_out(&mut person).await?;
        if flows.is_empty() {
            return Err(End::otherwise("nothing was done to take the access away"));
        }
        Ok(format!("{} is {}", person.name, self.sandbox.seen(&person.id).await?.status))
    }

    /// Takes access away, where that was not done; gives the flows that ran.
    async fn lock_out(&mut self, person: &mut Person) -> Result<Vec<String>, End> {
        if person.resource.get("active") == Some(&false.into()) {
            return Ok(Vec::new());
        }
        let before = self.sandbox.seen(&person.id).await?;
        self.before_leaving = Some(before);
        let mut resource = person.resource.clone();
        resource.insert("active".to_owned(), false.into());
        let (flows, seen) = self.want(person, resource).await?;
        let is_out = match &self.connector.account.deactivate {
            None | Some(Deactivate::Suspend) => seen.status == Status::Suspended,
            Some(Deactivate::Remove) => seen.status == Status::Absent,
            Some(Deactivate::Downgrade { entitlement, key }) => {
                seen.entitlements.get(entitlement).is_some_and(|held| held.contains(key))
            }
        };
        match is_out {
            true => Ok(flows),
            false => {
                Err(End::otherwise(format!("the access was taken away, and the account is {}", seen.status)))
            }
        }
    }

    pub(super) async fn deactivate_again(&mut self) -> Verdict {
        let mut person = self.active_subject().await?;
        self.stands_on("deactivate")?;
        self.lock_out(&mut person).await?;
        self.nothing_to_do(&person).await
    }

    pub(super) async fn reactivate(&mut self) -> Verdict {
        let mut person = self.active_subject().await?;
        self.stands_on("deactivate")?;
        self.lock_out(&mut person).await?;
        let mut resource = person.resource.clone();
        resource.insert("active".to_owned(), true.into());
        let (_, after) = self.want(&mut person, resource).await?;
        if !matches!(after.status, Status::Active | Status::Invited) {
            return Err(End::otherwise(format!(
                "the access was given back, and the account is {}",
                after.status
            )));
        }
        if let Some(before) = self.before_leaving.take() {
            let same_account = self.connector.account.deactivate != Some(Deactivate::Remove);
            self.rest_is_left((&before, &after), &[], same_account)?;
        }
        Ok(format!("{} is {}, and as before", person.name, after.status))
    }

    pub(super) async fn cancel_invite(&mut self) -> Verdict {
        if !self.connector.can("invite") {
            return Err(End::skipped("the connector has no flow `invite`"));
        }
        let (mut person, _) = self.make(INVITED).await?;
        let seen = self.sandbox.seen(&person.id).await?;
        if seen.status != Status::Invited {
            return Err(End::skipped(format!("whoever is invited is {} at once", seen.status)));
        }
        let mut resource = person.resource.clone();
        resource.insert("active".to_owned(), false.into());
        let (flows, seen) = self.want(&mut person, resource).await?;
        only("cancel_invite", &flows)?;
        match seen.status {
            Status::Absent => Ok(format!("{} is gone", person.name)),
            status => {
                Err(End::otherwise(format!("the invitation was withdrawn, and the account is {status}")))
            }
        }
    }

    pub(super) async fn remove(&mut self) -> Verdict {
        let person = self.joiner().await?;
        self.sandbox.again(&person.id).await?;
        let seen = self.sandbox.seen(&person.id).await?;
        if seen.status == Status::Invited && self.connector.can("cancel_invite") {
            return Err(End::skipped(format!("nobody has accepted the invitation of {}", person.name)));
        }
        if seen.status == Status::Absent {
            return Err(End::skipped("the account is gone already"));
        }
        let shown = self.sandbox.delete(&person.id).await?;
        let flows = self.sandbox.follow(&shown).await?.flows;
        only("remove", &flows)?;
        match self.sandbox.seen(&person.id).await?.status {
            Status::Absent => {
                self.people.retain(|known| known.id != person.id);
                Ok(format!("{} is gone", person.name))
            }
            status => Err(End::otherwise(format!("the account was removed, and is {status}"))),
        }
    }

    fn stands_on(&self, case: &str) -> Result<(), End> {
        match self.report.why_not(case) {
            Some(why) => Err(End::Skipped(why)),
            None => Ok(()),
        }
    }

    /// Nothing differs between the two readings but these attributes and entitlements. What the app alone decides may.
    pub(super) fn rest_is_left(
        &self,
        (before, after): (&SeenAccount, &SeenAccount),
        except: &[&str],
        is_same_account: bool,
    ) -> Result<(), End> {
        let can_get_in = |status| matches!(status, Status::Active | Status::Invited);
        let mut changed: Vec<String> = Vec::new();
        if is_same_account && before.app_id != after.app_id {
            changed.push("the id of the account".to_owned());
        }
        if can_get_in(before.status) != can_get_in(after.status) {
            changed.push(format!("the status, from {} to {}", before.status, after.status));
        }
        let others = |name: &&String| !except.contains(&name.as_str());
        let is_ours =
            |name: &&String| self.connector.account.attribute(name).is_some_and(|one| !one.read_only);
        for name in before.attributes.keys().filter(others).filter(is_ours) {
            if before.attributes.get(name) != after.attributes.get(name) {
                changed.push(name.clone());
            }
        }
        for name in before.entitlements.keys().filter(others) {
            if before.entitlements.get(name) != after.entitlements.get(name) {
                changed.push(name.clone());
            }
        }
        match changed.as_slice() {
            [] => Ok(()),
            changed => Err(End::otherwise(format!("it changed more than it was to: {}", changed.join(", ")))),
        }
    }
}

/// What was said of the list of accounts, and on how many pages it was; none where nothing was collected from pages.
fn pages_of_list(steps: &[StepRecord]) -> Option<(String, usize)> {
    let of_accounts = steps.iter().skip_while(|step| step.flow != "list_accounts");
    let pages = |words: &str| words.rsplit_once(" on ")?.1.split(' ').next()?.parse().ok();
    let mut told = of_accounts.map(|step| &step.words).filter(|words| words.starts_with("listed "));
    told.find_map(|words| Some((words.clone(), pages(words)?)))
}

/// That flow ran, and no other.
pub(super) fn only(flow: &str, ran: &[String]) -> Result<(), End> {
    match ran {
        [one] if one == flow => Ok(()),
        ran => Err(End::otherwise(format!("`{flow}` alone was to run, and these did: {}", in_words(ran)))),
    }
}
