//! The cases of groups that are made in the app.

use serde_json::{Value, json};

use super::case::{End, Verdict};
use super::people::GroupMade;
use super::story::Suite;

impl Suite {
    pub(super) async fn create_group(&mut self) -> Verdict {
        let group = self.made().await?;
        Ok(group.name)
    }

    /// The group of the suite; made now, where it is not there.
    async fn made(&mut self) -> Result<GroupMade, End> {
        if let Some(group) = &self.group {
            return Ok(group.clone());
        }
        if !self.connector.can("create_group") {
            return Err(End::skipped(
                "the connector has no flow `create_group`, and there is no group to try it on",
            ));
        }
        if let Some(why) = self.report.why_not("create_group") {
            return Err(End::skipped(format!("there is no group to try it on: {why}")));
        }
        let name = self.asked.mark.group();
        let shown = self.sandbox.push_group(None, resource(&name, &[])).await?;
        let id = shown.resource.id().unwrap_or_default().to_owned();
        let group = GroupMade { id, name, members: Vec::new() };
        self.group = Some(group.clone());
        self.sandbox.follow(&shown).await?;
        Ok(group)
    }

    /// Wants the group so, and that these flows do it and no other.
    async fn want_group(&mut self, group: GroupMade, expected: &str) -> Result<(), End> {
        self.group = Some(group.clone());
        let pushed = resource(&group.name, &group.members);
        let shown = self.sandbox.push_group(Some(&group.id), pushed).await?;
        let done = self.sandbox.follow(&shown).await?;
        match done.flows.as_slice() {
            [flow] if flow == expected => Ok(()),
            flows => Err(End::otherwise(format!(
                "`{expected}` alone was to run, and these did: {}",
                in_words(flows)
            ))),
        }
    }

    pub(super) async fn add_member(&mut self) -> Verdict {
        let group = self.made().await?;
        let subject = self.subject().await?;
        if group.members.contains(&subject.id) {
            return Ok(format!("{} is in it", subject.name));
        }
        let before = self.sandbox.seen(&subject.id).await?;
        let group = GroupMade { members: vec![subject.id.clone()], ..group };
        self.want_group(group.clone(), "add_member").await?;
        let after = self.sandbox.seen(&subject.id).await?;
        if !after.groups.as_ref().is_some_and(|groups| groups.contains(&group.name)) {
            return Err(End::otherwise(format!("the reading of {} does not show the group", subject.name)));
        }
        self.rest_is_left((&before, &after), &[], true)?;
        Ok(format!("{} is in it", subject.name))
    }

    pub(super) async fn rename_group(&mut self) -> Verdict {
        let group = self.made().await?;
        let name = self.asked.mark.renamed_group();
        let has_members = !group.members.is_empty();
        self.want_group(GroupMade { name: name.clone(), ..group }, "rename_group").await?;
        if has_members {
            let subject = self.subject().await?;
            // Under the new name by now, and in it as before.
            self.sandbox.again(&subject.id).await?;
            let groups = self.sandbox.seen(&subject.id).await?.groups.unwrap_or_default();
            if !groups.contains(&name) {
                return Err(End::otherwise(format!("{} is not in the group of the new name", subject.name)));
            }
        }
        Ok(name)
    }

    pub(super) async fn remove_member(&mut self) -> Verdict {
        let group = self.made().await?;
        let subject = self.subject().await?;
        if group.members.is_empty() {
            if !self.connector.can("add_member") {
                return Err(End::skipped(
                    "the connector has no flow `add_member`, and nobody is in the group",
                ));
            }
            self.add_member().await?;
        }
        let Some(group) = self.group.clone() else { return Err(End::skipped("there is no group")) };
        let before = self.sandbox.seen(&subject.id).await?;
        let name = group.name.clone();
        self.want_group(GroupMade { members: Vec::new(), ..group }, "remove_member").await?;
        let after = self.sandbox.seen(&subject.id).await?;
        if after.groups.as_ref().is_none_or(|groups| groups.contains(&name)) {
            return Err(End::otherwise(format!("the reading of {} still shows the group", subject.name)));
        }
        self.rest_is_left((&before, &after), &[], true)?;
        Ok(format!("{} is not in it any more", subject.name))
    }

    pub(super) async fn remove_group(&mut self) -> Verdict {
        let group = self.made().await?;
        let shown = self.sandbox.delete_group(&group.id).await?;
        self.sandbox.follow(&shown).await?;
        self.group = None;
        Ok("it is gone".to_owned())
    }
}

fn resource(name: &str, members: &[String]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name,
        "members": members,
    })
}

pub(super) fn in_words(flows: &[String]) -> String {
    if flows.is_empty() { "none".to_owned() } else { flows.join(", ") }
}
