//! Where sessions are opened: in a Chromium that the worker starts, or in browsers that run elsewhere.
//!
//! Of browsers elsewhere, a session goes to the one of which the smallest part is taken, among those that could be reached when they were
//! last asked. One that cannot be reached is left out for a pause that doubles each time, and then asked again. Where there is no place, a
//! session waits for one for as long as the worker has patience; where it stays so, the job fails as `browser_crashed`, which is tried once more.
//!
//! Invariant: a browser never has more sessions of this worker than its address allows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Notify;

use crate::browser::{Address, Browser, BrowserError, LaunchOptions, Session, SessionOptions};
use crate::clock::SharedClock;
use crate::failure::FailureClass;
use crate::step::Failure;

/// How long a browser that could not be reached is left out at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The browsers of a worker.
#[derive(Debug)]
pub(super) enum Browsers {
    /// One of its own, started where none runs.
    Own { options: LaunchOptions, browser: tokio::sync::Mutex<Option<Browser>> },
    /// Those that run elsewhere.
    Elsewhere(Elsewhere),
}

/// Browsers that run elsewhere.
#[derive(Debug)]
pub(super) struct Elsewhere {
    browsers: Vec<Remote>,
    places: Arc<Places>,
    clock: SharedClock,
    /// How long a session waits for a place.
    patience: Duration,
}

/// One of them.
#[derive(Debug)]
struct Remote {
    address: Address,
    /// While it is connected to.
    browser: tokio::sync::Mutex<Option<Browser>>,
}

#[derive(Debug)]
struct Places {
    of: Mutex<Vec<State>>,
    /// Somebody gave a place back.
    freed: Notify,
}

/// What is known of a browser.
#[derive(Clone, Debug, Default)]
struct State {
    /// How many sessions it may have.
    limit: usize,
    /// How many it has, or is about to have.
    taken: usize,
    /// How often in a row it could not be reached.
    failures: u32,
    /// Until when it is left out, on the clock that never jumps.
    rests_until: Duration,
    /// Why it could not be reached when it was last tried in vain.
    why: String,
}

/// Closes a session that nobody uses now; whether there was one.
pub(super) type MakeRoom<'a> = dyn Fn() -> BoxFuture<'a, bool> + Send + Sync + 'a;

/// A place for a session. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    index: usize,
}

/// Where the next session goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// To this browser.
    To(usize),
    /// Nowhere; a browser that is left out is asked again after this time, if one is.
    Nowhere(Option<Duration>),
}

impl Browsers {
    /// One of the worker's own.
    pub(super) fn own(options: LaunchOptions) -> Self {
        Self::Own { options, browser: tokio::sync::Mutex::new(None) }
    }

    /// Opens a session, and says what it takes up. Where there is no place, `make_room` may close one that nobody uses now.
    pub(super) async fn open(
        &self,
        options: &SessionOptions,
        make_room: &MakeRoom<'_>,
    ) -> Result<(Session, Option<Place>), Failure> {
        match self {
            Self::Own { options: launch, browser } => {
                let browser = running(launch, browser).await?;
                let session = browser.open_session(options).await.map_err(|error| crashed(&error))?;
                Ok((session, None))
            }
            Self::Elsewhere(elsewhere) => {
                elsewhere.open(options, make_room).await.map(|(session, place)| (session, Some(place)))
            }
        }
    }

    /// Somebody keeps a session that could make room for another.
    pub(super) fn could_make_room(&self) {
        if let Self::Elsewhere(elsewhere) = self {
            elsewhere.places.freed.notify_one();
        }
    }

    /// Ends the browser that was started; leaves those that run elsewhere.
    pub(super) async fn close(&self) {
        match self {
            Self::Own { browser, .. } => close(browser).await,
            Self::Elsewhere(elsewhere) => {
                for remote in &elsewhere.browsers {
                    close(&remote.browser).await;
                }
            }
        }
    }

    /// The process of the browser that was started, where one runs.
    pub(super) async fn process_id(&self) -> Option<u32> {
        let Self::Own { browser, .. } = self else { return None };
        browser.lock().await.as_ref().filter(|browser| browser.is_alive()).and_then(Browser::process_id)
    }
}

impl Elsewhere {
    pub(super) fn new(addresses: Vec<Address>, patience: Duration, clock: SharedClock) -> Self {
        let limits = addresses.iter().map(|address| State { limit: address.sessions(), ..State::default() });
        let places = Arc::new(Places { of: Mutex::new(limits.collect()), freed: Notify::new() });
        let remote = |address| Remote { address, browser: tokio::sync::Mutex::new(None) };
        Self { browsers: addresses.into_iter().map(remote).collect(), places, clock, patience }
    }

