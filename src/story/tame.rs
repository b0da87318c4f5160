//! A document of the app's, before it is put in a frame that may do nothing.
//!
//! The frame runs no script, and the policy lets nothing be loaded. Yet for two things Chromium opens a connection before it looks at any
//! policy: a link that asks for one, and a frame with an address. A page that Usher kept has neither; one that somebody made has none
//! either when it is shown.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Where a tag of such an element may begin: here, or in a document that is the value of an attribute, where it is written with entities.
static BEGINS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(<|&(?:amp;)*(?:lt|#0*60|#x0*3c);?)(link|iframe|frame\b)").ok());

/// The document without what would connect. Wherever the text stands, it reads the same.
pub(super) fn tamed(html: &str) -> Cow<'_, str> {
    let Some(begins) = BEGINS.as_ref() else { return Cow::Borrowed("") };
    begins.replace_all(html, |found: &Captures<'_>| {
        let (before, name) =
            (found.get(1).map_or("", |it| it.as_str()), found.get(2).map_or("", |it| it.as_str()));
        if before == "<" && !name.eq_ignore_ascii_case("link") {
            // Of several attributes of a name the first counts; the document of a frame goes before its address.
            format!("<{name} src=about:blank ")
        } else {
            // No tag begins with a space, even one that has no width.
            format!("{before}\u{200b}{name}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connects_is_text_and_frames_have_no_address() {
        for (html, expected) in [
            ("<p>links <em>frame</em> <frameset>", "<p>links <em>frame</em> <frameset>"),
            ("<LINK rel=preconnect>", "<\u{200b}LINK rel=preconnect>"),
            ("<iframe sandbox srcdoc=\"<p>\">", "<iframe src=about:blank  sandbox srcdoc=\"<p>\">"),
            ("<frame src=x>", "<frame src=about:blank  src=x>"),
            (
                "srcdoc=\"&lt;link &#60;iframe &#x03C;iframe &amp;lt;link\"",
                "srcdoc=\"&lt;\u{200b}link &#60;\u{200b}iframe &#x03C;\u{200b}iframe &amp;lt;\u{200b}link\"",
            ),
        ] {
            assert_eq!(tamed(html), expected);
        }
    }
}
