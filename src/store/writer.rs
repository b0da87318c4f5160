//! The one task that writes.
//!
//! Competing writers of SQLite wait for each other in turns of milliseconds; one writer that commits what has gathered
//! meanwhile as one transaction pays for one `fsync` and is fair. Each piece of work runs in a savepoint of its own,
//! so a refused one leaves no trace and does not disturb its neighbours. An answer is given only after the commit is
//! on the disk. Other processes may write too: then the beginning of a transaction waits for them, and a slow poll notices what they
//! wrote.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::chain::ChainHead;
use super::engine::{self, Bell, Engine, Kind};
use super::error::StoreError;
use super::event;
use super::sql::{Db, statements};
use super::stamp::Stamp;
use super::watch::{Touched, Watchers};
use crate::clock::{SharedClock, Timestamp};
use crate::id::Ids;

statements! {
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
    MARK = "SAVEPOINT work";
    KEEP = "RELEASE work";
    UNDO = "ROLLBACK TO work";
}

/// How much work may wait before those who bring more have to.
const QUEUE: usize = 1024;
/// How much work shares one commit; bounds what one disk fault can refuse.
const BATCH: usize = 128;

/// What a piece of writing works with.
#[derive(Debug)]
pub(super) struct Tx {
    pub(super) db: Db,
    /// When the transaction began.
    pub(super) now: Timestamp,
    pub(super) ids: Ids,
    pub(super) touched: Touched,
    /// The end of the chain of events.
    pub(super) chain: ChainHead,
}

/// Gives work to the writing task.
#[derive(Clone, Debug)]
pub(super) struct Writer(mpsc::Sender<Message>);

/// What the writing task needs.
#[derive(Debug)]
pub(super) struct WriterOptions {
    pub(super) engine: Arc<Engine>,
    pub(super) poll: std::time::Duration,
    pub(super) clock: SharedClock,
    pub(super) ids: Ids,
    pub(super) watchers: Arc<Watchers>,
    pub(super) stamp: Arc<Stamp>,
    /// Who shares the database has to be told.
    pub(super) bell: Option<Bell>,
}

enum Message {
    Write(Box<dyn Write>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the task on a connection that is ready. It ends when every handle is dropped, or by [`Self::close`].
    pub(super) fn start(db: Db, options: WriterOptions) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(Task { db: Some(db), options, seen: None }.run(receiver));
        Self(sender)
    }

    /// Runs `work` in the next transaction. An error of it undoes what it did. The work may be done even where the
    /// caller no longer waits for the answer.
    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let write = Pending { work: Some(work), result: None, answer };
        self.0.send(Message::Write(Box::new(write))).await.map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Ends the task after what was brought before; returns when the connection is closed.
    pub(super) async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.0.send(Message::Close(closed)).await.is_ok() {
            // An error means that the task ended some other way; it is closed all the same.
            let _ = wait.await;
        }
    }
}

/// Work of any type, to be run and, after the commit, answered.
trait Write: Send {
    /// Whether what it did is to be kept. `last` is done behind it where it is.
    fn run<'a>(&'a mut self, tx: &'a mut Tx, last: &'static str) -> BoxFuture<'a, bool>;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Pending<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Write for Pending<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx, last: &'static str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            if let Some(work) = self.work.take() {
                let result = work(tx).await;
                // What it wrote last is done here, so that a fault of it is its own.
                if result.is_ok() {
                    tx.db.write(last, &[]);
                }
                self.result = Some(match (result, tx.db.flush().await) {
                    (Ok(_), Err(fault)) => Err(fault.into()),
                    (result, _) => result,
                });
            }
            matches!(self.result, Some(Ok(_)))
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Closed.into()),
            (Err(error), _) => Err(error.into()),
        };
        // Nobody may be waiting any more.
        let _ = self.answer.send(result);
    }
}

