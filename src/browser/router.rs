//! One socket to Chromium, shared by everybody: calls are answered by id, events are handed out by session.
//!
//! Invariants: a call never outlives what it was sent to. When the socket ends, a tab crashes or a session is detached,
//! everything pending there fails at once. A message that cannot be read is skipped and counted; when it is the answer
//! to a call, that call fails. `chromiumoxide` gives the typed commands and the socket, nothing else of it is used.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chromiumoxide::conn::Connection;
use chromiumoxide::error::CdpError;
use chromiumoxide::types::{CallId, Command, EventMessage, Message, Method, MethodId, Response};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use super::error::BrowserError;

/// An event, still as JSON: who listens reads only the fields it needs, so that a newer Chromium's additions do no harm.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Event {
    pub(super) method: MethodId,
    #[serde(rename = "sessionId")]
    pub(super) session: Option<String>,
    #[serde(default)]
    pub(super) params: Value,
}

impl Method for Event {
    fn identifier(&self) -> MethodId {
        self.method.clone()
    }
}

impl EventMessage for Event {
    fn session_id(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// Chromium refused it.
    #[error("{message}")]
    Refused { message: String },
    /// The answer could not be read.
    #[error("the answer to {method} could not be read: {reason}")]
    Unreadable { method: String, reason: String },
    /// The tab crashed.
    #[error("the tab crashed")]
    Crashed,
    /// The session or the browser is gone.
    #[error("the browser is gone")]
    Closed,
}

type Reply = oneshot::Sender<Result<Value, CallError>>;

enum Outgoing {
    Call { method: MethodId, params: Value, session: Option<String>, reply: Reply },
    Listen { session: Option<String>, events: mpsc::UnboundedSender<Event> },
    Forget { session: String },
    Disconnect,
}

/// The handle to the socket; clones share it. The socket closes with the last one.
#[derive(Clone, Debug)]
pub(super) struct Router {
    outgoing: mpsc::UnboundedSender<Outgoing>,
    alive: watch::Receiver<bool>,
    skipped: Arc<AtomicU64>,
}

impl Router {
    /// Connects to the `ws://` address that Chromium printed.
    pub(super) async fn connect(address: &str) -> Result<Self, BrowserError> {
        let connection = Connection::<Event>::connect(address)
            .await
            .map_err(|source| BrowserError::Connect(Box::new(source)))?;
        let (outgoing, queue) = mpsc::unbounded_channel();
        let (alive, watched) = watch::channel(true);
        let skipped = Arc::new(AtomicU64::new(0));
        let task =
            Task { connection, pending: HashMap::new(), listeners: HashMap::new(), skipped: skipped.clone() };
        tokio::spawn(task.run(queue, alive));
        Ok(Self { outgoing, alive: watched, skipped })
    }

    /// Sends `command` now and returns its answer as a future; several sent one after the other are pipelined.
    pub(super) fn send<C: Command>(
        &self,
        session: Option<&str>,
        command: &C,
    ) -> impl Future<Output = Result<C::Response, CallError>> + Send + use<C>
    where
        C::Response: Send,
    {
        let (reply, answer) = oneshot::channel();
        let method = command.identifier();
        match serde_json::to_value(command) {
            Ok(params) => {
                let session = session.map(str::to_owned);
                // Where the task is gone the reply is dropped with the message, which reads as `Closed` below.
                drop(self.outgoing.send(Outgoing::Call { method: method.clone(), params, session, reply }));
            }
            Err(error) => {
                let unreadable =
                    CallError::Unreadable { method: method.to_string(), reason: error.to_string() };
                drop(reply.send(Err(unreadable)));
            }
        }
        async move {
            let value = answer.await.unwrap_or(Err(CallError::Closed))?;
            C::response_from_value(value).map_err(|error| CallError::Unreadable {
                method: method.to_string(),
                reason: error.to_string(),
            })
        }
    }

    /// The events of `session`, or of the browser itself, from now on. They end when it does.
    pub(super) fn listen(&self, session: Option<&str>) -> mpsc::UnboundedReceiver<Event> {
        let (events, receiver) = mpsc::unbounded_channel();
        drop(self.outgoing.send(Outgoing::Listen { session: session.map(str::to_owned), events }));
        receiver
    }

    /// Fails what is pending in `session` and ends its events.
    pub(super) fn forget(&self, session: &str) {
        drop(self.outgoing.send(Outgoing::Forget { session: session.to_owned() }));
    }

    /// Ends the socket, whoever still has it. What is pending fails.
    pub(super) fn disconnect(&self) {
        drop(self.outgoing.send(Outgoing::Disconnect));
    }

    /// A handle that does not keep the socket open.
    pub(super) fn downgrade(&self) -> WeakRouter {
        WeakRouter {
            outgoing: self.outgoing.downgrade(),
            alive: self.alive.clone(),
            skipped: self.skipped.clone(),
        }
    }