    async fn open(
        &self,
        options: &SessionOptions,
        make_room: &MakeRoom<'_>,
    ) -> Result<(Session, Place), Failure> {
        let until = self.clock.elapsed().saturating_add(self.patience);
        loop {
            let place = self.place(until, make_room).await?;
            let Some(remote) = self.browsers.get(place.index) else { continue };
            match remote.open(options).await {
                Ok(session) => {
                    self.is_well(&place);
                    return Ok((session, place));
                }
                // A matter of the connector, whichever browser it is.
                Err(error @ BrowserError::Origin { .. }) => return Err(crashed(&error)),
                Err(error) => self.is_ill(&place, words(&error)),
            }
        }
    }

    /// A place in one of the browsers, once there is one.
    async fn place(&self, until: Duration, make_room: &MakeRoom<'_>) -> Result<Place, Failure> {
        loop {
            let freed = self.places.freed.notified();
            tokio::pin!(freed);
            // From here on nothing is given back unnoticed.
            freed.as_mut().enable();
            let now = self.clock.elapsed();
            let again = match self.places.take(now) {
                Ok(index) => return Ok(Place { places: self.places.clone(), index }),
                Err(again) => again,
            };
            if make_room().await {
                continue;
            }
            let left = until.saturating_sub(now);
            if left.is_zero() {
                return Err(self.no_place());
            }
            drop(tokio::time::timeout(again.map_or(left, |again| again.min(left)), freed).await);
        }
    }

    fn no_place(&self) -> Failure {
        let (states, now) = (self.places.lock(), self.clock.elapsed());
        let ill: Vec<_> = states.iter().filter(|state| state.rests_until > now).collect();
        let why = ill.last().map(|state| format!(": {}", state.why)).unwrap_or_default();
        let message = format!(
            "no browser had a place for a session within {} s: of {}, {} cannot be reached and {} are full{why}",
            self.patience.as_secs(),
            states.len(),
            ill.len(),
            states.len() - ill.len(),
        );
        Failure::new(FailureClass::BrowserCrashed, message)
    }

    /// It opened a session.
    fn is_well(&self, place: &Place) {
        let failures = self.places.change(place.index, |state| {
            state.rests_until = Duration::ZERO;
            std::mem::take(&mut state.failures)
        });
        let address = self.browsers.get(place.index).map(|remote| &remote.address);
        if let (Some(address), Some(1..)) = (address, failures) {
            tracing::info!(%address, "a browser can be reached again");
        }
    }

    /// It could not be reached, or did not open a session.
    fn is_ill(&self, place: &Place, why: String) {
        let (now, said) = (self.clock.elapsed(), why.clone());
        let pause = self.places.change(place.index, |state| {
            state.why = why;
            // Several may find out at the same time.
            if state.rests_until <= now {
                state.failures = state.failures.saturating_add(1);
                state.rests_until = now.saturating_add(pause(state.failures));
            }
            state.rests_until.saturating_sub(now)
        });
        if let (Some(remote), Some(pause)) = (self.browsers.get(place.index), pause) {
            let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(address = %remote.address, pause_ms, "a browser is left out for a while: {said}");
        }
    }
}

impl Remote {
    /// Opens a session in it; connects to it where that is to be done. One that opens none is left.
    async fn open(&self, options: &SessionOptions) -> Result<Session, BrowserError> {
        let browser = {
            let mut kept = self.browser.lock().await;
            match kept.as_ref().filter(|browser| browser.is_alive()) {
                Some(connected) => connected.clone(),
                None => {
                    let connected = Browser::connect(&self.address).await?;
                    tracing::info!(address = %self.address, version = connected.version(), "connected to a browser");
                    kept.insert(connected).clone()
                }
            }
        };
        let opened = browser.open_session(options).await;
        if matches!(opened, Err(ref error) if !matches!(error, BrowserError::Origin { .. })) {
            browser.close().await;
        }
        opened
    }
}

impl Places {
    /// Takes a place in the browser that is to have the next session; else when one is asked again.
    fn take(&self, now: Duration) -> Result<usize, Option<Duration>> {
        let mut states = self.lock();
        match choose(&states, now) {
            Choice::To(index) => {
                states.iter_mut().skip(index).take(1).for_each(|state| state.taken += 1);
                Ok(index)
            }
            Choice::Nowhere(again) => Err(again),
        }
    }

    fn change<T>(&self, index: usize, what: impl FnOnce(&mut State) -> T) -> Option<T> {
        self.lock().get_mut(index).map(what)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<State>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.change(self.index, |state| state.taken = state.taken.saturating_sub(1));
        self.places.freed.notify_one();
    }
}

