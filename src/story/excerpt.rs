//! The lines of a flow's file that a step is, with some around them.

/// Lines that are shown before a step and after it.
const AROUND: usize = 4;
/// Lines of a step that are shown; a nesting one can be long.
const MOST: usize = 24;

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// Without its end, and in an excerpt without the spaces that all its lines begin with.
    pub text: &'a str,
    /// Whether it is the step's.
    pub is_marked: bool,
}

/// The step that begins at that line, and what is around it.
pub(super) fn of_step(text: &str, line: u32) -> Vec<Line<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let Some(first) = usize::try_from(line).ok().and_then(|line| line.checked_sub(1)) else {
        return Vec::new();
    };
    let Some(own) = lines.get(first) else { return Vec::new() };
    let depth = indent(own);
    // It goes on as long as lines are deeper; empty ones at its end are not its.
    let within = |line: &&str| line.trim().is_empty() || indent(line) > depth;
    let more = lines.iter().skip(first + 1).take_while(|line| within(line)).count();
    let empty = lines.iter().skip(first + 1).take(more).rev().take_while(|line| line.trim().is_empty());
    let last = first + more - empty.count();
    let shown = first.saturating_sub(AROUND)..=last.min(first + MOST) + AROUND;
    let numbered = || lines.iter().enumerate().filter(|(index, _)| shown.contains(index));
    let common = numbered().filter(|(_, line)| !line.trim().is_empty()).map(|(_, line)| indent(line)).min();
    numbered()
        .map(|(index, line)| Line {
            number: index + 1,
            text: line.get(common.unwrap_or(0)..).unwrap_or_default(),
            is_marked: (first..=last).contains(&index),
        })
        .collect()
}

/// Every line of a file, none marked.
pub(super) fn whole(text: &str) -> Vec<Line<'_>> {
    text.lines().enumerate().map(|(index, text)| Line { number: index + 1, text, is_marked: false }).collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = "steps:\n  - run: find\n  - within: dialog \"Edit\"\n    do:\n      - form: { Role: x }\n      - click: button \"Save\"\n        commit: true\n\n  - expect: status \"Done\"\n";

    fn marked(line: u32) -> Vec<usize> {
        of_step(FLOW, line).iter().filter(|line| line.is_marked).map(|line| line.number).collect()
    }

    #[test]
    fn a_step_is_its_line_and_those_that_are_deeper() {
        assert_eq!(marked(2), [2]);
        assert_eq!(marked(3), [3, 4, 5, 6, 7]);
        assert_eq!(marked(6), [6, 7]);
        assert_eq!(marked(9), [9]);
        assert_eq!(of_step(FLOW, 9).first().map(|line| line.number), Some(5));
        assert!(of_step(FLOW, 0).is_empty() && of_step(FLOW, 99).is_empty() && of_step("", 1).is_empty());
    }

    #[test]
    fn a_long_step_is_not_shown_whole() {
        let long = format!("- within: x\n  do:\n{}", "    - click: y\n".repeat(1000));
        assert_eq!(of_step(&long, 1).len(), 1 + MOST + AROUND);
    }
}
