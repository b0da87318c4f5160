//! The runner in a real Chromium: flows of `connectors/acme-desk` against Acme Desk, whose own record is the judge, and
//! small flows on small pages.

mod after;
mod before;
mod beyond;
mod data;
mod flows;
mod names;
mod pages;
mod stand;
