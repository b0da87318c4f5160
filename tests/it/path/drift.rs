//! The app's pages change: work stops before its commit step, and says what was looked for and what is there.

use usher::demo::Switches;
use usher::failure::FailureClass;
use usher::integration::{Policy, Standing};
use usher::server::Installation;
use usher::store::{JobFilter, JobRow, JobState};

use super::faults::{Wish, agents, done, job_of, job_when, many_members, no_patience};
use super::variants::changed;
use super::world::{World, user};

/// The latest job.
async fn latest(world: &World) -> JobRow {
    let filter = JobFilter { integration_id: None, state: None, before: None, limit: 1 };
    world.installation.store.list_jobs(&filter).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_design_stops_every_change_and_is_described() {
    let policy = Policy { patience_ms: 50_000, ..Policy::default() };
    let world = World::with(many_members(), policy).await;
    let people = agents(&world.desk.members());
    // A leaver must not count as gone because the table that would show them is gone.
    let wishes = [
        (user(&people[1].0, &people[1].1, false, "agent"), Wish::Suspend.recorded(&people[1].0)),
        (user(&people[2].0, "Renamed Person", true, "agent"), format!("updated {}", people[2].0)),
    ];
    world.desk.set_switches(Switches { new_design: true, ..world.desk.switches() });
    let mut jobs = Vec::new();
    // The first fails twice, the second once: then nobody reads what cannot be read.
    for ((wish, _), state) in wishes.iter().zip([JobState::Failed, JobState::Held]) {
        let (status, body) = world.scim.post(wish).await;
        let detail = body["detail"].as_str().unwrap_or_default().to_owned();
        assert_eq!(status, 500, "{body}");
        assert!(detail.starts_with("ui_drift: "), "{detail}");
        let job = latest(&world).await;
        assert_eq!((job.state, job.class), (state, Some(FailureClass::UiDrift)), "{:?}", job.message);
        assert!(detail.contains(&job.id), "it says how to go on: {detail}");
        let shown = world.installation.store.show_job(&job.id).await.unwrap().unwrap();
        assert!(
            shown.attempts.iter().all(|detail| detail.attempt.committing_at.is_none()),
            "{:?}",
            shown.attempts
        );
        assert!(detail.contains("no table \"Members\""), "{detail}");
        jobs.push(job);
    }
    assert_eq!(world.record(), [""; 0]);

    world.desk.set_switches(Switches { new_design: false, ..world.desk.switches() });
    for (n, (job, (_, recorded))) in jobs.iter().zip(&wishes).enumerate().rev() {
        let store = &world.installation.store;
        match job.state {
            JobState::Held => store.release_job(&job.id, "the old design is back", "test").await.unwrap(),
            _ => store.retry_job(&job.id, "test").await.unwrap(),
        };
        done(&world.installation.store, &job.id).await;
        assert_eq!(world.record().len(), wishes.len() - n, "{:?}", world.record());
        assert_eq!(world.record().last(), Some(recorded));
    }
    world.end().await;
}

/// The design changes after the account was read: only then does an operation meet it.
#[tokio::test(flavor = "multi_thread")]
async fn a_design_that_changes_in_mid_job_names_the_button_and_its_neighbours() {
    let policy = Policy { patience_ms: 50_000, ..Policy::default() };
    let world = World::with(many_members(), policy).await;
    let people = agents(&world.desk.members());
    // Logged in, with all that is read once read before.
    world.scim.create(&user(&people[0].0, &people[0].1, true, "agent")).await;
    let held = world.desk.hold_after(1);
    let wish = user(&people[1].0, &people[1].1, true, "viewer");
    let asking = tokio::spawn({
        let scim = world.scim.clone();
        async move { scim.post(&wish).await }
    });
    world.desk.requested(held).await;
    world.desk.set_switches(Switches { new_design: true, ..world.desk.switches() });
    world.desk.release();
    let (status, body) = asking.await.unwrap();
    assert_eq!(status, 500, "{body}");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.starts_with("ui_drift: "), "{detail}");
    assert_eq!(world.record(), [""; 0]);
    let job = latest(&world).await;
    assert_eq!(job.class, Some(FailureClass::UiDrift));
    let shown = world.installation.store.show_job(&job.id).await.unwrap().unwrap();
    assert!(
        shown.attempts.iter().all(|detail| detail.attempt.committing_at.is_none()),
        "{:?}",
        shown.attempts
    );
    let first = shown.attempts[0].attempt.message.clone().unwrap();
    assert!(first.contains("; there is"), "{first}");
    world.desk.set_switches(Switches { new_design: false, ..world.desk.switches() });
    world.installation.store.retry_job(&job.id, "test").await.unwrap();
    done(&world.installation.store, &job.id).await;
    assert_eq!(world.record(), [Wish::ChangeRole.recorded(&people[1].0)]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_pop_up_is_in_nobodys_way() {
    let desk = usher::demo::Options { whats_new: true, ..many_members() };
    let world = World::with(desk, Policy { patience_ms: 50_000, ..Policy::default() }).await;
    let people = agents(&world.desk.members());
    let (email, name) = &people[0];
    let id = world.scim.create(&user(email, name, true, "viewer")).await;
    let (status, body) = world.scim.put(&id, &user(email, "Somebody Else", true, "viewer")).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = world.scim.put(&id, &user(email, "Somebody Else", false, "viewer")).await;
    assert_eq!(status, 200, "{body}");
    world.scim.create(&user("new@acme.example", "New Person", true, "agent")).await;
    let expected = [
        format!("role_changed {email}"),
        format!("updated {email}"),
        format!("suspended {email}"),
        "invited new@acme.example".to_owned(),
    ];
    assert_eq!(world.record(), expected);
    world.end().await;
}

/// The commit step was announced and its button is not there: nothing was sent, and nobody is told that the app may have been changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_button_with_another_name_is_drift_and_changes_nothing() {
    let connectors = changed(|folder| {
        let flow = folder.join("flows/change_role.yaml");
        let text = std::fs::read_to_string(&flow).unwrap();
        let renamed = text.replace(
            "      - click: button \"Save\"\n",
            "      - click: button \"Keep\"\n        timeout: 1s\n",
        );
        assert_ne!(renamed, text);
        std::fs::write(flow, renamed).unwrap();
    });
    let world = World::with_connectors(many_members(), no_patience(), connectors.path()).await;
    let store = &world.installation.store;
    let (email, name) = &agents(&world.desk.members())[0];
    let id = world.scim.create(&user(email, name, true, "viewer")).await;
    let job = job_when(store, &job_of(store, &id).await.id, |job| job.state.is_settled()).await;
    assert_eq!((job.state, job.class), (JobState::Failed, Some(FailureClass::UiDrift)), "{:?}", job.message);
    assert!(job.message.unwrap().contains("no button \"Keep\""));
    let shown = store.show_job(&job.id).await.unwrap().unwrap();
    let announced: Vec<_> = shown.attempts.iter().map(|detail| detail.attempt.committing_at).collect();
    assert_eq!(announced, [None, None]);
    assert_eq!(world.record(), [""; 0]);
    world.end().await;
}

/// Three failures in a row stop the operation; with the mended connector one job tries it, and then all who waited are served.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_again_and_again_waits_for_a_mended_connector() {
    let flow = |folder: &std::path::Path| folder.join("flows/invite.yaml");
    let broken = |text: &str| text.replace("button \"Invite member\"", "button \"Invite somebody\"");
    let connectors = changed(|folder| {
        let text = std::fs::read_to_string(flow(folder)).unwrap();
        assert_ne!(broken(&text), text);
        std::fs::write(flow(folder), broken(&text)).unwrap();
    });
    let world = World::with_connectors(many_members(), no_patience(), connectors.path()).await;
    let store = world.installation.store.clone();
    let mut jobs = Vec::new();
    for (number, expected) in [JobState::Failed, JobState::Held, JobState::Held].into_iter().enumerate() {
        let wish = user(&format!("new{number}@acme.example"), &format!("New {number}"), true, "agent");
        let id = world.scim.create(&wish).await;
        let job = job_when(&store, &job_of(&store, &id).await.id, |job| job.state.is_settled()).await;
        assert_eq!((job.state, job.class), (expected, Some(FailureClass::UiDrift)), "{:?}", job.message);
        jobs.push(job);
    }
    let message = jobs[2].message.clone().unwrap();
    assert!(message.contains("`invite` is not begun any more since"), "{message}");
    assert!(message.contains("no button \"Invite somebody\""), "{message}");
    let (standing, reasons) = stands(&world.installation).await;
    assert_eq!(standing, Standing::ConnectorDrift);
    assert!(reasons[0].starts_with("`invite` is not begun any more since"), "{reasons:?}");
    assert_eq!(reasons[1..], ["its login was never tested", "2 jobs are held"]);
    // Other operations go on.
    let people = agents(&world.desk.members());
    let wish = user(&people[0].0, &people[0].1, true, "viewer");
    let id = world.scim.create(&wish).await;
    done(&store, &job_of(&store, &id).await.id).await;
    let changed_role = Wish::ChangeRole.recorded(&people[0].0);
    assert_eq!(world.record(), [changed_role.as_str()]);

    let World { desk, server, data, .. } = world;
    server.stop().await;
    let text = std::fs::read_to_string(flow(&super::world::connectors().join("acme-desk"))).unwrap();
    std::fs::write(flow(&connectors.path().join("acme-desk")), text).unwrap();
    let installation = super::world::open_with(data.path(), connectors.path()).await;
    let server = super::world::start(&installation).await;
    for job in &jobs[1..] {
        job_when(&installation.store, &job.id, |job| job.state == JobState::Done).await;
    }
    let expected = [changed_role.as_str(), "invited new1@acme.example", "invited new2@acme.example"];
    assert_eq!(super::world::record(&desk), expected);
    // Which says nothing of the login and the list, until somebody has tried.
    assert_eq!(
        stands(&installation).await,
        (Standing::NotValidated, vec!["its login was never tested".to_owned()])
    );
    server.stop().await;
    desk.stop().await;
}

async fn stands(installation: &Installation) -> (Standing, Vec<String>) {
    let desk = installation.integrations.find("desk").await.unwrap().unwrap();
    installation.integrations.standing(&desk).await.unwrap()
}
