//! Which faults there are, and the seeded choice among them.

use std::time::Duration;

use usher::demo::{Fault, Trap};

use crate::path::faults::Drawn;

/// A fault in the way of one wanted change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hitch {
    /// The app takes the change, and the connection ends without an answer.
    DroppedAfterChange,
    /// The connection ends before the app takes the change.
    DroppedBeforeChange,
    /// The app takes the change and answers with half of its answer.
    TruncatedChange,
    /// The app answers the change with an error.
    FailedChange,
    /// The app takes the change and answers long after Usher stopped waiting.
    SlowChange,
    /// The connection ends at any request.
    Dropped,
    /// Any answer is cut in half.
    Truncated,
    /// Any request is answered with an error.
    Failed,
    /// Any request is answered with 429.
    TooMany,
    /// The session ends before any request.
    SessionEnded,
    /// The same wish comes over two gateways at once.
    Rivals,
}

impl Hitch {
    /// Each with its weight.
    const ALL: [(Self, usize); 11] = [
        (Self::DroppedAfterChange, 24),
        (Self::DroppedBeforeChange, 10),
        (Self::TruncatedChange, 10),
        (Self::FailedChange, 8),
        (Self::SlowChange, 2),
        (Self::Dropped, 6),
        (Self::Truncated, 8),
        (Self::Failed, 10),
        (Self::TooMany, 6),
        (Self::SessionEnded, 10),
        (Self::Rivals, 6),
    ];

    /// So many, every kind as often as its weight says and at least once where there is room.
    pub fn choose(drawn: &mut Drawn, count: usize) -> Vec<Self> {
        share(drawn, &Self::ALL, count)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::DroppedAfterChange => "app: took the change, connection dropped",
            Self::DroppedBeforeChange => "app: connection dropped before the change",
            Self::TruncatedChange => "app: took the change, answer truncated",
            Self::FailedChange => "app: 500 or 503 at the change",
            Self::SlowChange => "app: took the change, answered 12 s later",
            Self::Dropped => "app: connection dropped at any request",
            Self::Truncated => "app: any answer truncated",
            Self::Failed => "app: 500 or 503 at any request",
            Self::TooMany => "app: 429 with Retry-After",
            Self::SessionEnded => "app: session ended in mid-flow",
            Self::Rivals => "one wish over two gateways at once",
        }
    }

    /// Whether it concerns the request that changes the app.
    pub fn is_of_the_change(self) -> bool {
        matches!(
            self,
            Self::DroppedAfterChange
                | Self::DroppedBeforeChange
                | Self::TruncatedChange
                | Self::FailedChange
                | Self::SlowChange
        )
    }

    /// The trap that it is, for requests about `email`. A job asks four times: it reads, opens a page, changes, and reads.
    pub fn trap(self, drawn: &mut Drawn, email: &str) -> Option<Trap> {
        let status = Fault::Status(drawn.one(&[500, 502, 503]));
        let fault = match self {
            Self::DroppedAfterChange => Fault::DroppedAfter,
            Self::DroppedBeforeChange | Self::Dropped => Fault::DroppedBefore,
            Self::TruncatedChange | Self::Truncated => Fault::Truncated,
            Self::FailedChange | Self::Failed => status,
            Self::SlowChange => Fault::Slow(Duration::from_secs(12)),
            Self::TooMany => Fault::TooMany { retry_after: Duration::from_secs(5) },
            Self::SessionEnded => Fault::SessionEnded,
            Self::Rivals => return None,
        };
        let posts_only = self.is_of_the_change();
        let after = if posts_only { 0 } else { drawn.one(&[0, 1, 2, 3]) };
        Some(Trap { on: email.to_owned(), posts_only, after, fault })
    }
}

/// A fault of a process or a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disaster {
    KillWorker,
    TerminateWorker,
    /// Longer than its lease.
    PauseWorker,
    KillGateway,
    KillChromium,
    PauseChromium,
    CrashDatabase,
    /// Nothing of it answers.
    PauseDatabase,
    /// An hour forward or back.
    Clock,
    /// No room for database and pictures.
    DiskFull,
}

impl Disaster {
    const SHARED: [(Self, usize); 9] = [
        (Self::KillWorker, 20),
        (Self::KillGateway, 24),
        (Self::KillChromium, 20),
        (Self::TerminateWorker, 9),
        (Self::PauseWorker, 9),
        (Self::PauseChromium, 6),
        (Self::CrashDatabase, 5),
        (Self::PauseDatabase, 4),
        (Self::Clock, 3),
    ];
    const ALONE: [(Self, usize); 5] = [
        (Self::KillWorker, 30),
        (Self::KillChromium, 25),
        (Self::TerminateWorker, 15),
        (Self::PauseChromium, 10),
        (Self::DiskFull, 20),
    ];

    /// Those of processes that share a server.
    pub fn choose_shared(drawn: &mut Drawn, count: usize) -> Vec<Self> {
        share(drawn, &Self::SHARED, count)
    }

    /// Those of one process with its file.
    pub fn choose_alone(drawn: &mut Drawn, count: usize) -> Vec<Self> {
        share(drawn, &Self::ALONE, count)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::KillWorker => "kill -9 of a worker",
            Self::TerminateWorker => "SIGTERM of a worker",
            Self::PauseWorker => "worker stopped beyond its lease, then continued",
            Self::KillGateway => "kill -9 of a gateway",
            Self::KillChromium => "kill -9 of Chromium",
            Self::PauseChromium => "Chromium stopped for a while",
            Self::CrashDatabase => "PostgreSQL crashed and restarted",
            Self::PauseDatabase => "PostgreSQL unreachable for a while",
            Self::Clock => "a worker's clock jumped an hour",
            Self::DiskFull => "disk full",
        }
    }
}

/// `count` of `all` in a drawn order, each as often as its weight says; every one of them where there is room.
fn share<T: Copy>(drawn: &mut Drawn, all: &[(T, usize)], count: usize) -> Vec<T> {
    let sum: usize = all.iter().map(|(_, weight)| weight).sum();
    let mut chosen: Vec<T> = all.iter().map(|(one, _)| *one).collect();
    for (one, weight) in all {
        let more = (count * weight / sum).saturating_sub(1);
        chosen.extend(std::iter::repeat_n(*one, more));
    }
    drawn.shuffle(&mut chosen[..all.len()]);
    drawn.shuffle(&mut chosen[all.len()..]);
    while chosen.len() < count {
        chosen.push(all[usize::try_from(drawn.below(all.len() as u64)).unwrap()].0);
    }
    chosen.truncate(count);
    drawn.shuffle(&mut chosen);
    chosen
}