/// The browser of which the smallest part is taken, among those that are not full and not left out.
fn choose(states: &[State], now: Duration) -> Choice {
    let free =
        states.iter().enumerate().filter(|(_, state)| state.taken < state.limit && state.rests_until <= now);
    // One that is hardly to be reached only where there is no other that is as free.
    let least = free.min_by(|(_, one), (_, other)| {
        let parts = (one.taken * other.limit).cmp(&(other.taken * one.limit));
        parts.then(one.failures.cmp(&other.failures))
    });
    match least {
        Some((index, _)) => Choice::To(index),
        None => {
            let rests = states.iter().filter(|state| state.taken < state.limit);
            Choice::Nowhere(rests.map(|state| state.rests_until.saturating_sub(now)).min())
        }
    }
}

/// Doubles with each failure in a row.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

/// The worker's own browser, started where none runs.
async fn running(
    options: &LaunchOptions,
    browser: &tokio::sync::Mutex<Option<Browser>>,
) -> Result<Browser, Failure> {
    let mut browser = browser.lock().await;
    if let Some(running) = browser.as_ref().filter(|browser| browser.is_alive()) {
        return Ok(running.clone());
    }
    if let Some(dead) = browser.take() {
        dead.close().await;
    }
    let started = Browser::launch(options).await.map_err(|error| crashed(&error))?;
    tracing::info!(version = started.version(), "started Chromium");
    Ok(browser.insert(started).clone())
}

async fn close(browser: &tokio::sync::Mutex<Option<Browser>>) {
    if let Some(browser) = browser.lock().await.take() {
        browser.close().await;
    }
}

fn crashed(error: &BrowserError) -> Failure {
    Failure::new(FailureClass::BrowserCrashed, words(error))
}

/// An error with its causes.
fn words(error: &BrowserError) -> String {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn state(limit: usize, taken: usize, failures: u32, rests_s: u64) -> State {
        let rests_until = NOW + Duration::from_secs(rests_s);
        State { limit, taken, failures, rests_until, ..State::default() }
    }

    #[test]
    fn a_session_goes_where_the_smallest_part_is_taken() {
        let well = |limit, taken| state(limit, taken, 0, 0);
        for (states, expected) in [
            (vec![well(4, 1), well(4, 0)], Choice::To(1)),
            (vec![well(4, 0), well(4, 0)], Choice::To(0)),
            (vec![well(8, 3), well(4, 2)], Choice::To(0)),
            (vec![well(1, 1), well(4, 3)], Choice::To(1)),
            (vec![well(1, 1), well(2, 2)], Choice::Nowhere(None)),
            (vec![state(4, 0, 1, 5), well(4, 3)], Choice::To(1)),
            (vec![state(4, 0, 1, 0), well(4, 0)], Choice::To(1)),
            (vec![state(4, 0, 1, 5), state(4, 0, 3, 2)], Choice::Nowhere(Some(Duration::from_secs(2)))),
            (vec![state(4, 4, 1, 5), state(4, 0, 3, 9)], Choice::Nowhere(Some(Duration::from_secs(9)))),
            (vec![], Choice::Nowhere(None)),
        ] {
            assert_eq!(choose(&states, NOW), expected, "{states:?}");
        }
    }

    #[test]
    fn a_browser_is_left_out_longer_each_time_and_not_for_ever() {
        let pauses: Vec<_> = (1..=9).map(|failures| pause(failures).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }

    #[tokio::test]
    async fn a_place_that_is_given_back_goes_to_who_waits() {
        let clock = crate::clock::ManualClock::at(crate::clock::Timestamp::from_ms(0));
        let address = "ws://127.0.0.1:1/x#sessions=1".parse().unwrap();
        let elsewhere = Elsewhere::new(vec![address], Duration::from_secs(60), clock);
        let nobody: &MakeRoom<'_> = &|| Box::pin(std::future::ready(false));
        let first = elsewhere.place(Duration::from_secs(60), nobody).await.unwrap();
        let (second, ()) =
            tokio::join!(elsewhere.place(Duration::from_secs(60), nobody), async move { drop(first) });
        let second = second.unwrap();
        let none = elsewhere.place(Duration::ZERO, nobody).await.unwrap_err();
        assert_eq!(none.class, FailureClass::BrowserCrashed);
        assert!(none.message.contains("of 1, 0 cannot be reached and 1 are full"), "{}", none.message);
        // Whoever has one that is not used makes room.
        let unused = Mutex::new(Some(second));
        let room: &MakeRoom<'_> = &|| Box::pin(std::future::ready(unused.lock().unwrap().take().is_some()));
        elsewhere.place(Duration::ZERO, room).await.unwrap();
    }
}
