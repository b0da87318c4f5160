//! Who may ask for what.

use std::time::Duration;

use super::*;

/// One that could be, of a path of the description.
fn filled(path: &str) -> String {
    path.replace("{name}", "desk").replace("{id}", "none")
}

#[tokio::test]
async fn every_address_asks_for_the_key_of_an_operator_and_no_other_opens() {
    let stand = Stand::new().await;
    let operators = &stand.installation.operators;
    let new = async |name: &str, lifetime| {
        let (row, key) = operators.new_key(name, OperatorRole::Admin, lifetime, "test").await.unwrap();
        (row.id, key.expose_secret().to_owned())
    };
    let (id, revoked) = new("revoked", None).await;
    stand.installation.store.revoke_operator_key(&id, "test").await.unwrap();
    let (_, expired) = new("expired", Some(Duration::from_secs(60))).await;
    assert_eq!(stand.api.with_key(&expired).get("/integrations").await.status, 200, "until its end it opens");
    stand.clock.advance(Duration::from_secs(60));

    let bearer = |key: &str| Some(format!("Bearer {key}"));
    let wrong = [
        None,
        Some(String::new()),
        Some("Bearer ".to_owned()),
        Some(stand.api.key.clone()),
        Some(format!("Basic {}", stand.api.key)),
        bearer("usher_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        bearer(&stand.api.key[..stand.api.key.len() - 1]),
        bearer(&stand.token),
        bearer(&revoked),
        bearer(&expired),
    ];
    let before = stand.rows().await;
    let mut bodies = Vec::new();
    let mut asked = 0;
    for (path, methods) in stand.api.contract.operations() {
        for method in methods.iter().filter(|method| !stand.api.contract.is_open(&path, method)) {
            for header in &wrong {
                let url = format!("{}{}", stand.api.base, filled(&path));
                let mut request = stand.api.http.request(method.parse().unwrap(), url);
                if let Some(header) = header {
                    request = request.header("Authorization", header);
                }
                let answer = stand.api.send(request).await;
                answer.problem(401);
                assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"), "{answer:?}");
                bodies.push(answer.body.to_string());
                asked += 1;
            }
        }
    }
    bodies.dedup();
    assert_eq!((asked, bodies.len()), (7 * wrong.len(), 1), "{bodies:?}");
    assert_eq!(stand.rows().await, before, "a refusal leaves no row");

    // And the key of an operator is no token.
    let users = format!("{}/scim/v2/desk/Users", stand.server.url());
    let answer = stand.api.http.get(users).bearer_auth(&stand.api.key).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    stand.end().await;
}

#[tokio::test]
async fn a_key_that_reads_looks_at_everything_and_changes_nothing() {
    let stand = Stand::new().await;
    let looks = Api::new(&stand.server, &stand.installation, "auditor", OperatorRole::Auditor).await;
    let before = stand.rows().await;
    let mut refused = 0;
    for (path, methods) in looks.contract.operations() {
        for method in methods {
            let answer = looks.send(looks.request(method.parse().unwrap(), &filled(&path))).await;
            if method == "GET" {
                assert!(matches!(answer.status, 200 | 404), "{answer:?}");
            } else {
                assert_eq!(answer.problem(403), "the key `auditor` may look and change nothing");
                refused += 1;
            }
        }
    }
    assert_eq!((refused, stand.rows().await), (3, before));
    stand.end().await;
}

#[tokio::test]
async fn nothing_of_a_key_is_in_the_data_directory() {
    let stand = Stand::new().await;
    assert_eq!(stand.api.post("/integrations/desk/sync").await.status, 202);
    let mut searched = 0;
    for file in stand.root.path().join("data").read_dir().unwrap().flatten() {
        let Ok(bytes) = std::fs::read(file.path()) else { continue };
        let secret = stand.api.key.trim_start_matches("usher_").as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{file:?}");
        searched += usize::from(bytes.windows(10).any(|window| window == b"sync.asked"));
    }
    assert!(searched > 0, "what is there is found");
    let used = stand.installation.store.list_operator_keys().await.unwrap().remove(0).life.last_used_at;
    assert!(used.is_some());
    stand.end().await;
}
