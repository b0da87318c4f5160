//! The connections to SQLite that only read.
//!
//! A pool that looks after each connection that comes back, as sqlx's does, costs every reading one more turn with the thread that works
//! on it. A file of this machine does not go away; so a connection that comes back is simply there for the next reader, and one that
//! had a fault is closed instead.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::error::StoreError;

/// At most so many readers at once.
#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connect: SqliteConnectOptions,
    most: u32,
    room: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A borrowed connection; it goes back when dropped.
#[derive(Debug)]
pub(in crate::store) struct Reader {
    /// Absent once it is on its way back.
    connection: Option<Borrowed>,
    end: End,
}

#[derive(Debug)]
struct Borrowed {
    connection: SqliteConnection,
    readers: Readers,
    _place: OwnedSemaphorePermit,
}

/// What is to be done with a connection that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Keep,
    /// It sees a moment of its own, which would keep the log of the database from being cut.
    LeaveMoment,
    Close,
}

impl Readers {
    /// At most `most` connections, made when they are needed.
    pub(super) fn new(connect: SqliteConnectOptions, most: u32) -> Self {
        let room = Arc::new(Semaphore::new(most as usize));
        Self(Arc::new(Shared { connect, most, room, idle: Mutex::default() }))
    }

    /// A connection, as soon as one is free.
    pub(super) async fn borrow(&self) -> Result<Reader, StoreError> {
        let place = Arc::clone(&self.0.room).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.0.connect.connect().await?,
        };
        let borrowed = Borrowed { connection, readers: self.clone(), _place: place };
        Ok(Reader { connection: Some(borrowed), end: End::Keep })
    }

    /// Waits for those that are borrowed and closes every connection. Nobody borrows one later.
    pub(super) async fn close(&self) {
        // An error means that all this was done before.
        let all = self.0.room.acquire_many(self.0.most).await;
        self.0.room.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            if let Err(error) = sqlx::Connection::close(connection).await {
                tracing::warn!(%error, "the database did not close cleanly");
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// The connection is to see one moment until it goes back.
    pub(super) fn holds_a_moment(&mut self) {
        self.end = End::LeaveMoment;
    }

    /// The connection had a fault.
    pub(super) fn is_faulty(&mut self) {
        self.end = End::Close;
    }

    #[expect(clippy::expect_used, reason = "it is taken by the drop alone")]
    pub(super) fn raw(&mut self) -> &mut SqliteConnection {
        &mut self.connection.as_mut().expect("a reader has a connection").connection
    }
}

impl Borrowed {
    fn go_back(self) {
        self.readers.idle().push(self.connection);
    }

    async fn leave_moment(mut self) {
        match sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            Ok(_) => self.go_back(),
            // It was not even begun, or there is a fault; a new one is made when it is needed.
            Err(error) => tracing::debug!(%error, "a reader is closed"),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(borrowed) = self.connection.take() else { return };
        match (self.end, Handle::try_current()) {
            (End::Keep, _) => borrowed.go_back(),
            (End::LeaveMoment, Ok(runtime)) => drop(runtime.spawn(borrowed.leave_moment())),
            (End::LeaveMoment, Err(_)) | (End::Close, _) => drop(borrowed),
        }
    }
}
