//! Integrations, credentials, tokens, artifacts.

use super::*;
use usher::secret::{ExposeSecret as _, SecretString};
use usher::vault::{MasterKey, Place, Vault, VaultError};

#[tokio::test]
async fn an_integration_is_made_found_changed_and_listed() {
    let bench = Bench::new().await;
    let made = bench.integration("beta", 2).await;
    bench.integration("alpha", 1).await;
    let found = bench.store.find_integration("beta").await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.connector.as_str()), (made.id.as_str(), "acme-desk"));
    assert!(bench.store.find_integration("Beta").await.unwrap().is_none());

    let policy = Policy {
        patience_ms: 0,
        mode: Mode::Observe,
        protected: vec!["root@*".into()],
        max_sessions: 3,
        ..Policy::default()
    };
    bench.clock.advance(Duration::from_secs(1));
    let settings = json!({ "organisation": "acme" });
    bench.store.change_integration(&made.id, settings.clone(), policy.clone(), "cli").await.unwrap();
    let changed = bench.store.integration(&made.id).await.unwrap().unwrap();
    assert_eq!((changed.policy, changed.settings), (policy, settings));
    assert!(changed.modified_at > changed.created_at);
    let names: Vec<_> =
        bench.store.list_integrations().await.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["alpha", "beta"]);
}

#[tokio::test]
async fn a_name_is_taken_once_and_nonsense_is_refused() {
    let bench = Bench::new().await;
    bench.integration("acme", 1).await;
    let create = async |name: &str, max_sessions| {
        let policy = Policy { max_sessions, ..Policy::default() };
        let new = NewIntegration { name: name.into(), connector: "c".into(), settings: json!({}), policy };
        bench.store.create_integration(new, "cli").await.unwrap_err()
    };
    assert!(matches!(create("acme", 1).await, IntegrationError::NameTaken(name) if name == "acme"));
    assert!(matches!(create("under_score", 1).await, IntegrationError::BadName(_)));
    assert!(matches!(create("none", 0).await, IntegrationError::BadSessions(0)));
    let nobody = bench.store.change_integration("nobody", json!({}), Policy::default(), "cli").await;
    assert!(matches!(nobody, Err(IntegrationError::NotFound)));
    assert_eq!(bench.store.list_integrations().await.unwrap().len(), 1);
}

#[tokio::test]
async fn credentials_are_kept_sealed_and_open_only_with_the_key_in_their_place() {
    let bench = Bench::new().await;
    let (acme, other) = (bench.integration("acme", 1).await, bench.integration("other", 1).await);
    let key = |name: &str| MasterKey::File(bench.root.path().join(name));
    let vault = Vault::load(&key("data/master.key"), Arc::new(SystemEntropy)).unwrap();
    let seal = |field: &str, secret: &str| NewCredential {
        field: field.into(),
        sealed: vault.seal(Place::credential(&acme.id, field), &SecretString::from(secret)).unwrap(),
    };
    let put = async |credentials| bench.store.put_credentials(&acme.id, credentials, "cli").await.unwrap();
    put(vec![seal("password", "acme-password"), seal("totp", "JBSWY3DPEHPK3PXP")]).await;
    put(vec![seal("password", "changed-password")]).await;

    let kept = bench.store.credentials(&acme.id).await.unwrap();
    let open =
        |row: &CredentialRow| vault.open(Place::credential(&row.integration_id, &row.field), &row.sealed);
    let opened: Vec<_> = kept.iter().map(|row| (row.field.as_str(), open(row).unwrap())).collect();
    assert_eq!((opened[0].0, opened[0].1.expose_secret()), ("password", "changed-password"));
    assert_eq!((opened[1].0, opened[1].1.expose_secret()), ("totp", "JBSWY3DPEHPK3PXP"));
    assert!(bench.store.credentials(&other.id).await.unwrap().is_empty());
    assert!(vault.open(Place::credential(&other.id, "password"), &kept[0].sealed).is_err());
    let stranger = Vault::load(&key("other.key"), Arc::new(SystemEntropy)).unwrap();
    let refused = stranger.open(Place::credential(&acme.id, "password"), &kept[0].sealed);
    assert!(matches!(refused, Err(VaultError::WrongKey { .. })));

    // Neither the files nor the events know a secret.
    let events = bench.store.list_events(&EventFilter::All, None, 9).await.unwrap();
    assert_eq!(events[0].data, json!({ "fields": ["password"] }));
    bench.store.close().await;
    for file in bench.root.path().join("data").read_dir().unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in ["acme-password", "changed-password", "JBSWY3DPEHPK3PXP"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_token_opens_its_integration_until_it_ends_or_is_revoked() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let create = async |token: &str, expires_at| {
        let new = NewToken { integration_id: acme.id.clone(), token: token.into(), expires_at };
        bench.store.create_token(new, "cli").await.unwrap()
    };
    let first = create("token-one", None).await;
    let second = create("token-two", Some(bench.in_secs(60))).await;
    let find = async |token: &str| {
        bench.store.find_token("acme", &token.into()).await.unwrap().map(|(_, token)| token)
    };
    let found = find("token-one").await.unwrap();
    assert_eq!((found.id.as_str(), found.integration_id.as_str()), (first.id.as_str(), acme.id.as_str()));
    for wrong in ["", "token", "token-one ", "TOKEN-ONE", "token-three"] {
        assert!(find(wrong).await.is_none(), "{wrong}");
    }
    assert!(bench.store.find_token("another integration", &"token-one".into()).await.unwrap().is_none());
    assert!(found.is_valid(bench.clock.now()));
    assert!(find("token-two").await.unwrap().is_valid(bench.clock.now()));
    bench.clock.advance(Duration::from_secs(60));
    assert!(!find("token-two").await.unwrap().is_valid(bench.clock.now()));

    let revoked = bench.store.revoke_token(&first.id, "cli").await.unwrap().unwrap();
    assert!(!revoked.is_valid(bench.clock.now()));
    bench.clock.advance(Duration::from_secs(1));
    let again = bench.store.revoke_token(&first.id, "cli").await.unwrap().unwrap();
    assert_eq!(again.life.revoked_at, revoked.life.revoked_at);
    assert!(bench.store.revoke_token("token_none", "cli").await.unwrap().is_none());
    let listed: Vec<_> =
        bench.store.list_tokens(&acme.id).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(listed, [first.id, second.id]);
    let kinds = bench.store.list_events(&EventFilter::All, None, 3).await.unwrap();
    let kinds: Vec<_> = kinds.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["token.revoked", "token.created", "token.created"], "revoked twice is told once");
}

