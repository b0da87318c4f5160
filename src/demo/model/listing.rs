//! The members table as a question and its answer: search, order, page. It lives in the address, so that a plain
//! GET works.

use url::form_urlencoded;

use super::{Member, Organisation};
use crate::demo::switches::Missing;

/// How many members a page shows.
const PAGE: usize = 25;

/// What the members page is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::demo) struct ListQuery {
    /// Part of a name or an address; empty for everybody.
    pub(in crate::demo) search: String,
    /// The column in order.
    pub(in crate::demo) by: SortBy,
    /// Which end comes first.
    pub(in crate::demo) direction: Direction,
    /// From 1; 0 means 1, and what is too high means the last.
    pub(in crate::demo) page: usize,
}

/// A member with the lower-case forms that searching and sorting compare.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) member: Member,
    pub(super) name: String,
    pub(super) email: String,
}

/// A column that can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::demo) enum SortBy {
    #[default]
    Name,
    Email,
    Role,
    Status,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::demo) enum Direction {
    #[default]
    Ascending,
    Descending,
}

/// The answer: one page of members.
#[derive(Debug)]
pub(in crate::demo) struct Page<'a> {
    pub(in crate::demo) members: Vec<&'a Member>,
    /// How many match, over all pages.
    pub(in crate::demo) total: usize,
    /// The place of the first shown, from 1; 0 where none is.
    pub(in crate::demo) first: usize,
    /// The place of the last shown.
    pub(in crate::demo) last: usize,
    /// The page shown, from 1.
    pub(in crate::demo) number: usize,
    /// How many pages there are, at least 1.
    pub(in crate::demo) pages: usize,
}

/// The page of members that `query` asks for.
///
/// Only the page shown is put in order, so a page costs time in proportion to the members, wherever it is.
pub(in crate::demo) fn list<'a>(organisation: &'a Organisation, query: &ListQuery) -> Page<'a> {
    let search = query.search.trim().to_lowercase();
    let matches = |entry: &&Entry| entry.name.contains(&search) || entry.email.contains(&search);
    let mut found: Vec<&Entry> = organisation.entries().filter(matches).collect();
    let total = found.len();
    let pages = total.div_ceil(PAGE).max(1);
    let number = query.page.clamp(1, pages);
    let start = (number - 1) * PAGE;

    let compare = |a: &&Entry, b: &&Entry| query.compare(a, b);
    let mut shown = found.as_mut_slice();
    if start > 0 && start < shown.len() {
        shown.select_nth_unstable_by(start, compare);
        shown = shown.split_at_mut(start).1;
    }
    if shown.len() > PAGE {
        shown.select_nth_unstable_by(PAGE, compare);
        shown = shown.split_at_mut(PAGE).0;
    }
    shown.sort_unstable_by(compare);
    let members: Vec<&Member> = shown.iter().map(|entry| &entry.member).collect();
    let first = if members.is_empty() { 0 } else { start + 1 };
    Page { last: start + members.len(), members, total, first, number, pages }
}

impl Page<'_> {
    /// Leaves out what is missing.
    pub(in crate::demo) fn leave_out(&mut self, missing: Missing) {
        let mut every_other = (0..).map(|row| row % 2 == 0);
        match missing {
            Missing::Nothing => {}
            Missing::HalfOfRows => self.members.retain(|_| every_other.next().unwrap_or_default()),
            Missing::AllRows => self.members.clear(),
            Missing::HalfOfMembers => {
                self.members.retain(|member| member.id % 2 == 1);
                self.total = self.total.div_ceil(2);
            }
        }
    }
}

impl Entry {
    pub(super) fn new(member: Member) -> Self {
        Self { name: member.name.to_lowercase(), email: member.email.to_lowercase(), member }
    }
}