struct Task {
    /// Absent after a fault of the connection, until the next batch opens a new one.
    db: Option<Db>,
    options: WriterOptions,
    /// The last [version](engine::version) that was seen. SQLite's moves only when another connection commits; PostgreSQL's is
    /// carried along with what this one commits.
    seen: Option<i64>,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        // What was written before this is known to nobody.
        self.notice_others().await;
        let mut poll = tokio::time::interval(self.options.poll);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let closed = loop {
            tokio::select! {
                message = queue.recv() => match message {
                    None => break None,
                    Some(Message::Close(closed)) => break Some(closed),
                    Some(Message::Write(first)) => {
                        if let Some(closed) = self.batch(first, &mut queue).await {
                            break Some(closed);
                        }
                    }
                },
                _ = poll.tick() => self.notice_others().await,
            }
        };
        queue.close();
        if let Some(db) = self.db.take()
            && let Err(error) = db.close().await
        {
            tracing::warn!(%error, "the database did not close cleanly");
        }
        self.options.watchers.tell_everyone();
        if let Some(closed) = closed {
            let _ = closed.send(());
        }
    }

    /// Commits `first` and what has gathered behind it. Returns a wish to close that came with it.
    async fn batch(
        &mut self,
        first: Box<dyn Write>,
        queue: &mut mpsc::Receiver<Message>,
    ) -> Option<oneshot::Sender<()>> {
        let mut batch = vec![first];
        let mut closed = None;
        // Who was answered with the last batch may be about to ask for the next.
        tokio::task::yield_now().await;
        while batch.len() < BATCH {
            match queue.try_recv() {
                Ok(Message::Write(next)) => batch.push(next),
                Ok(Message::Close(sender)) => {
                    closed = Some(sender);
                    break;
                }
                Err(_) => break,
            }
        }
        let committed = match self.open().await {
            Ok(db) => self.transact(db, &mut batch).await,
            Err(error) => Err(error),
        };
        for write in batch {
            write.answer(committed.clone());
        }
        closed
    }

    async fn transact(&mut self, db: Db, batch: &mut [Box<dyn Write>]) -> Result<(), StoreError> {
        let now = self.options.clock.now();
        let (ids, chain) = (self.options.ids.clone(), ChainHead::default());
        let mut tx = Tx { db, now, ids, touched: Touched::default(), chain };
        match commit(&mut tx, batch).await {
            Ok(before) => {
                if tx.db.kind() == Kind::Postgres && self.seen == Some(before) {
                    self.seen = Some(tx.chain.events);
                }
                if tx.touched.configuration {
                    self.options.stamp.renew(&tx.ids.next());
                }
                self.options.watchers.tell(&tx.touched);
                if let Some(bell) = &self.options.bell {
                    bell.ring(std::mem::take(&mut tx.touched));
                }
                self.db = Some(tx.db);
                Ok(())
            }
            Err(error) => {
                // A full disk or an I/O fault may have ended the transaction by itself; a connection that does not
                // roll back is not used again.
                tx.db.take_fault();
                if tx.db.change(ROLLBACK, &[]).await.is_ok() || matches!(error, StoreError::Busy(_)) {
                    self.db = Some(tx.db);
                }
                Err(error)
            }
        }
    }

    async fn open(&mut self) -> Result<Db, StoreError> {
        match self.db.take() {
            Some(db) => Ok(db),
            None => {
                self.seen = None;
                self.options.engine.writer().await
            }
        }
    }

    async fn notice_others(&mut self) {
        let Some(db) = &mut self.db else { return };
        let version = match engine::version(db).await {
            Ok(version) => version,
            Err(error) => {
                tracing::warn!(%error, "cannot see whether another process wrote to the database");
                // The next batch opens a new one.
                self.db = None;
                None
            }
        };
        // The first look tells everyone too.
        if version != self.seen {
            self.options.stamp.doubt();
            self.options.watchers.tell_everyone();
        }
        self.seen = version;
    }
}

/// Gives the number of events that there were before.
async fn commit(tx: &mut Tx, batch: &mut [Box<dyn Write>]) -> Result<i64, StoreError> {
    for statement in tx.db.kind().begin_writing() {
        tx.db.write(statement, &[]);
    }
    tx.chain = event::head(&mut tx.db).await?;
    let before = tx.chain.clone();
    // One alone is kept or undone with the transaction: that is a turn less, and no savepoint.
    let (keep, undo) = if batch.len() == 1 { (COMMIT, ROLLBACK) } else { (KEEP, UNDO) };
    let is_one_of_many = batch.len() > 1;
    for write in batch {
        if is_one_of_many {
            tx.db.write(MARK, &[]);
        }
        let chain = tx.chain.clone();
        if !write.run(tx, keep).await {
            // Where SQLite ended the whole transaction there is nothing to undo, and what it said then is the cause.
            let fault = tx.db.take_fault();
            tx.chain = chain;
            tx.db.change(undo, &[]).await.map_err(|error| fault.unwrap_or(error))?;
            if is_one_of_many {
                tx.db.write(KEEP, &[]);
            }
        }
    }
    if is_one_of_many {
        tx.db.write(COMMIT, &[]);
    }
    tx.db.flush().await.map(|()| before.events)
}