    /// Whether the socket is open.
    pub(super) fn is_alive(&self) -> bool {
        *self.alive.borrow()
    }

    /// Returns when the socket has ended.
    pub(super) async fn closed(&self) {
        let mut alive = self.alive.clone();
        // An error says that the task is gone, which is the same.
        drop(alive.wait_for(|alive| !alive).await);
    }

    /// How many messages could not be read.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
}

/// A [`Router`] that does not keep the socket open.
#[derive(Debug)]
pub(super) struct WeakRouter {
    outgoing: mpsc::WeakUnboundedSender<Outgoing>,
    alive: watch::Receiver<bool>,
    skipped: Arc<AtomicU64>,
}

impl WeakRouter {
    /// The router, while somebody keeps it.
    pub(super) fn upgrade(&self) -> Option<Router> {
        let outgoing = self.outgoing.upgrade()?;
        Some(Router { outgoing, alive: self.alive.clone(), skipped: self.skipped.clone() })
    }
}

struct Task {
    connection: Connection<Event>,
    pending: HashMap<CallId, (MethodId, Option<String>, Reply)>,
    listeners: HashMap<Option<String>, mpsc::UnboundedSender<Event>>,
    skipped: Arc<AtomicU64>,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Outgoing>, alive: watch::Sender<bool>) {
        loop {
            // The connection writes only while it is polled for reading, so both are polled in every round.
            tokio::select! {
                outgoing = queue.recv() => match outgoing {
                    Some(outgoing) => if self.take(outgoing).is_break() { break },
                    None => break,
                },
                message = self.connection.next() => match message {
                    Some(Ok(Message::Response(response))) => self.answer(response),
                    Some(Ok(Message::Event(event))) => self.hand_out(event),
                    Some(Err(CdpError::InvalidMessage(text, error))) => self.skip(&text, &error),
                    Some(Err(CdpError::UnexpectedWsMessage(_))) => { self.skipped.fetch_add(1, Ordering::Relaxed); }
                    Some(Err(error)) => {
                        tracing::debug!(%error, "the socket to Chromium ended");
                        break;
                    }
                    None => break,
                },
            }
        }
        // First of all, so that whoever is told below that the browser is gone does not find it alive and try it again.
        alive.send_replace(false);
        queue.close();
        // Replies are dropped with the map, which their callers read as `Closed`; the listeners' channels end.
        self.pending.clear();
        self.listeners.clear();
    }

    fn take(&mut self, outgoing: Outgoing) -> ControlFlow<()> {
        match outgoing {
            Outgoing::Call { method, params, session, reply } => {
                let id =
                    self.connection.submit_command(method.clone(), session.clone().map(Into::into), params);
                match id {
                    Ok(id) => drop(self.pending.insert(id, (method, session, reply))),
                    Err(error) => {
                        let reason = error.to_string();
                        drop(reply.send(Err(CallError::Unreadable { method: method.to_string(), reason })));
                    }
                }
            }
            Outgoing::Listen { session, events } => drop(self.listeners.insert(session, events)),
            Outgoing::Forget { session } => self.end_session(&session, &CallError::Closed),
            Outgoing::Disconnect => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    fn answer(&mut self, response: Response) {
        if let Some((_, _, reply)) = self.pending.remove(&response.id) {
            let result = match response.error {
                Some(error) => Err(CallError::Refused { message: error.message }),
                None => Ok(response.result.unwrap_or(Value::Null)),
            };
            drop(reply.send(result));
        }
    }

    fn hand_out(&mut self, event: Event) {
        match event.method.as_ref() {
            "Inspector.targetCrashed" => {
                if let Some(session) = &event.session {
                    self.fail_pending(session, &CallError::Crashed);
                }
            }
            "Target.detachedFromTarget" => {
                if let Some(session) = event.params.get("sessionId").and_then(Value::as_str) {
                    self.end_session(session, &CallError::Closed);
                }
            }
            _ => {}
        }
        if let Some(listener) = self.listeners.get(&event.session) {
            // A listener that went away is forgotten by its session.
            drop(listener.send(event));
        }
    }

    fn skip(&mut self, text: &str, error: &serde_json::Error) {
        #[derive(Deserialize)]
        struct Answered {
            id: CallId,
        }
        self.skipped.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(%error, "skipped a message of Chromium");
        let Ok(Answered { id }) = serde_json::from_str(text) else { return };
        if let Some((method, _, reply)) = self.pending.remove(&id) {
            let reason = error.to_string();
            drop(reply.send(Err(CallError::Unreadable { method: method.to_string(), reason })));
        }
    }

    fn end_session(&mut self, session: &str, why: &CallError) {
        self.fail_pending(session, why);
        self.listeners.remove(&Some(session.to_owned()));
    }

    fn fail_pending(&mut self, session: &str, why: &CallError) {
        for (_, (_, _, reply)) in self.pending.extract_if(|_, (_, of, _)| of.as_deref() == Some(session)) {
            drop(reply.send(Err(why.clone())));
        }
    }
}
