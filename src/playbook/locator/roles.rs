//! The words a part of a locator can begin with.

use crate::locator::Kind;

/// The ARIA roles that can be looked for (WAI-ARIA 1.2, section 5.3; abstract roles are none).
pub const ROLES: &[&str] = &[
    "alert",
    "alertdialog",
    "application",
    "article",
    "banner",
    "blockquote",
    "button",
    "caption",
    "cell",
    "checkbox",
    "code",
    "columnheader",
    "combobox",
    "complementary",
    "contentinfo",
    "definition",
    "deletion",
    "dialog",
    "directory",
    "document",
    "emphasis",
    "feed",
    "figure",
    "form",
    "generic",
    "grid",
    "gridcell",
    "group",
    "heading",
    "img",
    "insertion",
    "link",
    "list",
    "listbox",
    "listitem",
    "log",
    "main",
    "marquee",
    "math",
    "menu",
    "menubar",
    "menuitem",
    "menuitemcheckbox",
    "menuitemradio",
    "meter",
    "navigation",
    "note",
    "option",
    "paragraph",
    "presentation",
    "progressbar",
    "radio",
    "radiogroup",
    "region",
    "row",
    "rowgroup",
    "rowheader",
    "scrollbar",
    "search",
    "searchbox",
    "separator",
    "slider",
    "spinbutton",
    "status",
    "strong",
    "subscript",
    "superscript",
    "switch",
    "tab",
    "table",
    "tablist",
    "tabpanel",
    "term",
    "textbox",
    "time",
    "timer",
    "toolbar",
    "tooltip",
    "tree",
    "treegrid",
    "treeitem",
];

/// The words that are no roles.
const KEYWORDS: &[&str] =
    &["field", "label", "placeholder", "text", "title", "testid", "column", "box", "frame", "css", "xpath"];

/// What authors write for a role that is called otherwise.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("image", "img"),
    ("modal", "dialog"),
    ("popup", "dialog"),
    ("input", "field"),
    ("select", "field"),
    ("dropdown", "combobox"),
    ("toast", "status"),
    ("header", "banner"),
    ("footer", "contentinfo"),
    ("nav", "navigation"),
    ("a", "link"),
    ("tr", "row"),
    ("td", "cell"),
    ("th", "columnheader"),
    ("test_id", "testid"),
    ("test-id", "testid"),
    ("iframe", "frame"),
    ("selector", "css"),
    ("item", "listitem"),
    ("card", "box"),
    ("div", "box"),
    ("password", "field"),
];

/// The kind a word stands for.
pub(super) fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "field" => Kind::Field,
        "label" => Kind::Label,
        "placeholder" => Kind::Placeholder,
        "text" => Kind::Text,
        "title" => Kind::Title,
        "testid" => Kind::TestId,
        "column" => Kind::Column,
        "box" => Kind::Box,
        "frame" => Kind::Frame,
        "css" => Kind::Css,
        "xpath" => Kind::XPath,
        role if ROLES.contains(&role) => Kind::Role(role.to_owned()),
        _ => return None,
    })
}

/// The word that was probably meant.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let folded = word.to_lowercase();
    let other = OTHER_WORDS.iter().find(|(wrong, _)| *wrong == folded).map(|(_, right)| *right);
    other.or_else(|| crate::diagnostic::near(word, KEYWORDS.iter().chain(ROLES).copied()))
}
