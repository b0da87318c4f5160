//! What happens to people in an app: the same for every app, as far as the app can.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use usher::clock::{Clock, SystemClock};
use usher::connector::{Deactivate, load};
use usher::store::{ItemKind, PlanItem};

use super::app::{App, Kept};
use super::gateway::{Gateway, Person};

/// Somebody new.
fn ada(app: &dyn App) -> Person {
    Person {
        user_name: "ada.king@apps.example".to_owned(),
        given: "Ada".to_owned(),
        family: "King".to_owned(),
        role: app.roles()[0].to_owned(),
        groups: app.groups().iter().take(1).map(|group| (*group).to_owned()).collect(),
        active: true,
    }
}

/// How the app must keep the person.
fn kept(person: &Person, id: &str) -> Kept {
    Kept {
        id: id.to_owned(),
        name: person.full_name(),
        role: person.role.clone(),
        groups: person.groups.clone(),
        active: person.active,
    }
}

/// The scenes with the seconds that each took.
struct Scenes {
    /// When the one that goes on began, on the monotonic clock.
    began: Duration,
    told: Vec<(&'static str, Duration)>,
    /// What a reading of all finds of people whom the connector cannot take as they are, such as a role that it does not declare.
    beyond: Vec<String>,
    /// How many readings found nothing else.
    empty: usize,
}

impl Scenes {
    fn end(&mut self, scene: &'static str) {
        let now = SystemClock.elapsed();
        self.told.push((scene, now.saturating_sub(self.began)));
        self.began = now;
    }

