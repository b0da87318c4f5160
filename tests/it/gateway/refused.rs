//! Bad bodies: the right SCIM error, words that help, no row.

use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_body_that_is_no_user_is_refused_with_its_fault() {
    let gate = Gate::new().await;
    let deep =
        format!("{{\"schemas\":[\"{USER}\"],\"userName\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_objects = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
    let not_utf8 = [b"{\"schemas\":[\"", USER.as_bytes(), b"\"],\"userName\":\"\xff\xfe\"}"].concat();
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("nothing", b"".to_vec(), "invalidSyntax", "ends too early"),
        ("cut off", b"{\"userName\": \"ada".to_vec(), "invalidSyntax", "ends too early"),
        ("no JSON", b"userName=ada".to_vec(), "invalidSyntax", "line 1, column 1"),
        ("a list", b"[]".to_vec(), "invalidSyntax", "must be a JSON object"),
        ("null", b"null".to_vec(), "invalidSyntax", "must be a JSON object"),
        ("deep", deep.into_bytes(), "invalidSyntax", "nests too deep"),
        ("deep objects", deep_objects.into_bytes(), "invalidSyntax", "nests too deep"),
        ("not UTF-8", not_utf8, "invalidSyntax", "not valid JSON"),
        ("no schemas", b"{\"userName\":\"ada\"}".to_vec(), "invalidSyntax", "`schemas` is missing"),
    ];
    for (what, body, scim_type, expected) in cases {
        let request = gate.with_body(Method::POST, "/Users", body.clone());
        let detail = gate.refused(request, 400, Some(scim_type)).await;
        assert!(detail.contains(expected), "{what}: {detail}");
    }
    gate.end().await;
}

#[tokio::test]
async fn a_user_that_the_connector_cannot_take_is_refused_with_what_would_be_right() {
    let gate = Gate::new().await;
    let id = gate.create(&user("grace@acme.example")).await;
    let cases = [
        (
            json!({ "schemas": [USER, "urn:nobody:knows:User"] }),
            "invalidSyntax",
            vec!["urn:nobody:knows:User", USHER],
        ),
        (json!({ "schemas": [USHER] }), "invalidSyntax", vec![USER]),
        (json!({ "schemas": "x" }), "invalidSyntax", vec!["`schemas`"]),
        (json!({ "userName": null }), "invalidValue", vec!["`userName`", "missing"]),
        (json!({ "userName": "  " }), "invalidValue", vec!["`userName`", "blank"]),
        (json!({ "userName": 7 }), "invalidValue", vec!["userName"]),
        (json!({ "active": "perhaps" }), "invalidValue", vec!["active"]),
        (json!({ USHER: { "role": "king" } }), "invalidValue", vec!["role", "owner", "agent", "viewer"]),
        (json!({ USHER: ["agent"] }), "invalidValue", vec![]),
    ];
    for (changes, scim_type, expected) in cases {
        let body = changed(changes).to_string();
        let path = format!("/Users/{id}");
        for (method, path) in [(Method::POST, "/Users"), (Method::PUT, path.as_str())] {
            let request = gate.with_body(method, path, body.clone());
            let detail = gate.refused(request, 400, Some(scim_type)).await;
            assert!(expected.iter().all(|part| detail.contains(part)), "{detail}");
        }
    }
    gate.end().await;
}

#[tokio::test]
async fn a_patch_that_cannot_be_applied_changes_nothing() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let path = format!("/Users/{id}");
    let before = gate.get(&path).await.text;
    let operations = [
        (
            json!([{ "op": "frobnicate", "path": "displayName", "value": "x" }]),
            "invalidSyntax",
            "add, replace or remove",
        ),
        (json!([{ "op": "replace", "path": "shoeSize", "value": 7 }]), "invalidPath", "shoeSize"),
        (json!([{ "op": "replace", "path": "emails[", "value": 7 }]), "invalidPath", "character 8"),
        (json!([{ "op": "remove" }]), "noTarget", "path"),
        (json!([{ "op": "replace", "path": "userName", "value": "" }]), "invalidValue", "userName"),
        (json!([{ "op": "replace", "path": "id", "value": "x" }]), "mutability", "id"),
        // The first is good; all or nothing.
        (
            json!([{ "op": "replace", "path": "displayName", "value": "x" },
                   { "op": "replace", "path": format!("{USHER}:role"), "value": "king" }]),
            "invalidValue",
            "viewer",
        ),
    ];
    for (operations, scim_type, expected) in operations {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations }).to_string();
        let detail = gate.refused(gate.with_body(Method::PATCH, &path, body), 400, Some(scim_type)).await;
        assert!(detail.contains(expected), "{detail}");
    }
    for body in ["{}", "[]", "{", &json!({ "schemas": [PATCH_OP] }).to_string(), &user(ADA).to_string()] {
        gate.refused(gate.with_body(Method::PATCH, &path, body.to_owned()), 400, Some("invalidSyntax")).await;
    }
    assert_eq!(gate.get(&path).await.text, before);
    gate.end().await;
}

