//! The app's whole state, behind its one lock, with its time and randomness.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::access::{Sessions, SignIn, Totp, random_token};
use super::gate::Gate;
use super::model::{By, Edit, Member, Organisation, Refusal, Role, Status, seed};
use super::switches::Missing;
use super::trap::Traps;
use super::{Elapsed, Fill, NowMs, Options, PASSWORD, SERVICE_ACCOUNT, Switches};

/// What every request shares.
pub(super) struct Desk {
    pub(super) fill: Fill,
    pub(super) elapsed: Elapsed,
    pub(super) gate: Gate,
    pub(super) traps: Traps,
    /// Whether there is quick mode.
    pub(super) quick: bool,
    now_ms: NowMs,
    state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) organisation: Organisation,
    pub(super) sign_in: SignIn,
    pub(super) sessions: Sessions,
    pub(super) stats: Stats,
    switches: Switches,
}

/// How much was asked of the app; requests under `/-/` do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests answered.
    pub requests: u64,
    /// Time spent answering them, all together, wilful slowness included.
    pub busy: Duration,
    /// Sign-ins that succeeded.
    pub sign_ins: u64,
    /// Passwords and codes that were refused.
    pub refused_sign_ins: u64,
}

impl Desk {
    pub(super) fn new(options: &Options) -> Result<Self, io::Error> {
        let totp = match &options.totp_secret {
            None => None,
            Some(secret) => Some(Totp::from_base32(secret).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "the one-time code secret is not base32")
            })?),
        };
        let organisation = seed(options.members, options.seats, (options.now_ms)());
        let owner = organisation.find_by_email(SERVICE_ACCOUNT).map_or(0, |member| member.id);
        let switches = Switches {
            new_design: options.new_design,
            whats_new: options.whats_new,
            latency: options.latency,
            seats: options.seats,
            fail_with: None,
            missing: Missing::default(),
        };
        let state = State {
            organisation,
            sign_in: SignIn::new(owner, PASSWORD, totp),
            sessions: Sessions::default(),
            stats: Stats::default(),
            switches,
        };
        Ok(Self {
            fill: Fill::clone(&options.fill),
            elapsed: Elapsed::clone(&options.elapsed),
            gate: Gate::default(),
            traps: Traps::default(),
            quick: options.quick,
            now_ms: NowMs::clone(&options.now_ms),
            state: Mutex::new(state),
        })
    }

    /// The state; a request that panicked does not take the others with it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.now_ms)()
    }

    pub(super) fn random_token(&self) -> String {
        random_token(&*self.fill)
    }

    /// Accepts the open invitation of this address; `false` where there is none.
    pub(super) fn accept(&self, email: &str) -> bool {
        let at_ms = self.now_ms();
        let organisation = &mut self.lock().organisation;
        let pending = organisation.find_by_email(email).filter(|member| member.status == Status::Pending);
        pending.map(|member| member.id).is_some_and(|id| organisation.accept(id, at_ms).is_ok())
    }

    /// Removes the member of this address; `false` where there is none, or it is the last owner.
    pub(super) fn remove(&self, email: &str) -> bool {
        self.by_hand(email, |organisation, by, member| organisation.remove(by, member.id))
    }

    /// Gives the member of this address another role; `false` where that cannot be.
    pub(super) fn set_role(&self, email: &str, role: Role) -> bool {
        self.by_hand(email, |organisation, by, Member { id, name, email, teams, .. }| {
            organisation.edit(by, id, &Edit { name, email, role: role.word().to_owned(), teams })
        })
    }

    fn by_hand(
        &self,
        email: &str,
        act: impl FnOnce(&mut Organisation, &By, Member) -> Result<(), Refusal>,
    ) -> bool {
        let by = By { actor: "another.owner@acme.example".to_owned(), at_ms: self.now_ms() };
        let organisation = &mut self.lock().organisation;
        let member = organisation.find_by_email(email).cloned();
        member.is_some_and(|member| act(organisation, &by, member).is_ok())
    }
}

impl State {
    pub(super) fn switches(&self) -> Switches {
        Switches { seats: self.organisation.seats(), ..self.switches }
    }

    pub(super) fn set_switches(&mut self, switches: Switches) {
        self.organisation.set_seats(switches.seats);
        self.switches = switches;
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}
