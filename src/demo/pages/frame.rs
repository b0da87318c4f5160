//! What surrounds every signed-in page, and the place that a change returns to.

use super::MEMBERS;
use super::guard::SignedIn;
use super::words::Words;
use crate::demo::desk::State;
use crate::demo::model::{ListQuery, Member};

/// Header, navigation, message and pop-up of a page.
pub(super) struct Frame {
    pub(super) words: &'static Words,
    pub(super) new_design: bool,
    pub(super) csrf: String,
    /// Which link of the navigation is the page's own.
    pub(super) section: Section,
    pub(super) caller: Face,
    pub(super) caller_email: String,
    /// What just happened; shown once.
    pub(super) toast: Option<&'static str>,
    /// Whether "What's new" covers the page.
    pub(super) news: bool,
    /// Where the page can be reached by GET, whatever the request was.
    pub(super) address: String,
}

/// A part of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Members,
    Teams,
    Groups,
}

/// A name with the round picture that stands for it.
pub(super) struct Face {
    pub(super) name: String,
    pub(super) initials: String,
    /// Which of the six colours.
    pub(super) hue: u64,
}

/// The page that a dialog opens over and a change returns to.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The members table as it was asked for.
    List(ListQuery),
    /// One member's own page.
    Member(u64),
}

impl Frame {
    /// The frame of a page in `section`; takes the session's message.
    pub(super) fn new(state: &mut State, caller: &SignedIn, section: Section, address: String) -> Self {
        let switches = state.switches();
        let session = state.sessions.peek(&caller.session);
        let (csrf, toast, has_seen_news) = match session {
            Some(session) => (session.csrf.clone(), session.flash.take(), session.has_seen_news),
            None => (String::new(), None, true),
        };
        Self {
            words: Words::of(switches.new_design),
            new_design: switches.new_design,
            csrf,
            section,
            caller: Face::of(&caller.member),
            caller_email: caller.member.email.clone(),
            toast,
            news: switches.whats_new && !has_seen_news && section == Section::Members,
            address,
        }
    }

    /// `page` where the navigation is at this section, as `aria-current` wants it.
    pub(super) fn current(&self, section: &str) -> &'static str {
        let own = match self.section {
            Section::Members => "members",
            Section::Teams => "teams",
            Section::Groups => "groups",
        };
        if own == section { "page" } else { "false" }
    }
}

impl Face {
    pub(super) fn of(member: &Member) -> Self {
        let letters =
            member.name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphabetic()));
        let initials: String = letters.take(2).flat_map(char::to_uppercase).collect();
        Self { name: member.name.clone(), initials, hue: member.id % 6 }
    }
}

impl Place {
    /// Reads the place from an address's query or a form, where [`Place::fields`] put it.
    pub(super) fn parse(query: &str) -> Self {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let member = pairs.find(|(key, _)| key == "from").and_then(|(_, id)| id.parse().ok());
        member.map_or_else(|| Self::List(ListQuery::parse(query)), Self::Member)
    }

    /// The hidden fields that carry the place through a form.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::Member(id) => vec![("from".to_owned(), id.to_string())],
            Self::List(query) => {
                url::form_urlencoded::parse(query.to_query().as_bytes()).into_owned().collect()
            }
        }
    }

    /// Its address.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Member(id) => format!("{MEMBERS}/{id}"),
            Self::List(query) => {
                let query = query.to_query();
                if query.is_empty() { MEMBERS.to_owned() } else { format!("{MEMBERS}?{query}") }
            }
        }
    }
}
