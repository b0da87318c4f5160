//! How the processes that share a server's database tell each other what they changed.
//!
//! `NOTIFY` in a transaction that writes would be one more lock for all who write, held until its end. So it is sent after the commit
//! by another connection, and what was committed while one was on its way goes with the next. A process that ends in between has told
//! nobody; the slow poll of the others covers that, as it covers a connection that was lost.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::store::stamp::Stamp;
use crate::store::watch::{Touched, Watchers};

const RING: &str = "SELECT pg_notify($1, $2)";
/// PostgreSQL takes up to 7999 bytes; above this everybody is told to look.
const LONGEST: usize = 7000;
/// How long after a fault it is tried again.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// What a process says.
#[derive(Debug, Serialize, Deserialize)]
struct Word {
    /// Who says it: nobody listens to himself.
    from: String,
    /// What changed; nothing where it is too much to be listed.
    touched: Option<Touched>,
}

/// Tells the others.
#[derive(Clone, Debug)]
pub(in crate::store) struct Bell(mpsc::UnboundedSender<Touched>);

impl Bell {
    /// Listens from now on, and gives what rings. Both end with the pool or with the last clone; then what was rung is told.
    pub(super) async fn start(
        pool: &PgPool,
        schema: &str,
        name: String,
        (watchers, stamp): (Arc<Watchers>, Arc<Stamp>),
    ) -> Result<(Self, JoinHandle<()>), sqlx::Error> {
        let channel = format!("usher_{schema}");
        let listener = listener(pool, &channel).await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let ear = Ear { pool: pool.clone(), channel: channel.clone(), own: name.clone(), watchers, stamp };
        tokio::spawn(ear.listen(listener));
        Ok((Self(sender), tokio::spawn(ring(pool.clone(), channel, name, receiver))))
    }

    /// Tells the others, soon.
    pub(in crate::store) fn ring(&self, touched: Touched) {
        if !touched.is_nothing() {
            // It is only closed with the store.
            let _ = self.0.send(touched);
        }
    }
}

async fn ring(pool: PgPool, channel: String, from: String, mut rung: mpsc::UnboundedReceiver<Touched>) {
    while let Some(mut touched) = rung.recv().await {
        while let Ok(more) = rung.try_recv() {
            touched.join(more);
        }
        let word = |touched| serde_json::to_string(&Word { from: from.clone(), touched }).unwrap_or_default();
        let mut said = word(Some(touched));
        if said.len() > LONGEST {
            said = word(None);
        }
        let told = sqlx::query(RING).bind(&channel).bind(said).execute(&pool).await;
        if let Err(error) = told {
            tracing::warn!(%error, "other processes were not told of a change; they notice it later");
        }
    }
}

async fn listener(pool: &PgPool, channel: &str) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(channel).await?;
    Ok(listener)
}

/// Hears the others.
struct Ear {
    pool: PgPool,
    channel: String,
    own: String,
    watchers: Arc<Watchers>,
    stamp: Arc<Stamp>,
}

impl Ear {
    async fn listen(self, first: PgListener) {
        let mut listening = Ok(first);
        loop {
            let lost = match listening {
                Ok(listener) => self.hear(listener).await,
                Err(error) => Err(error),
            };
            match lost {
                Err(sqlx::Error::PoolClosed) => return,
                Err(error) => {
                    tracing::warn!(%error, "other processes cannot be heard; what they change is noticed later");
                    tokio::select! {
                        () = self.pool.close_event() => return,
                        _ = tokio::time::timeout(AFTER_FAULT, std::future::pending::<()>()) => {}
                    }
                }
                Ok(()) => {}
            }
            listening = listener(&self.pool, &self.channel).await;
            // Nobody knows what was said meanwhile.
            self.tell_everyone();
        }
    }

    /// Hears until the connection is lost.
    async fn hear(&self, mut listener: PgListener) -> Result<(), sqlx::Error> {
        while let Some(heard) = listener.try_recv().await? {
            match serde_json::from_str::<Word>(heard.payload()) {
                Ok(word) if word.from == self.own => {}
                Ok(Word { touched: Some(touched), .. }) => {
                    if touched.configuration {
                        self.stamp.doubt();
                    }
                    self.watchers.tell(&touched);
                }
                // Too much to be listed, or from another version.
                Ok(Word { touched: None, .. }) | Err(_) => self.tell_everyone(),
            }
        }
        Ok(())
    }

    fn tell_everyone(&self) {
        self.stamp.doubt();
        self.watchers.tell_everyone();
    }
}
