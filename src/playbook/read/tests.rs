use super::*;

fn tree(text: &str) -> Node {
    read(Source::new("f.yaml", text)).unwrap_or_else(|found| {
        panic!("{}", crate::diagnostic::render(&found, crate::diagnostic::Colour::Plain))
    })
}

/// The codes and places of the mistakes.
fn mistakes(text: &str) -> Vec<String> {
    let found = read(Source::new("f.yaml", text)).expect_err(text);
    found
        .iter()
        .map(|one| format!("{} {}:{} {:?}", one.code, one.span.line(), one.span.column(), one.span.text()))
        .collect()
}

#[test]
fn scalars_mean_what_an_author_expects() {
    let node =
        tree("a: Owner\nb: yes\nc: true\nd: 1.10\ne: ~\nf:\ng: '5'\nh: 1.2.0\ni: 2026-11-21\nj: -3e2\n");
    let texts: Vec<_> =
        node.as_map().unwrap().iter().map(|entry| format!("{:?}", entry.value.value)).collect();
    assert_eq!(
        texts,
        [
            "Text(Scalar { text: \"Owner\", quoted: false })",
            "Text(Scalar { text: \"yes\", quoted: false })",
            "Bool(true)",
            "Number(\"1.10\")",
            "Null",
            "Null",
            "Text(Scalar { text: \"5\", quoted: true })",
            "Text(Scalar { text: \"1.2.0\", quoted: false })",
            "Text(Scalar { text: \"2026-11-21\", quoted: false })",
            "Number(\"-3e2\")",
        ]
    );
}

#[test]
fn nodes_know_their_places() {
    let node = tree("steps:\n  - click: button \"Save\"\n  - form:\n      A: x\nlast: [1, 2]\n");
    let steps = node.get("steps").unwrap();
    let first = &steps.as_list().unwrap()[0];
    assert_eq!(first.span.text(), "click: button \"Save\"");
    assert_eq!(first.get("click").unwrap().span.text(), "button \"Save\"");
    assert_eq!(first.get("click").unwrap().span.sub(7, 13).text(), "\"Save\"");
    assert_eq!(steps.as_list().unwrap()[1].span.text(), "form:\n      A: x");
    assert_eq!(node.get("last").unwrap().span.text(), "[1, 2]");
    assert_eq!(node.as_map().unwrap()[0].key.span.text(), "steps");
}

