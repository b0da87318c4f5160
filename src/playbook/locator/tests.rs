use proptest::prelude::*;

use super::*;
use crate::diagnostic::Source;

fn read(text: &str) -> Result<Locator<Template>, Vec<Diagnostic>> {
    parse(text, &Span::new(Source::new("f", text), 0, text.len()))
}

#[test]
fn every_form_of_the_language_is_read_and_written_back() {
    for text in [
        r#"button "Save""#,
        r#"link ~"Edit""#,
        r"heading /Members \(\d+\)/",
        r"alert /no free seats/i",
        r#"dialog "Invite" > field "Email""#,
        r#"row (has cell "ada@acme.com") > column "Role""#,
        r#"row (has cell "{{ account.email }}")"#,
        r#"label "Role""#,
        r#"placeholder "Search""#,
        r#"text "No users""#,
        r#"title "Close""#,
        r#"testid "save""#,
        r##"css "#save""##,
        r#"xpath "//button[2]""#,
        r#"option "Admin" nth 2"#,
        "row first",
        "row last",
        r#"frame "Billing" > button "Save""#,
        r#"table "Members" > row (has cell /@/) (has button "Edit") first"#,
        r#"row (has cell "a" > link (has text "b \"c\" \\")) nth 3"#,
        "link /./",
        r"link /\/members\/\d+/i",
        "banner",
        "checkbox (is checked)",
        r#"tab "Members" (is not selected)"#,
        r#"row (has cell "a") (is selected) (is not expanded) first"#,
        "heading /./ (is level 4)",
        r#"box (has text "ada") (has button "Edit") > button "Edit" (is not disabled)"#,
    ] {
        let locator = read(text).unwrap_or_else(|found| panic!("{text}: {found:?}"));
        assert_eq!(locator.to_string(), text);
    }
}

