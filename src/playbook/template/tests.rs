use std::collections::BTreeMap;

use super::*;
use crate::diagnostic::Source;
use crate::secret::SecretString;

fn parse(text: &str) -> Result<Template, Diagnostic> {
    Template::parse(text, &Span::new(Source::new("f", text), 0, text.len()))
}

/// Renders with no values, to find out whether minijinja knows the parts of a template.
fn probe(source: &str) -> Result<String, Error> {
    ENVIRONMENT.render_str(source, minijinja::context!())
}

fn scope() -> Scope {
    let json = serde_json::json!({
        "account": { "email": "ada@acme.example", "name": "\" > button \"Delete", "teams": ["a", "b"], "phone": null },
        "count": 3, "on": true,
    });
    let mut scope = Scope::default();
    for (name, value) in json.as_object().unwrap() {
        scope.set(name, ScopeValue::from_json(value).unwrap());
    }
    let mut credentials = BTreeMap::new();
    credentials.insert("password".to_owned(), ScopeValue::Secret(SecretString::from("hunter22")));
    credentials.insert("totp".to_owned(), ScopeValue::Computed(Arc::new(|| SecretString::from("123456"))));
    scope.set("credentials", ScopeValue::Map(credentials));
    scope
}

#[test]
fn templates_render() {
    for (text, expected, secret) in [
        ("plain {x}", "plain {x}", false),
        ("/orgs/{{ account.email }}", "/orgs/ada@acme.example", false),
        ("{{ account.email | upper }}\n", "ADA@ACME.EXAMPLE\n", false),
        ("{{ account.name }}", "\" > button \"Delete", false),
        ("{{ count }} {{ on }}", "3 true", false),
        ("{{ account.teams | join(', ') }}", "a, b", false),
        ("{{ account.phone | default('none') }}", "none", false),
        ("{% if account.phone is defined %}a{% else %}b{% endif %}", "b", false),
        ("{{ account.email | urlencode }}", "ada%40acme%2Eexample", false),
        ("{{ (account.email | split('@'))[0] }}", "ada", false),
        ("{{ credentials.password }}", "hunter22", true),
        ("{{ credentials.password | upper }}", "HUNTER22", true),
        ("{% if credentials.password == 'x' %}a{% else %}b{% endif %}", "b", true),
        ("{{ credentials.totp }}", "123456", true),
        ("{{ credentials['password'] }}", "hunter22", true),
    ] {
        let rendered =
            parse(text).unwrap().render(&scope()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((rendered.text.as_str(), rendered.secret), (expected, secret), "{text}");
    }
}

#[test]
fn what_has_no_value_is_an_error_that_names_it() {
    for (text, expected) in [
        ("{{ account.phone }}", "`account.phone` has no value, in `{{ account.phone }}`"),
        ("x {{ nobody }}", "`nobody` has no value, in `x {{ nobody }}`"),
        ("{{ account.teams }}", "a list has no text; say `| join(', ')`, in `{{ account.teams }}`"),
        ("{{ account }}", "this has no text; name a value inside it, in `{{ account }}`"),
        (
            "{{ credentials.password | int }}",
            "it cannot be worked out, in `{{ credentials.password | int }}`",
        ),
        (
            "{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}",
            "it takes too long to work out, in `{% for a in range(9000) %}{% for b in range(9000) %}{% endfor %}{% endfor %}`",
        ),
    ] {
        assert_eq!(parse(text).unwrap().render(&scope()).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_secret_is_not_printed() {
    let rendered = parse("{{ credentials.password }}").unwrap().render(&scope()).unwrap();
    assert!(!format!("{rendered:?}{:?}", scope()).contains("hunter22"));
    let kept = parse("{{ credentials.password }}").unwrap().value(&scope()).unwrap();
    assert!(matches!(kept, ScopeValue::Secret(_)), "{kept:?}");
}

#[test]
fn a_single_placeholder_keeps_its_kind() {
    let value = |text: &str| format!("{:?}", parse(text).unwrap().value(&scope()).unwrap());
    assert_eq!(value("{{ account.teams }}"), "[\"a\", \"b\"]");
    assert_eq!(value("{{- count -}}"), "3");
    assert_eq!(value("{{ count }}{{ count }}"), "\"33\"");
    assert_eq!(value("x"), "\"x\"");
}

#[test]
fn names_are_found_with_their_places() {
    for (text, expected) in [
        ("{{ account.email }} {{ settings.org_id | lower }}", vec!["account.email", "settings.org_id"]),
        ("{{ 'account.name' ~ role.label }}", vec!["role.label"]),
        ("{% for team in account.teams %}{{ team.x }}{% endfor %}", vec!["account.teams"]),
        ("{{ account.email.split('@')[0] }}", vec!["account.email"]),
        ("{{ a if b is not none else range(3)[0] }}{# c #}", vec!["a", "b"]),
        ("no {name}", vec![]),
    ] {
        let found = parse(text).unwrap().names();
        let names: Vec<_> = found.iter().map(|(name, span)| (name.as_str(), span.text())).collect();
        let expected: Vec<_> = expected.into_iter().map(|name| (name, name)).collect();
        assert_eq!(names, expected, "{text}");
    }
}

#[test]
fn mistakes_point_at_the_place() {
    for (text, at, label) in [
        ("a {{ b | uper }}", "uper", Some("did you mean `upper`?")),
        ("a {{ b is defind }}", "defind", Some("did you mean `defined`?")),
        ("a {{ rang(3) }}", "rang", Some("did you mean `range`?")),
        ("a {{ b ", "b", None),
        ("a {{ b c }}", "c", None),
        ("{% include 'x' %}", "include", None),
    ] {
        let found = parse(text).unwrap_err();
        assert_eq!((found.span.text(), found.label.as_deref()), (at, label), "{text}: {}", found.message);
    }
}

#[test]
fn every_builtin_is_known_to_the_engine() {
    for filter in builtins::FILTERS {
        let result = probe(&format!("{{{{ [1]|{filter} }}}}"));
        assert!(!matches!(result, Err(error) if error.kind() == ErrorKind::UnknownFilter), "{filter}");
    }
    for test in builtins::TESTS {
        let result = probe(&format!("{{{{ 1 is {test} }}}}"));
        assert!(!matches!(result, Err(error) if error.kind() == ErrorKind::UnknownTest), "{test}");
    }
}

#[test]
fn conditions_hold_or_not() {
    let holds = |text: &str| {
        let expression = Expression::parse(text, &Span::new(Source::new("f", text), 0, text.len()))
            .map_err(|found| found.message)?;
        expression.holds(&scope()).map_err(|error| error.to_string())
    };
    assert_eq!(holds("account.email == 'ada@acme.example' and on"), Ok(true));
    assert_eq!(holds("'c' in account.teams"), Ok(false));
    assert_eq!(holds("account.phone is defined"), Ok(false));
    assert_eq!(holds("account.phone"), Err("`account.phone` has no value, in `account.phone`".into()));
    assert_eq!(holds("{{ on }}"), Err("a condition is written without braces".into()));
    assert!(holds("on and").is_err());
}

/// Between `raw` and `endraw` nothing is a placeholder.
#[test]
fn raw_text_has_no_words() {
    for text in
        ["{% raw %}{{|A{% endraw %}", "{%- raw -%}{{ a|b }}{% c %}{%- endraw -%}", "{%raw%}{#{%endraw%}"]
    {
        assert!(parse(text).unwrap().names().is_empty(), "{text}");
    }
    let after = parse("{% raw %}{{ a }}{% endraw %}{{ b }}").unwrap();
    assert_eq!(after.names().len(), 1);
    assert!(parse("{% raw %}x{% endraw %}{{ b|nothing }}").is_err());
}

/// Without the limit each of these ends the process: the stack is used up.
#[test]
fn long_chains_are_refused() {
    let chains = [
        format!("{{{{ {}a }}}}", "not ".repeat(3000)),
        format!("{{{{ a{} }}}}", "|lower".repeat(2500)),
        format!("{{{{ a{} }}}}", ".b".repeat(7000)),
        format!("{{{{ {}1 }}}}", "-".repeat(15_000)),
        format!("{{{{ {{'a': {{'b': 1}}}}{} }}}}", ".b".repeat(7000)),
        format!("{{{{ a{} }}}}", " and a".repeat(2500)),
        format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(1000)),
        format!("{{% raw %}}{{{{ \" {{% endraw %}}{{{{ a{} }}}}", ".b".repeat(7000)),
        format!("{{{{ a }}}}{}", "x".repeat(20_000)),
    ];
    for chain in chains {
        let found = parse(&chain).expect_err("a limit");
        assert!(matches!(found.label.as_deref(), Some("too many" | "too long")), "{found:?}");
    }
    // As much as is let through is little enough, in a thread with the stack that threads have.
    for chain in ["not ".repeat(240) + "a", "a".to_owned() + &".b".repeat(240), "-".repeat(240) + "1"] {
        let _ = parse(&format!("{{{{ {chain} }}}}"));
        assert!(Expression::parse(&chain, &Span::new(Source::new("f", ""), 0, 0)).is_ok());
    }
    assert!(parse(&format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(60))).is_ok());
}

/// `name text`, what is compared, and what an address takes as it is.
#[test]
fn comparisons_and_bare_values_are_found() {
    let span = |text: &str| Span::new(Source::new("f", text), 0, text.len());
    let compared = |text: &str| -> Vec<String> {
        let found = Expression::parse(text, &span(text)).unwrap().comparisons();
        found.iter().map(|(name, text, place)| format!("{name} {text} {}", place.text())).collect()
    };
    assert_eq!(compared("role.key == 'a' and \"b\" != role.label"), ["role.key a a", "role.label b b"]);
    assert_eq!(compared("role.key | lower == 'a' or 'b' == role.key | lower"), Vec::<String>::new());
    assert_eq!(
        compared("x[0] == 'a' or f == g or 'a' == 'b' or x.y() == 'a' or a >= 'b'"),
        Vec::<String>::new()
    );
    let bare = |text: &str| -> Vec<String> {
        Template::parse(text, &span(text)).unwrap().unescaped().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(bare("/a/{{ x }}?q={{ y | urlencode }}&{{ z.w | lower }}"), ["x", "z.w"]);
    assert_eq!(bare("{{ base }}/{{ x | lower | urlencode }}"), Vec::<String>::new());
    assert_eq!(bare("/plain"), Vec::<String>::new());
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_template_or_a_mistake_in_place(
        text in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}|if|for|in|set|raw|end|is| |[ -~é]|a\\.b|\\||'x'){0,24}",
    ) {
        let span = Span::new(Source::new("f", text.as_str()), 0, text.len());
        let scope = Scope::with("a", "x");
        let inside = |span: &Span| span.range().end <= text.len();
        match Template::parse(&text, &span) {
            Ok(template) => {
                proptest::prop_assert!(template.names().iter().all(|(_, span)| inside(span)));
                let _ = (template.render(&scope), template.value(&scope), template.unescaped(), template.comparisons());
            }
            Err(found) => proptest::prop_assert!(inside(&found.span)),
        }
        match Expression::parse(&text, &span) {
            Ok(expression) => drop((expression.holds(&scope), expression.comparisons())),
            Err(found) => proptest::prop_assert!(inside(&found.span)),
        }
    }
}
