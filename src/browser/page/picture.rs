//! Pictures, with secrets painted over.

use base64::Engine;
use chromiumoxide::cdp::browser_protocol::page::{CaptureScreenshotFormat, CaptureScreenshotParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::super::error::PageError;
use super::super::session::Network;
use super::super::state::PageState;
use super::ask::{About, Once};
use super::{Page, Target};
use crate::secret::{ExposeSecret, SecretString};

/// How long a picture may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shorter secrets would blot out ordinary words; their own controls are hidden all the same.
const SHORTEST: usize = 4;

/// A picture that is being taken.
#[derive(Debug)]
pub struct Exposure {
    task: JoinHandle<Result<Photograph, PageError>>,
}

impl Exposure {
    /// The picture.
    ///
    /// # Errors
    /// The page failed. A picture that cannot be masked is not taken.
    pub async fn picture(self) -> Result<Photograph, PageError> {
        self.task.await.unwrap_or_else(|error| Err(PageError::Protocol(error.to_string())))
    }
}

/// A picture, and how the page was when it was taken.
#[derive(Clone)]
pub struct Photograph {
    /// A JPEG; none where only the document was asked for.
    pub jpeg: Option<Vec<u8>>,
    /// The document as it was then, as HTML that needs nothing else; none where it was not asked for, or could not be had.
    pub page: Option<String>,
    shows: Looks,
}

impl std::fmt::Debug for Photograph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photograph({} bytes)", self.jpeg.as_ref().map_or(0, Vec::len))
    }
}

/// Each of our worlds in the page, with what tells its look from another.
type Looks = Vec<(String, Option<String>)>;

/// What our script says when it has painted over secrets.
#[derive(Debug, serde::Deserialize)]
struct Masked {
    hidden: u64,
    look: String,
    /// What the elements show that the connector says to be secret.
    shown: Vec<String>,
    page: Option<String>,
}

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shot {
    /// A picture of what is visible.
    Picture,
    /// The document alone, which is not drawn for it.
    Page,
}

/// What is kept of the document beside a picture of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// The whole of it, with this element marked, or the innermost that it was looked for in.
    Page(Option<Target>),
}

impl Page {
    /// A picture of what is visible, as JPEG. Passwords, one-time codes and every control that got a secret are painted over, and so is
    /// any other text that shows one.
    ///
    /// # Errors
    /// The page failed. A picture that cannot be masked is not taken.
    pub async fn screenshot(&self) -> Result<Photograph, PageError> {
        self.expose(Shot::Picture, Kept::Nothing).await.picture().await
    }

    /// Whether a picture taken now would show the same, as far as documents tell: no element, no attribute and no control is
    /// another than it was. What only moves (an animation, a video) counts for nothing. A page that does not answer has changed.
    pub async fn still_shows(&self, photograph: &Photograph) -> bool {
        let until = Instant::now() + PATIENCE;
        let looks = self.ask_all::<String>("looks", json!({}), until).await;
        looks.is_ok_and(|looks| looks == photograph.shows)
    }

    /// Begins to take a picture. Until it is taken the page may be looked at, but whoever is to do something to it waits.
    pub async fn expose(&self, shot: Shot, kept: Kept) -> Exposure {
        let still = self.stillness.clone().lock_owned().await;
        let page = self.clone();
        let task = tokio::spawn(async move {
            let taken = match shot {
                Shot::Picture => page.take_picture(&kept).await,
                Shot::Page => page.take_page(&kept).await,
            };
            drop(still);
            taken
        });
        Exposure { task }
    }

    /// Returns when no picture is being taken.
    pub(super) async fn exposed(&self) {
        drop(self.stillness.lock().await);
    }