#[test]
fn mistakes_point_at_the_characters() {
    for (text, expected) in [
        (r#"buton "Save""#, vec![("buton", "did you mean `button`?")]),
        (r#"modal "Save""#, vec![("modal", "did you mean `dialog`?")]),
        (
            r#"rwo (has cel "x") > buton "y""#,
            vec![
                ("rwo", "did you mean `row`?"),
                ("cel", "did you mean `cell`?"),
                ("buton", "did you mean `button`?"),
            ],
        ),
        (r#"button Save"#, vec![("Save", "expected `\"…\"`, `~\"…\"`, `/…/` or ` > `")]),
        (r#""Save""#, vec![("\"Save\"", "say what it is: `button \"…\"`, `text \"…\"`")]),
        (r#"button "Save" > "#, vec![("", "expected a kind of element")]),
        (r#"button "Save" link "x""#, vec![("link", "expected ` > ` or the end")]),
        (r#"row (cell "x")"#, vec![("cell", "expected `has` or `is`")]),
        ("checkbox (is cheked)", vec![("cheked", "did you mean `checked`?")]),
        (
            "checkbox (is not)",
            vec![(")", "expected `checked`, `disabled`, `expanded`, `selected` or `level`")],
        ),
        ("heading (is level)", vec![(")", "expected a number, counted from 1")]),
        ("checkbox (is checked", vec![("(", "closed by `)`")]),
        ("checkbox (is checked on)", vec![("on", "expected `)`")]),
        ("box", vec![("box", "expected `box (has …)`")]),
        (r#"box "x" (has text "y")"#, vec![("box", "expected `box (has …)`")]),
        (r#"row (has cell "x""#, vec![("(", "closed by `)`")]),
        (r#"row nth 0"#, vec![("0", "expected a number, counted from 1")]),
        (r#"row nth"#, vec![("nth", "expected a number, counted from 1")]),
        (r#"text"#, vec![("text", "expected `text \"…\"`")]),
        (r#"css ~"x""#, vec![("css", "expected `css \"…\"`")]),
        (r#"button """#, vec![("button", "leave the name out, or write it")]),
        (r#"button ~x"#, vec![("~", "expected `~\"…\"`")]),
        (r#"cell "{{ account.email | uper }}""#, vec![("uper", "did you mean `upper`?")]),
        ("", vec![("", "expected a kind of element")]),
        ("row /a(/", vec![("a(", "")]),
    ] {
        let found = read(text).expect_err(text);
        let shown: Vec<_> = found
            .iter()
            .map(|found| (found.span.text(), found.label.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(shown, expected, "{text}");
    }
}

#[test]
fn what_a_template_comes_to_is_never_read_as_a_locator() {
    let locator = read(r#"row (has cell "{{ name }}")"#).unwrap();
    let scope = crate::playbook::Scope::with("name", "\") > button \"Delete");
    let run =
        locator.try_map(&mut |text: &Template| text.render(&scope).map(|rendered| rendered.text)).unwrap();
    assert_eq!(run.parts.len(), 1);
    assert_eq!(run.parts[0].has[0].parts[0].name, Some(Name::Exact("\") > button \"Delete".to_owned())));
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}row{}", "row (has ".repeat(100), ")".repeat(100));
    assert_eq!(read(&deep).unwrap_err()[0].label.as_deref(), Some("too deep"));
    let long = vec!["row"; 100].join(" > ");
    assert_eq!(read(&long).unwrap_err()[0].label.as_deref(), Some("too many parts"));
    let longest = "row (has ".repeat(100_000);
    assert_eq!(read(&longest).unwrap_err()[0].label.as_deref(), Some("too long"));
}

fn text() -> impl Strategy<Value = Template> {
    let template = |text: String| Template::of_literal(&text, &Span::new(Source::new("f", ""), 0, 0));
    // An empty name is refused.
    "[ -~é\u{202e}😀\\\\\"{}%#\n]{0,8}[!-~é]".prop_map(template)
}

fn name() -> impl Strategy<Value = Name<Template>> {
    prop_oneof![
        text().prop_map(Name::Exact),
        text().prop_map(Name::Same),
        text().prop_map(Name::Contains),
        // A slash is escaped where it is written, and never in the pattern itself.
        ("[a-zé/ .\"()+*\\\\\\[\\]^$|]{1,8}", any::<bool>())
            .prop_filter("a valid pattern", |(regex, _)| pattern::mistake(regex).is_none()
                && !regex.contains("\\/"))
            .prop_map(|(regex, ignore_case)| Name::Pattern { regex, ignore_case }),
    ]
}

/// A kind and a name that it can have.
fn kind() -> impl Strategy<Value = (Kind, Option<Name<Template>>)> {
    let role = prop::sample::select(ROLES).prop_map(|role| Kind::Role(role.to_owned()));
    let named = vec![
        Kind::Field,
        Kind::Label,
        Kind::Placeholder,
        Kind::Text,
        Kind::Title,
        Kind::TestId,
        Kind::Column,
    ];
    prop_oneof![
        (prop_oneof![role, Just(Kind::Frame)], prop::option::of(name())),
        (prop::sample::select(named), name().prop_map(Some)),
        (prop::sample::select(vec![Kind::Css, Kind::XPath]), text().prop_map(|text| Some(Name::Exact(text)))),
    ]
}

fn locator() -> impl Strategy<Value = Locator<Template>> {
    let nth = prop_oneof![
        Just(None),
        Just(Some(Nth::First)),
        Just(Some(Nth::Last)),
        (1u32..).prop_map(|n| Some(Nth::Index(n))),
    ];
    let state = prop_oneof![
        prop::sample::select(vec![State::Checked, State::Disabled, State::Expanded, State::Selected]),
        (1u8..).prop_map(State::Level),
    ];
    let is =
        prop::collection::vec((state, any::<bool>()).prop_map(|(state, holds)| Is { state, holds }), 0..2);
    let part =
        (kind(), is, nth).prop_map(|((kind, name), is, nth)| Part { kind, name, has: Vec::new(), is, nth });
    let flat = prop::collection::vec(part, 1..4).prop_map(|parts| Locator { parts });
    flat.prop_recursive(3, 12, 2, |inner| {
        (inner.clone(), prop::collection::vec(inner, 0..2)).prop_map(|(mut outer, has)| {
            outer.parts[0].has = has;
            outer
        })
    })
}

proptest! {
    #[test]
    fn printing_and_reading_gives_the_same_locator(locator in locator()) {
        let text = locator.to_string();
        prop_assert_eq!(read(&text).map_err(|found| format!("{text}: {found:?}")), Ok(locator));
    }

    #[test]
    fn any_text_is_a_locator_or_a_mistake_in_place(
        text in "((row|cell|text|css|nth|first|has|link)|[ -~é]| |\"a\"|/b/i|\\(has |\\)| > |\\{\\{ x \\}\\}){0,20}",
    ) {
        match read(&text) {
            Ok(locator) => prop_assert!(read(&locator.to_string()).is_ok()),
            Err(found) => {
                prop_assert!(!found.is_empty());
                prop_assert!(found.iter().all(|one| one.span.range().end <= text.len()));
            }
        }
    }
}