/// Not every database can keep it, and none is told apart by it.
#[tokio::test]
async fn no_text_holds_the_character_zero() {
    let gate = Gate::new().await;
    let path = format!("/Users/{}", gate.create(&user(ADA)).await);
    let before = gate.get(&path).await.text;
    for (attribute, value) in [
        ("displayName", json!("Ada\0")),
        ("name", json!({ "givenName": "\0" })),
        ("emails", json!([{ "type": "work", "value": "a\0@acme.example" }])),
        ("unknown\0", json!("x")),
        (USHER, json!({ "role": "\0agent" })),
    ] {
        let body = changed(json!({ attribute: value })).to_string();
        for (method, path) in [(Method::POST, "/Users"), (Method::PUT, path.as_str())] {
            let detail =
                gate.refused(gate.with_body(method, path, body.clone()), 400, Some("invalidValue")).await;
            assert!(detail.contains("U+0000"), "{detail}");
        }
        for operation in [
            json!({ "op": "replace", "path": attribute, "value": value }),
            json!({ "op": "add", "value": { attribute: value } }),
        ] {
            let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] }).to_string();
            gate.refused(gate.with_body(Method::PATCH, &path, body), 400, Some("invalidValue")).await;
        }
    }
    for filter in ["userName eq \"a\\u0000\"", "userName eq \"\0\"", "emails[type eq \"\\u0000\"].value pr"] {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        gate.refused(gate.request(Method::GET, &format!("/Users?{query}")), 400, Some("invalidFilter")).await;
    }
    let operations = json!([{ "op": "add", "path": "emails[type eq \"\\u0000\"].value", "value": "x" }]);
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations }).to_string();
    gate.refused(gate.with_body(Method::PATCH, &path, body), 400, Some("invalidPath")).await;
    for path in ["/Users/%00", "/Users/a%00b"] {
        gate.refused(gate.request(Method::GET, path), 404, None).await;
    }
    assert_eq!(gate.get(&path).await.text, before);
    // In a role that Entra ID packs into text it stays packed.
    let packed = "{\"value\":\"agent\\u0000\"}";
    let roles = gate
        .put(path.trim_start_matches("/Users/"), &changed(json!({ "roles": [{ "value": packed }] })))
        .await;
    assert_eq!(roles.json()["roles"][0]["value"], packed);
    gate.end().await;
}

/// Whatever it is, the answer is a SCIM error, and the server goes on.
#[tokio::test]
async fn bodies_made_of_pieces_are_refused_in_words() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\u00",
        "\\ud800",
        "null",
        "1e999",
        "\"schemas\"",
        USER,
        PATCH_OP,
        "é",
        "\0",
        "\u{7f}",
    ];
    let (mut drawn, mut whole) = (7_u64, 0);
    let mut draw = |end: usize| {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(drawn >> 33).unwrap() % end
    };
    for round in 0..300 {
        // A body as it should be with pieces put in, and one of nothing but pieces.
        let mut body = if round % 2 == 0 { user(ADA).to_string() } else { String::new() };
        for _ in 0..=draw(6) {
            let mut at = draw(body.len() + 1);
            while !body.is_char_boundary(at) {
                at -= 1;
            }
            body.insert_str(at, words[draw(words.len())]);
        }
        let (method, path) = [
            (Method::POST, "/Users".to_owned()),
            (Method::PUT, format!("/Users/{id}")),
            (Method::PATCH, format!("/Users/{id}")),
            (Method::POST, "/Users/.search".to_owned()),
        ][draw(4)]
        .clone();
        let answer = gate.send(gate.with_body(method, &path, body.clone())).await;
        match answer.status {
            200..300 => whole += 1,
            status => {
                let scim_type = answer.json()["scimType"].as_str().map(str::to_owned);
                assert!((400..500).contains(&status), "{answer:?} to {body}");
                answer.scim_error(status, scim_type.as_deref());
            }
        }
    }
    assert!(whole < 100, "{whole} were good by chance");
    gate.end().await;
}

#[tokio::test]
async fn another_media_type_is_415() {
    let gate = Gate::new().await;
    let body = user(ADA).to_string();
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "scim"] {
        let request =
            gate.request(Method::POST, "/Users").header("Content-Type", media_type).body(body.clone());
        let detail = gate.refused(request, 415, None).await;
        assert!(detail.contains("application/scim+json"), "{detail}");
    }
    gate.refused(gate.request(Method::POST, "/Users").body(body.clone()), 415, None).await;
    for media_type in ["application/json", "Application/SCIM+JSON; charset=utf-8"] {
        let request = gate.request(Method::POST, "/Users").header("Content-Type", media_type);
        let name = format!("{}@acme.example", media_type.len());
        let answer = gate.send(request.body(user(&name).to_string())).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    gate.end().await;
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_413_whether_its_length_is_told_or_not() {
    let gate = Gate::new().await;
    let filler = |bytes: usize| {
        let mut body = user(ADA).to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        body
    };
    for bytes in [1024 * 1024 + 1, 4 * 1024 * 1024] {
        let detail = gate.refused(gate.with_body(Method::POST, "/Users", filler(bytes)), 413, None).await;
        assert!(detail.contains("1048576"), "{detail}");
        let before = gate.rows().await;
        let answer = chunked(&gate, &filler(bytes)).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"status\":\"413\""), "{answer}");
        assert_eq!(gate.rows().await, before);
    }
    let answer = chunked(&gate, &filler(1024 * 1024)).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "exactly a mebibyte is taken: {answer}");
    gate.end().await;
}

/// Sends a body whose length is not announced; gives the answer as it came.
async fn chunked(gate: &Gate, body: &str) -> String {
    let mut stream = TcpStream::connect(gate.server.address()).await.unwrap();
    let head = format!(
        "POST /scim/v2/desk/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: {SCIM_JSON}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        gate.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for chunk in body.as_bytes().chunks(64 * 1024) {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
        stream.write_all(chunk).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