#[tokio::test]
async fn the_last_use_of_a_token_is_known_to_the_minute() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let new = NewToken { integration_id: acme.id.clone(), token: "t".into(), expires_at: None };
    bench.store.create_token(new, "cli").await.unwrap();
    let used = async || {
        let (_, token) = bench.store.find_token("acme", &"t".into()).await.unwrap().unwrap();
        bench.store.touch_token(&token).await.unwrap();
        bench.store.find_token("acme", &"t".into()).await.unwrap().unwrap().1.life.last_used_at
    };
    assert_eq!(used().await, Some(START));
    bench.clock.advance(Duration::from_secs(59));
    assert_eq!(used().await, Some(START));
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(used().await, Some(START.plus(Duration::from_secs(60))));
}

#[tokio::test]
async fn the_configuration_changes_with_what_lets_clients_in_and_with_nothing_else() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let mut last = store.configuration();
    let mut moved = async || {
        let before = std::mem::replace(&mut last, store.configuration());
        last != before
    };
    let acme = bench.integration("acme", 1).await;
    assert!(moved().await, "an integration is made");
    let new = NewToken { integration_id: acme.id.clone(), token: "t".into(), expires_at: None };
    let token = store.create_token(new, "cli").await.unwrap();
    assert!(moved().await, "a token is made");

    store.touch_token(&token).await.unwrap();
    let user = bench.add_user(&acme, "ada").await.user;
    bench.wish(&acme, &user, false).await;
    let claimed = bench.claimed().await;
    bench.done(&claimed).await;
    assert!(!moved().await, "work goes on");

    let policy = Policy { patience_ms: 7, ..acme.policy.clone() };
    store.change_integration(&acme.id, acme.settings.clone(), policy, "cli").await.unwrap();
    assert!(moved().await, "a policy changes");
    store.pause_integration(&acme.id, "a test", "cli").await.unwrap();
    assert!(moved().await, "it pauses");
    store.resume_integration(&acme.id, "cli").await.unwrap();
    assert!(moved().await, "it resumes");
    store.revoke_token(&token.id, "cli").await.unwrap();
    assert!(moved().await, "a token is revoked");
}

#[tokio::test]
async fn a_one_time_code_is_used_once_by_whomever() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let put = async || {
        let sealed = usher::vault::Sealed::from_parts("key".into(), vec![1]);
        let totp = NewCredential { field: "totp".into(), sealed };
        bench.store.put_credentials(&acme.id, vec![totp], "cli").await.unwrap();
    };
    put().await;
    let other = bench.open_again().await;
    let take = async |store: &Store, from| store.take_code_window(&acme.id, from).await.unwrap();
    assert_eq!(take(&bench.store, 100).await, 100);
    assert_eq!(take(&other, 100).await, 101);
    assert_eq!(take(&bench.store, 100).await, 102);
    assert_eq!(take(&other, 200).await, 200);
    // Of another secret, nothing was used.
    put().await;
    assert_eq!(take(&bench.store, 100).await, 100);
}
