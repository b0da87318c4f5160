//! Connectors that can do less than Acme Desk's own, or that name other administrators.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use usher::demo::{Member, Role, Status};
use usher::failure::FailureClass;
use usher::store::JobState;

use super::faults::{Wish, ask, done, job_when, many_members, no_patience};
use super::world::{World, connectors, user};

/// A folder with Acme Desk's connector, changed.
pub fn changed(change: impl FnOnce(&Path)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (connectors().join("acme-desk"), folder.path().join("acme-desk"));
    fs::create_dir_all(to.join("flows")).unwrap();
    for part in ["", "flows"] {
        for entry in fs::read_dir(from.join(part)).unwrap().flatten() {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), to.join(part).join(entry.file_name())).unwrap();
            }
        }
    }
    change(&to);
    folder
}

fn viewers(world: &World) -> Vec<Member> {
    let members = world.desk.members().into_iter();
    members.filter(|member| member.role == Role::Viewer && member.status == Status::Active).collect()
}

/// What the app itself does not mind, Usher refuses: the last one of those whom the connector calls administrators (R15).
#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays_one() {
    let viewers_are_admins = changed(|connector| {
        let path = connector.join("connector.yaml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("admins: [owner]"));
        fs::write(&path, text.replace("admins: [owner]", "admins: [viewer]")).unwrap();
    });
    let desk = usher::demo::Options { members: 12, ..many_members() };
    let world = World::with_connectors(desk, no_patience(), viewers_are_admins.path()).await;
    let store = &world.installation.store;
    let all = viewers(&world);
    assert!(all.len() > 1, "{all:?}");
    for (n, viewer) in all.iter().enumerate() {
        let wish = user(&viewer.email, &viewer.name, true, "agent");
        let id = world.scim.create(&wish).await;
        let job = super::faults::job_of(store, &id).await;
        let job = job_when(store, &job.id, |job| job.state.is_settled()).await;
        let expected = if n + 1 < all.len() {
            (JobState::Done, None)
        } else {
            (JobState::Held, Some(FailureClass::LastAdmin))
        };
        assert_eq!((job.state, job.class), expected, "{:?}", job.message);
    }
    assert_eq!(world.record().len(), all.len() - 1, "{:?}", world.record());
    assert_eq!(viewers(&world).len(), 1);
    world.end().await;
}

/// Without `read_account` an account is looked for on the whole list.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_enough_to_read_from() {
    let only_a_list =
        changed(|connector| fs::remove_file(connector.join("flows/read_account.yaml")).unwrap());
    let world = World::with_connectors(many_members(), no_patience(), only_a_list.path()).await;
    for (n, wish) in Wish::ALL.into_iter().enumerate() {
        let asked = ask(&world.scim, &world.installation.store, &world.desk.members(), wish, n).await;
        done(&world.installation.store, &asked.job).await;
        assert_eq!(world.record()[n..], [wish.recorded(&asked.email)]);
    }
    world.end().await;
}

/// Nor is an account absent because a list that may not be whole does not show it (R18).
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_may_not_be_whole_proves_no_absence() {
    let first_page_only = changed(|connector| {
        fs::remove_file(connector.join("flows/read_account.yaml")).unwrap();
        let path = connector.join("flows/list_accounts.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("next:")).collect();
        assert!(lines.len() < text.lines().count());
        fs::write(&path, lines.join("\n")).unwrap();
    });
    let world = World::with_connectors(many_members(), no_patience(), first_page_only.path()).await;
    let store = &world.installation.store;
    let asked = ask(&world.scim, store, &world.desk.members(), Wish::Invite, 0).await;
    let job = job_when(store, &asked.job, |job| job.state.is_settled()).await;
    assert_eq!((job.state, job.class), (JobState::Failed, Some(FailureClass::UiDrift)), "{:?}", job.message);
    assert!(job.message.unwrap().contains("nothing on the page proves that the list was complete"));
    assert_eq!(world.record(), [""; 0]);
    world.end().await;
}
