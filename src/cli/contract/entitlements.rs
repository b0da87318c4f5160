//! The cases of what an account holds.

use crate::connector::attributes::EXTENSION;
use crate::connector::{Entitlement, Values};

use super::accounts::only;
use super::case::{End, Verdict};
use super::person::hold;
use super::story::Suite;

impl Suite {
    /// Another value of a type of which an account holds one, and the one that it had again.
    pub(super) async fn change(&mut self, entitlement: &str) -> Verdict {
        let mut person = self.subject().await?;
        let declared = self.declared(entitlement).await?;
        let before = self.sandbox.seen(&person.id).await?;
        let Some(had) = before.entitlements.get(entitlement).and_then(|keys| keys.first().cloned()) else {
            return Err(End::skipped(format!("no reading shows the {entitlement}")));
        };
        let keys = || declared.keys().filter(|key| *key != had);
        let is_admin = |key: &&str| declared.admins.iter().any(|admin| admin == key);
        // An administrator only where there is nothing else to be.
        let Some(key) = keys().find(|key| !is_admin(key)).or_else(|| keys().next()).map(str::to_owned) else {
            return Err(End::skipped(format!("the app has no other {entitlement}")));
        };
        let flow = format!("change_{entitlement}");
        let mut last = before.clone();
        for target in [&key, &had] {
            let mut resource = person.resource.clone();
            hold(&mut resource, entitlement, target.as_str().into());
            let (flows, after) = self.want(&mut person, resource).await?;
            only(&flow, &flows)?;
            self.rest_is_left((&last, &after), &[entitlement], true)?;
            last = after;
        }
        Ok(format!("from {had} to {key} and back"))
    }

    /// Something more of a type of which an account holds many.
    pub(super) async fn grant(&mut self, entitlement: &str) -> Verdict {
        let mut person = self.subject().await?;
        let before = self.sandbox.seen(&person.id).await?;
        let Some(held) = before.entitlements.get(entitlement).cloned() else {
            return Err(End::skipped(format!("no reading shows what is held of {entitlement}")));
        };
        let declared = self.declared(entitlement).await?;
        let Some(key) = declared.keys().map(str::to_owned).find(|key| !held.contains(key)) else {
            return Err(End::skipped(format!("the app has no {entitlement} that the account does not hold")));
        };
        let mut resource = person.resource.clone();
        let all: Vec<String> = held.iter().cloned().chain([key.clone()]).collect();
        hold(&mut resource, entitlement, all.into());
        let (flows, after) = self.want(&mut person, resource).await?;
        let above = self.above(entitlement);
        if above.len() == 1 {
            only(&format!("grant_{entitlement}"), &flows)?;
        }
        self.rest_is_left((&before, &after), &above, true)?;
        Ok(key)
    }

    pub(super) async fn revoke(&mut self, entitlement: &str) -> Verdict {
        let mut person = self.subject().await?;
        let before = self.sandbox.seen(&person.id).await?;
        let mut keep = before.entitlements.get(entitlement).cloned().unwrap_or_default();
        let mut resource = person.resource.clone();
        // Only what was given here is taken away again.
        let given = resource.get(EXTENSION).and_then(|held| held[entitlement].as_array()?.last()?.as_str());
        let Some(key) = given.map(str::to_owned).filter(|key| keep.remove(key)) else {
            return Err(End::skipped(format!("nothing of {entitlement} was given here")));
        };
        hold(&mut resource, entitlement, keep.into_iter().collect());
        let (flows, after) = self.want(&mut person, resource).await?;
        only(&format!("revoke_{entitlement}"), &flows)?;
        self.rest_is_left((&before, &after), &[entitlement], true)?;
        Ok(key)
    }

    /// The type of entitlement with the values that there are, as far as the app lists them.
    async fn declared(&mut self, entitlement: &str) -> Result<Entitlement, End> {
        let is_listed = |one: &Entitlement| one.values == Values::Listed;
        if self.connector.entitlement(entitlement).is_some_and(is_listed) {
            self.read_all_once().await?;
        }
        let connector = self.sandbox.integration().await?.connector;
        let declared = connector.entitlement(entitlement).cloned();
        declared.ok_or_else(|| End::skipped(format!("the connector does not declare {entitlement}")))
    }

    /// A type, and those that its values belong to.
    fn above<'a>(&'a self, entitlement: &'a str) -> Vec<&'a str> {
        let parent = |name: &&'a str| self.connector.entitlement(name)?.parent.as_deref();
        std::iter::successors(Some(entitlement), parent).take(self.connector.entitlements.len()).collect()
    }
}
