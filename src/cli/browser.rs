//! The browsers of a worker: one that it starts, or those that run elsewhere.

use anyhow::Context as _;

use crate::browser::Address;
use crate::job::BrowserChoice;
use crate::server::find_chromium;

/// The variable that gives addresses of browsers.
const VARIABLE: &str = "USHER_BROWSER";

/// Which browsers a worker uses
#[derive(clap::Args)]
pub(super) struct Browsers {
    /// A browser that runs elsewhere, as `ws://host:9222/devtools/browser/…` or `http://host:9222`, with `#sessions=N` at its end for
    /// more or fewer sessions at a time than 4; once for each, or separated by commas. No Chromium is started then
    #[arg(long = "browser", value_name = "ADDRESS", env = VARIABLE, hide_env_values = true, value_delimiter = ',')]
    addresses: Vec<String>,
}

impl Browsers {
    /// The browsers that run elsewhere; none where the worker is to start its own.
    pub(super) fn elsewhere(&self) -> anyhow::Result<Vec<Address>> {
        let given =
            || self.addresses.iter().map(|address| address.trim()).filter(|address| !address.is_empty());
        let in_environment = std::env::var(VARIABLE).unwrap_or_default();
        let is_argument = |given: &str| in_environment.split(',').all(|address| address.trim() != given);
        if given().any(|address| Address::has_key(address) && is_argument(address)) {
            anyhow::bail!(
                "--browser has a key in it (a user, a password or a query), which every process of this machine could read: \
                 give the whole address in {VARIABLE} instead"
            );
        }
        given().map(|address| address.parse()).collect::<Result<_, _>>().context("--browser")
    }
}

/// Those that run elsewhere, or where there are none, the Chromium of this machine.
pub(super) fn choice(elsewhere: Vec<Address>) -> anyhow::Result<BrowserChoice> {
    match elsewhere.is_empty() {
        true => Ok(BrowserChoice::Own(chromium()?)),
        false => Ok(BrowserChoice::Elsewhere(elsewhere)),
    }
}

/// The browser of this machine, or what to do about its absence.
pub(super) fn chromium() -> anyhow::Result<std::path::PathBuf> {
    find_chromium().context(
        "no Chromium is in the search path: install it (Debian: apt-get install chromium), \
         or name its program in USHER_CHROMIUM",
    )
}