impl ListQuery {
    /// Reads the query of an address; what it does not know or understand is as if it were not there.
    pub(in crate::demo) fn parse(query: &str) -> Self {
        let mut read = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "q" => read.search = value.into_owned(),
                "sort" => read.by = SortBy::from_word(&value).unwrap_or_default(),
                "dir" if value == "desc" => read.direction = Direction::Descending,
                "page" => read.page = value.parse().unwrap_or(1),
                _ => {}
            }
        }
        read
    }

    /// The query of an address, without what is the default; empty where all is.
    pub(in crate::demo) fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        if self.by != SortBy::default() {
            query.append_pair("sort", self.by.word());
        }
        if self.direction == Direction::Descending {
            query.append_pair("dir", "desc");
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        query.finish()
    }

    /// The same question in the order that a click on the head of `by` asks for, from the first page.
    pub(in crate::demo) fn sorted_by(&self, by: SortBy) -> Self {
        let direction = match self.direction {
            Direction::Ascending if self.by == by => Direction::Descending,
            _ => Direction::Ascending,
        };
        Self { search: self.search.clone(), by, direction, page: 1 }
    }

    /// A total order: what is equal in the column is told apart by name, then id.
    fn compare(&self, a: &Entry, b: &Entry) -> std::cmp::Ordering {
        let column = match self.by {
            SortBy::Name => std::cmp::Ordering::Equal,
            SortBy::Email => a.email.cmp(&b.email),
            SortBy::Role => a.member.role.cmp(&b.member.role),
            SortBy::Status => a.member.status.cmp(&b.member.status),
        };
        let ascending = column.then_with(|| a.name.cmp(&b.name)).then(a.member.id.cmp(&b.member.id));
        match self.direction {
            Direction::Ascending => ascending,
            Direction::Descending => ascending.reverse(),
        }
    }
}

impl SortBy {
    /// Every column with a head that sorts.
    pub(in crate::demo) const ALL: [Self; 4] = [Self::Name, Self::Email, Self::Role, Self::Status];

    /// Its word in an address.
    pub(in crate::demo) const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::Role => "role",
            Self::Status => "status",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::model::{Role, seed};

    fn query(text: &str) -> ListQuery {
        ListQuery::parse(text)
    }

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for text in
            ["", "q=ada", "q=a+%26+b%3D%22", "sort=email", "sort=role&dir=desc", "q=x&sort=status&page=3"]
        {
            assert_eq!(query(text).to_query(), text, "{text}");
        }
        assert_eq!(query("sort=nonsense&dir=up&page=-2&other=1").to_query(), "");
    }

    #[test]
    fn pages_in_any_order_show_everybody_once() {
        let organisation = seed(130, 500, 0);
        for order in ["", "sort=email", "sort=role&dir=desc", "sort=status", "dir=desc"] {
            let mut seen: Vec<u64> = Vec::new();
            for page in 1..=6 {
                let answer = list(&organisation, &ListQuery { page, ..query(order) });
                assert_eq!((answer.total, answer.pages, answer.number), (130, 6, page), "{order}");
                assert_eq!(answer.first, (page - 1) * 25 + 1);
                assert_eq!(answer.last, (page * 25).min(130));
                assert!(answer.members.is_sorted_by(|a, b| {
                    let key = |m: &Member| match query(order).by {
                        SortBy::Name => m.name.to_lowercase(),
                        SortBy::Email => m.email.clone(),
                        SortBy::Role => Role::ALL.iter().position(|r| *r == m.role).unwrap().to_string(),
                        SortBy::Status => format!("{}", m.status as u8),
                    };
                    let descending = query(order).direction == Direction::Descending;
                    if descending { key(a) >= key(b) } else { key(a) <= key(b) }
                }));
                seen.extend(answer.members.iter().map(|member| member.id));
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 130, "{order}");
        }
    }

    #[test]
    fn a_search_finds_parts_of_names_and_addresses_in_any_case() {
        let organisation = seed(130, 500, 0);
        let emails = |text: &str| -> Vec<String> {
            list(&organisation, &query(text)).members.iter().map(|member| member.email.clone()).collect()
        };
        assert_eq!(emails("q=LOVELACE"), ["ada@acme.example"]);
        assert_eq!(emails("q=pal@acme"), ["pal@acme.example"]);
        assert_eq!(emails("q=al@acme.example").len(), 2, "the short address is part of the long one");
        assert_eq!(emails("q=%3Cb%3EBobby"), ["bobby.tables@acme.example"]);
        let none = list(&organisation, &query("q=nobody+at+all&page=7"));
        assert_eq!((none.total, none.first, none.last, none.number, none.pages), (0, 0, 0, 1, 1));
    }
}
