//! The message of a failure in parts: what was looked for, and what was there instead.

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A line.
    Line(String),
    /// What was there: an element each.
    Elements(Vec<String>),
}

/// What stands before a line of elements, and what between them, as a failure writes them.
const BEFORE: &str = "  ";
const BETWEEN: &str = "    ";

/// The message of an attempt: the step's line, where it names one (`ui_drift at flows/invite.yaml:12  click button “Save”`), and what is said
/// of it below.
pub(super) fn apart(message: &str) -> (Option<&str>, String) {
    let Some((head, rest)) = message.split_once('\n') else { return (None, message.to_owned()) };
    let own: Option<Vec<&str>> = rest.lines().map(|line| line.strip_prefix(BEFORE)).collect();
    match own {
        Some(own) if head.contains(" at ") => (Some(head), own.join("\n")),
        _ => (None, message.to_owned()),
    }
}

/// The class and the words of a step's line, where it is of the step at that place.
pub(super) fn of_head<'h>(head: &'h str, place: &str) -> Option<(&'h str, &'h str)> {
    let (class, rest) = head.split_once(" at ")?;
    Some((class, rest.strip_prefix(place)?.trim()))
}

/// The parts of a message.
pub(super) fn parts(message: &str) -> Vec<Part> {
    let part = |line: &str| match line.strip_prefix(BEFORE) {
        Some(elements) => {
            let each = elements.split(BETWEEN).map(str::trim).filter(|element| !element.is_empty());
            Part::Elements(each.map(str::to_owned).collect())
        }
        None => Part::Line(line.to_owned()),
    };
    message.lines().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_instead_is_told_apart() {
        let message = "no button \"Save\" within 10 s; there is\n  button \"Save changes\"    button \"Cancel\"\n(the page was idle)";
        let line = |text: &str| Part::Line(text.to_owned());
        let elements = ["button \"Save changes\"", "button \"Cancel\""].map(str::to_owned).to_vec();
        let expected = [
            line("no button \"Save\" within 10 s; there is"),
            Part::Elements(elements),
            line("(the page was idle)"),
        ];
        assert_eq!(parts(message), expected);
    }

    #[test]
    fn the_line_of_a_step_is_told_apart_from_what_is_said_of_it() {
        let message =
            "ui_drift at flows/a.yaml:10  click button “Save”\n  no button; there is\n    button \"Cancel\"";
        let (head, rest) = apart(message);
        assert_eq!(rest, "no button; there is\n  button \"Cancel\"");
        assert_eq!(of_head(head.unwrap(), "flows/a.yaml:10"), Some(("ui_drift", "click button “Save”")));
        assert_eq!(of_head(head.unwrap(), "flows/b.yaml:1"), None);
        let plain = "no button; there is\n  button \"Cancel\"";
        assert_eq!(apart(plain), (None, plain.to_owned()));
    }
}