#[test]
fn places_inside_a_scalar_survive_quotes_escapes_and_lines() {
    for (text, needle) in [
        ("k: button \"Save\"", "Save"),
        ("k: 'it''s \"Save\"'", "Save"),
        (r#"k: "a \"b\" \u00e4 Save x""#, "Save"),
        ("k: |\n  first\n  Save it\n", "Save"),
        ("k: >\n  first\n  Save it\n\n  last", "Save"),
        ("k: first\n  Save it", "Save"),
        ("k: \"first\n  and \\\n  Save it\"", "Save"),
    ] {
        let node = tree(text);
        let node = node.get("k").unwrap();
        let at = node.as_text().unwrap().find(needle).unwrap();
        assert_eq!(node.span.sub(at, at + needle.len()).text(), needle, "{text}");
    }
}

#[test]
fn mistakes_have_a_code_and_a_place() {
    let cases = [
        ("a: 1\nb: 2\na: 3\n", "duplicate_key 3:1 \"a\""),
        ("a: &x 1\n", "anchor 1:4 \"&x\""),
        ("a: *x\n", "alias 1:4 \"*x\""),
        ("a: !!str 1\n", "tag 1:4 \"!!str\""),
        ("a: !secret x\n", "tag 1:4 \"!secret\""),
        ("a:\n\tb: 1\n", "tab 2:1 \"\\t\""),
        ("\u{feff}a: 1\n", "byte_order_mark 1:1 \"\\u{feff}\""),
        ("a: 1\n---\nb: 2\n", "several_documents 2:1 \"---\""),
        ("a: {{ account.email }}\n", "unquoted_template 1:4 \"{{ account.email }}\""),
        ("a: { b: {{ account.email }} }\n", "unquoted_template 1:9 \"{{ account.email }}\""),
        ("? [a, b]\n: 1\n", "key 1:3 \"[\""),
        ("a: status \"Saved: done\"\n", "yaml 1:17 \":\""),
        ("a: \"x\" y\n", "yaml 1:8 \"y\""),
        ("a: \"x\nb: 1\n", "yaml 1:4 \"\\\"\""),
        ("a: { x: \"y }\nb: \"z\"\n", "yaml 1:9 \"\\\"\""),
        ("a: [1, 2\nb: 1\n", "yaml 1:4 \"[\""),
        ("a: { x: 1\n- b\n", "yaml 1:4 \"{\""),
        ("%YAML 1.2\n---\na: 1", "yaml 1:1 \"%\""),
    ];
    let found: Vec<String> =
        cases.iter().map(|(text, _)| format!("{text:?} {}", mistakes(text).join(", "))).collect();
    let expected: Vec<String> = cases.iter().map(|(text, expected)| format!("{text:?} {expected}")).collect();
    assert_eq!(found, expected);
}

#[test]
fn several_mistakes_are_found_at_once() {
    assert_eq!(mistakes("a: &x 1\na: *x\nb: !t 2\n").len(), 4);
}

#[test]
fn a_file_that_is_not_utf8_says_where() {
    let found = read_bytes("f.yaml", b"a: 1\nb: \xff\n").unwrap_err();
    assert_eq!((found[0].code, found[0].span.line(), found[0].span.column()), ("invalid_utf8", 2, 4));
}

#[test]
fn bombs_are_refused() {
    let wide = format!("a: [{}]", "1,".repeat(30_000));
    let deep_flow = format!("a: {}", "[".repeat(5_000));
    let deep_block: String = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let large = "#".repeat(10 * 1024 * 1024);
    for (text, code) in
        [(wide, "too_many_nodes"), (deep_flow, "too_deep"), (deep_block, "too_deep"), (large, "too_large")]
    {
        let found = read_bytes("f.yaml", text.as_bytes()).unwrap_err();
        assert_eq!(found.last().unwrap().code, code);
        assert!(!crate::diagnostic::render(&found, crate::diagnostic::Colour::Plain).is_empty());
    }
}

/// Every place that a tree knows lies inside the file and cuts no character.
fn check_places(node: &Node, length: usize) {
    let check = |span: &Span| {
        let range = span.range();
        assert!(range.end <= length && span.source().text.get(range).is_some(), "{span}");
    };
    check(&node.span);
    for at in 0..node.as_text().map_or(0, str::len) {
        check(&node.span.sub(at, at + 1));
    }
    for entry in node.as_map().unwrap_or_default() {
        check(&entry.key.span);
        check_places(&entry.value, length);
    }
    node.as_list().unwrap_or_default().iter().for_each(|item| check_places(item, length));
}

/// `text` as a scalar of YAML in one of its styles; the escapes are those that the style needs.
fn written(text: &str, style: usize) -> String {
    let lines = |head: &str| {
        let lines: Vec<String> = text.split('\n').map(|line| format!("  {line}")).collect();
        format!("k: {head}\n{}\n", lines.join("\n"))
    };
    match style {
        0 => format!("k: '{}'\n", text.replace('\'', "\'\'").replace('\n', "\n\n  ")),
        1 => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!(
                "k: \"{}\"\n",
                escaped.replace('é', "\\u00e9").replace('z', "\\x7a").replace('y', "\\\n   y")
            )
        }
        2 => lines("|-"),
        _ => lines("|2-"),
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_places_in_it(text in "[ -~\n\r\t{}\\[\\]:'\"#&*!|>é-]{0,200}") {
        let length = text.len();
        match read(Source::new("f", text)) {
            Ok(node) => check_places(&node, length),
            Err(found) => {
                proptest::prop_assert!(!found.is_empty());
                proptest::prop_assert!(found.iter().all(|one| one.span.range().end <= length));
            }
        }
    }

    /// The place of each letter is where that letter stands in the file, however the text is written.
    #[test]
    fn each_letter_of_a_text_is_found_in_the_file(
        text in "[a-zé]([a-zé\"'\\\\ ]{0,7}[a-zé\"'\\\\])?(\n[a-zé][a-zé\"'\\\\]{0,5}){0,3}", style in 0..4usize,
    ) {
        let yaml = written(text.trim_end(), style);
        let node = tree(&yaml);
        let node = node.get("k").unwrap();
        proptest::prop_assert_eq!(node.as_text(), Some(text.trim_end()), "{}", yaml);
        for (at, c) in text.trim_end().char_indices().filter(|(_, c)| !c.is_whitespace()) {
            let place = node.span.sub(at, at + c.len_utf8());
            let expected = match (style, c) {
                (0, '\'') => "''".to_owned(),
                (1, '\\' | '"') => format!("\\{c}"),
                (1, 'é') => "\\u00e9".to_owned(),
                (1, 'z') => "\\x7a".to_owned(),
                _ => c.to_string(),
            };
            // What follows on another line may belong to the place: the end of a letter is where the next one begins.
            proptest::prop_assert!(place.text().starts_with(&expected), "{:?} at {} of {}", place.text(), at, yaml);
        }
    }
}
