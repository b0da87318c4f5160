//! What apps do to their pages from one day to the next, done to one element of a page that is played.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::error::PageError;
use super::ask::About;
use super::{Page, Target, Wait};

/// What becomes of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// It has another name.
    Rename,
    /// It stands somewhere else on the page, outside of everything.
    Move,
    /// It is there and not seen.
    Hide,
    /// There is a second one, which is not the same.
    Duplicate,
    /// Something lies over it that nobody has declared.
    Cover,
}

impl Drift {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rename, Self::Move, Self::Hide, Self::Duplicate, Self::Cover];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rename => "rename",
            Self::Move => "move",
            Self::Hide => "hide",
            Self::Duplicate => "duplicate",
            Self::Cover => "cover",
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drifted {
    /// The element is not there.
    Absent,
    /// What the locator means is not as it was.
    Drifted,
    /// It means the same element all the same.
    Same,
}

impl Page {
    /// Waits until the element is there, and does that to it.
    ///
    /// # Errors
    /// The page failed.
    pub async fn drift(&self, target: &Target, drift: Drift, wait: &Wait) -> Result<Drifted, PageError> {
        if self.expect(target, wait).await.is_err() {
            return Ok(Drifted::Absent);
        }
        let question = json!({ "within": target.within, "locator": target.locator, "how": drift });
        Ok(self.ask("drift", question, About::Target(target), wait).await?.0)
    }
}