    async fn take_picture(&self, kept: &Kept) -> Result<Photograph, PageError> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let world = self.state.borrow().main_world().map(str::to_owned);
            tokio::select! {
                biased;
                taken = self.capture(kept, until) => return taken,
                // Chromium never answers for a document that was replaced meanwhile.
                () = self.replaced(world) => {}
            }
        }
        Err(PageError::TooSlow { doing: self.state.borrow().doing() })
    }

    /// The document as it is, without a picture of it.
    async fn take_page(&self, kept: &Kept) -> Result<Photograph, PageError> {
        let until = Instant::now() + PATIENCE;
        let world = self.state.borrow().main_world().map(str::to_owned);
        let Some(world) = world else {
            return Ok(Photograph { jpeg: None, page: None, shows: Looks::new() });
        };
        let asked = self.ask_world::<Option<String>>(
            &world,
            "pageAlone",
            self.about_masks(kept),
            About::AnyOf(&[]),
            until,
        );
        let page = match asked.await? {
            Once::Answered(page) => page,
            Once::Replaced => None,
        };
        Ok(Photograph { jpeg: None, page, shows: Looks::new() })
    }

    /// What is to be hidden, and what is kept of the document.
    fn about_masks(&self, kept: &Kept) -> Value {
        let page = match kept {
            Kept::Nothing => Value::Null,
            Kept::Page(mark) => {
                let mark = mark.as_ref();
                json!({ "mark": mark.map(|mark| json!({ "within": mark.within, "locator": mark.locator })) })
            }
        };
        let hidden = self.surroundings.never_shown();
        json!({ "secrets": self.secrets_to_hide(), "hidden": hidden, "page": page })
    }

    async fn capture(&self, kept: &Kept, until: Instant) -> Result<Photograph, PageError> {
        let question = self.about_masks(kept);
        let masked = self.ask_all::<Masked>("mask", question, until).await?;
        let (mut hides, mut page, mut shows) = (false, None, Vec::new());
        for (world, masked) in masked {
            let look = masked.map(|masked| {
                masked.shown.iter().for_each(|secret| self.remember_secret(secret));
                hides |= masked.hidden > 0;
                page = page.take().or(masked.page);
                masked.look
            });
            shows.push((world, look));
        }
        let capture = CaptureScreenshotParams {
            format: Some(CaptureScreenshotFormat::Jpeg),
            quality: Some(60),
            optimize_for_speed: Some(true),
            ..CaptureScreenshotParams::default()
        };
        let picture = timeout_at(until, self.send(&capture)).await;
        if hides {
            self.ask_all::<Value>("unmask", json!({}), until).await?;
        }
        let picture = picture.map_err(|_| PageError::TooSlow { doing: self.state.borrow().doing() })??;
        let data: &str = picture.data.as_ref();
        let decoded = base64::engine::general_purpose::STANDARD.decode(data);
        let jpeg = decoded.map_err(|error| PageError::Protocol(error.to_string()))?;
        Ok(Photograph { jpeg: Some(jpeg), page, shows })
    }

    /// Returns when the main frame has another document.
    async fn replaced(&self, world: Option<String>) {
        let mut state = self.state.subscribe();
        let is_another =
            |state: &PageState| state.main_world().is_some_and(|now| Some(now) != world.as_deref());
        if state.wait_for(is_another).await.is_err() {
            // The page has ended; what is being asked of it says so.
            std::future::pending().await
        }
    }

    /// Asks our script in every frame at once; the answer of each world, none where its document is gone.
    async fn ask_all<T: DeserializeOwned>(
        &self,
        function: &str,
        question: Value,
        until: Instant,
    ) -> Result<Vec<(String, Option<T>)>, PageError> {
        let worlds: Vec<String> = self.state.borrow().worlds.iter().map(|world| world.id.clone()).collect();
        let asked = worlds.iter().map(|world| {
            self.ask_world::<Option<T>>(world, function, question.clone(), About::AnyOf(&[]), until)
        });
        let answers = futures::future::join_all(asked).await;
        let answers = worlds.iter().cloned().zip(answers).map(|(world, answer)| match answer? {
            Once::Answered(answer) => Ok((world, answer)),
            Once::Replaced => Ok((world, None)),
        });
        answers.collect()
    }

    /// What the elements show now that are never to be seen; hidden from now on wherever it stands. A page that does not answer shows none.
    pub async fn shown_secrets(&self) -> Vec<SecretString> {
        let hidden = self.surroundings.never_shown();
        if hidden.is_empty() {
            return Vec::new();
        }
        let until = Instant::now() + PATIENCE;
        let shown = self.ask_all::<Vec<String>>("shownSecrets", json!({ "hidden": hidden }), until).await;
        let shown = shown.unwrap_or_default().into_iter().filter_map(|(_, shown)| shown).flatten();
        shown.inspect(|secret| self.remember_secret(secret)).map(SecretString::from).collect()
    }

    /// Remembers a secret that was typed.
    pub(super) fn remember_secret(&self, secret: &str) {
        if let Network::Recorded(recorder) = &self.surroundings.network {
            recorder.hide(secret);
        }
        let mut secrets = self.surroundings.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secret.chars().count() >= SHORTEST && !secrets.iter().any(|known| known.expose_secret() == secret)
        {
            secrets.push(SecretString::from(secret));
        }
    }

    fn secrets_to_hide(&self) -> Vec<String> {
        let secrets = self.surroundings.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
    }
}
