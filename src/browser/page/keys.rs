//! Keys by their names, as `KeyboardEvent.key` has them (W3C UI Events KeyboardEvent key values).

use chromiumoxide::cdp::browser_protocol::input::{DispatchKeyEventParams, DispatchKeyEventType};

/// Name, code, Windows virtual key code, text that it types.
const NAMED: &[(&str, &str, i64, &str)] = &[
    ("ArrowDown", "ArrowDown", 40, ""),
    ("ArrowLeft", "ArrowLeft", 37, ""),
    ("ArrowRight", "ArrowRight", 39, ""),
    ("ArrowUp", "ArrowUp", 38, ""),
    ("Backspace", "Backspace", 8, ""),
    ("Delete", "Delete", 46, ""),
    ("End", "End", 35, ""),
    ("Enter", "Enter", 13, "\r"),
    ("Escape", "Escape", 27, ""),
    ("Home", "Home", 36, ""),
    ("PageDown", "PageDown", 34, ""),
    ("PageUp", "PageUp", 33, ""),
    ("Space", "Space", 32, " "),
    ("Tab", "Tab", 9, ""),
];

/// Name and bit of each modifier.
const MODIFIERS: &[(&str, i64)] = &[("Alt", 1), ("Control", 2), ("Meta", 4), ("Shift", 8)];

/// The events of pressing and releasing `keys`, such as `Enter`, `a` or `Control+A`; none where the name is unknown.
pub(super) fn events(keys: &str) -> Option<[DispatchKeyEventParams; 2]> {
    let mut parts: Vec<&str> = keys.split('+').map(str::trim).collect();
    let name = parts.pop().filter(|name| !name.is_empty())?;
    let mut modifiers = 0;
    for part in parts {
        modifiers |= MODIFIERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(part))?.1;
    }
    let named = NAMED.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    let (key, code, number, text) = match named {
        Some(&("Space", code, number, text)) => (" ".to_owned(), code.to_owned(), number, text.to_owned()),
        Some(&(key, code, number, text)) => (key.to_owned(), code.to_owned(), number, text.to_owned()),
        None => letter(name)?,
    };
    // With Alt, Control or Meta a key types nothing.
    let text = (modifiers & 7 == 0 && !text.is_empty()).then_some(text);
    let kind = if text.is_some() { DispatchKeyEventType::KeyDown } else { DispatchKeyEventType::RawKeyDown };
    let event = |kind, text: Option<String>| DispatchKeyEventParams {
        modifiers: Some(modifiers),
        key: Some(key.clone()),
        code: Some(code.clone()).filter(|code| !code.is_empty()),
        windows_virtual_key_code: Some(number).filter(|number| *number != 0),
        unmodified_text: text.clone(),
        text,
        ..DispatchKeyEventParams::new(kind)
    };
    Some([event(kind, text), event(DispatchKeyEventType::KeyUp, None)])
}

/// A single character as a key.
fn letter(name: &str) -> Option<(String, String, i64, String)> {
    let mut chars = name.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return None };
    let upper = c.to_ascii_uppercase();
    let (code, number) = match upper {
        'A'..='Z' => (format!("Key{upper}"), i64::from(u32::from(upper))),
        '0'..='9' => (format!("Digit{upper}"), i64::from(u32::from(upper))),
        _ => (String::new(), 0),
    };
    Some((c.to_string(), code, number, c.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_name_letter_and_modifier() {
        let cases = [
            ("Enter", Some(("Enter", 0, Some("\r")))),
            ("enter", Some(("Enter", 0, Some("\r")))),
            ("Control+A", Some(("A", 2, None))),
            ("Shift+Tab", Some(("Tab", 8, None))),
            ("é", Some(("é", 0, Some("é")))),
            ("Space", Some((" ", 0, Some(" ")))),
            ("Entre", None),
            ("Hyper+A", None),
            ("", None),
        ];
        for (keys, expected) in cases {
            let down = events(keys).map(|[down, _]| (down.key.unwrap(), down.modifiers.unwrap(), down.text));
            let down =
                down.as_ref().map(|(key, modifiers, text)| (key.as_str(), *modifiers, text.as_deref()));
            assert_eq!(down, expected, "{keys}");
        }
    }
}