    /// The same, after which a reading of all must find that everything is as it is known and wanted.
    async fn end_as_wanted(&mut self, scene: &'static str, gateway: &Gateway) {
        self.end(scene);
        let (_, items) = gateway.sync().await;
        assert_eq!(found(&items), self.beyond, "after: {scene}");
        self.empty += 1;
        self.began = SystemClock.elapsed();
    }
}

/// What a plan says of whom.
fn found(items: &[PlanItem]) -> Vec<String> {
    items.iter().map(|item| format!("{} {}: {}", item.item.kind, item.item.name, item.item.note)).collect()
}

/// Everything, in one run of the app.
pub async fn tell(app: &dyn App) {
    let running = app.start().await;
    let gateway = Gateway::start(app, &running.address, app.service_account().1).await;
    let mut scenes = Scenes { began: SystemClock.elapsed(), told: Vec::new(), beyond: Vec::new(), empty: 0 };
    let seeded = app.count().await;
    assert_eq!(seeded, 26, "25 people and the service account");
    import(&gateway, seeded, &mut scenes).await;
    joiner_mover_leaver(app, &gateway, &mut scenes).await;
    odd_name(app, &gateway, &mut scenes).await;
    assert_eq!(app.count().await, seeded, "everybody who was made is gone again, and nobody else");

    assert_eq!(gateway.test().await, format!("logged in and read {seeded} accounts"));
    scenes.end("list everybody");
    let flows = gateway.flows().await;
    gateway.end().await;
    wrong_password(app, &running.address, &mut scenes).await;
    report(app, &scenes, &flows);
}

/// Those who are in the app already become known, and after that nothing more is found.
async fn import(gateway: &Gateway, seeded: usize, scenes: &mut Scenes) {
    let (plan, mut items) = gateway.sync().await;
    // Groups of the app are groups here from now on.
    items.retain(|item| item.item.kind != ItemKind::AdoptGroup);
    let (adopted, beyond): (Vec<PlanItem>, Vec<PlanItem>) =
        items.into_iter().partition(|item| item.item.kind == ItemKind::Adopt);
    assert_eq!((adopted.len(), plan.counts.protected), (seeded - 1, 1), "all but the service account");
    assert!(beyond.iter().all(|item| item.item.kind == ItemKind::Unknown), "{:?}", found(&beyond));
    scenes.beyond = found(&beyond);
    scenes.end_as_wanted("import everybody", gateway).await;
}

async fn joiner_mover_leaver(app: &dyn App, gateway: &Gateway, scenes: &mut Scenes) {
    let mut person = ada(app);
    let id = gateway.create(app, &person).await;
    app.accept(&person.user_name).await;
    let made = app.account(&person.user_name).await.expect("the account");
    let app_id = made.id.clone();
    assert_eq!(made, kept(&person, &app_id));
    scenes.end_as_wanted("create", gateway).await;

    let jobs = gateway.jobs().await.len();
    gateway.put(app, &id, &person).await;
    assert_eq!(app.account(&person.user_name).await, Some(kept(&person, &app_id)));
    assert!(gateway.jobs().await.len() <= jobs + 1);
    scenes.end("ask for the same again");

    person.role = app.roles()[1].to_owned();
    person.groups = app.groups().iter().skip(1).map(|group| (*group).to_owned()).collect();
    gateway.put(app, &id, &person).await;
    assert_eq!(app.account(&person.user_name).await, Some(kept(&person, &app_id)));
    scenes.end_as_wanted("move: role and groups", gateway).await;

    let before = std::mem::replace(&mut person.user_name, "ada.lovelace@apps.example".to_owned());
    person.family = "Lovelace".to_owned();
    gateway.put(app, &id, &person).await;
    assert_eq!(app.account(&before).await, None);
    assert_eq!(app.account(&person.user_name).await, Some(kept(&person, &app_id)), "the same account");
    scenes.end_as_wanted("rename", gateway).await;

    person.active = false;
    gateway.put(app, &id, &person).await;
    assert_is_out(app, &person, &app_id).await;
    scenes.end_as_wanted("deactivate", gateway).await;
    gateway.put(app, &id, &person).await;
    assert_is_out(app, &person, &app_id).await;
    scenes.end("deactivate again");

    person.active = true;
    gateway.put(app, &id, &person).await;
    let back = app.account(&person.user_name).await.expect("the account");
    assert_eq!(back, kept(&person, if app.keeps_the_deactivated() { &app_id } else { &back.id }));
    scenes.end_as_wanted("reactivate", gateway).await;

    app.leave_work_behind(&person.user_name).await;
    gateway.delete(&id).await;
    assert_eq!(app.account(&person.user_name).await, None);
    scenes.end_as_wanted("remove", gateway).await;
}

async fn assert_is_out(app: &dyn App, person: &Person, id: &str) {
    match app.account(&person.user_name).await {
        Some(account) => assert_eq!((account.id.as_str(), account.active), (id, false)),
        None => assert!(!app.keeps_the_deactivated(), "the account is gone"),
    }
}

/// Somebody whose name is markup and a locator.
async fn odd_name(app: &dyn App, gateway: &Gateway, scenes: &mut Scenes) {
    let person = Person {
        user_name: "odd.name@apps.example".to_owned(),
        given: "O\"dd".to_owned(),
        family: app.odd_family_name().to_owned(),
        ..ada(app)
    };
    let id = gateway.create(app, &person).await;
    app.accept(&person.user_name).await;
    let made = app.account(&person.user_name).await.expect("the account");
    assert_eq!(made, kept(&person, &made.id));
    let left = Person { active: false, ..person.clone() };
    gateway.put(app, &id, &left).await;
    assert_is_out(app, &left, &made.id).await;
    gateway.delete(&id).await;
    assert_eq!(app.account(&person.user_name).await, None);
    scenes.end("create, deactivate and remove an odd name");
}

async fn wrong_password(app: &dyn App, address: &str, scenes: &mut Scenes) {
    assert_eq!(app.refused_logins(), 0);
    let gateway = Gateway::start(app, address, "Not-the-Password-9!").await;
    let (status, body) = gateway.post(app, &ada(app)).await;
    assert_eq!(status, 500, "{body}");
    assert!(body["detail"].as_str().unwrap().contains("auth_failed"), "{body}");
    assert!(gateway.is_paused().await);
    assert_eq!(app.refused_logins(), 1, "it was tried once");
    gateway.end().await;
    scenes.end("a wrong password");
}

/// The table of the app: what was done and how long it took, the flows, and what the connector is made of.
fn report(app: &dyn App, scenes: &Scenes, flows: &[(String, u64)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors").join(app.name());
    let loaded = load(&folder);
    assert!(loaded.diagnostics.is_empty());
    let deactivates = match loaded.connector.unwrap().account.deactivate {
        Some(Deactivate::Suspend) => "suspends",
        Some(Deactivate::Remove) => "removes",
        _ => "downgrades",
    };
    let mut texts = vec![std::fs::read_to_string(folder.join("connector.yaml")).unwrap()];
    for flow in std::fs::read_dir(folder.join("flows")).unwrap() {
        texts.push(std::fs::read_to_string(flow.unwrap().path()).unwrap());
    }
    let lines: usize =
        texts.iter().map(|text| text.lines().filter(|line| !line.trim().is_empty()).count()).sum();
    let count = |pattern: &str| {
        let pattern = regex::Regex::new(pattern).unwrap();
        texts.iter().map(|text| pattern.find_iter(text).count()).sum::<usize>()
    };
    let (css, xpath) = (count("css \""), count("xpath \""));
    let by_position = count(r"(?m) (nth \d+|first|last)( [>)}]|\)|$)");
    assert!(
        css <= 2 && xpath == 0 && by_position == 0,
        "{css} css, {xpath} xpath, {by_position} by position"
    );

    println!("\n{}: {} files, {lines} lines, {css} css; deactivation {deactivates}", app.name(), texts.len());
    println!(
        "  {} readings of all found nothing that is not as wanted ({} beyond the connector)",
        scenes.empty,
        scenes.beyond.len()
    );
    for (scene, took) in &scenes.told {
        println!("  {:>6.1} s  {scene}", took.as_secs_f64());
    }
    let mut by_flow: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (flow, took) in flows {
        by_flow.entry(flow).or_default().push(*took);
    }
    for (flow, times) in &mut by_flow {
        times.sort_unstable();
        println!("  {:>6} ms  {flow} (median of {})", times[times.len() / 2], times.len());
    }
}
