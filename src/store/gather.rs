//! Asking together: what several ask for while the last answer is on its way is asked for all of them at once.
//!
//! Claims and ends of jobs cost turns with the database and a commit, whether they are of one job or of sixteen. Nobody waits for
//! company: who asks alone is answered alone.

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::error::StoreError;

/// How many are asked for at once.
const AT_ONCE: usize = 64;

/// Gathers questions; clones share it.
#[derive(Debug)]
pub(super) struct Gather<Q, A>(mpsc::Sender<Asked<Q, A>>);

#[derive(Debug)]
struct Asked<Q, A> {
    question: Q,
    answer: oneshot::Sender<A>,
}

impl<Q, A> Clone for Gather<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: Send + 'static, A: Send + 'static> Gather<Q, A> {
    /// Has questions answered by `answer`, in their order, until the last handle is dropped.
    pub(super) fn start(
        answer: impl Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync + 'static,
    ) -> Self {
        let (sender, mut asked) = mpsc::channel(AT_ONCE);
        tokio::spawn(async move {
            let mut gathered = Vec::with_capacity(AT_ONCE);
            while asked.recv_many(&mut gathered, AT_ONCE).await > 0 {
                // Who was answered together asks again together: the first of them is not sent ahead of the others.
                loop {
                    tokio::task::yield_now().await;
                    let room = AT_ONCE - gathered.len();
                    let before = gathered.len();
                    gathered.extend(std::iter::from_fn(|| asked.try_recv().ok()).take(room));
                    if gathered.len() == before {
                        break;
                    }
                }
                // Who does not wait any more must not be given anything.
                let waiting = gathered.drain(..).filter(|asked: &Asked<Q, A>| !asked.answer.is_closed());
                let (questions, answers): (Vec<_>, Vec<_>) =
                    waiting.map(|asked| (asked.question, asked.answer)).unzip();
                if questions.is_empty() {
                    continue;
                }
                for (waits, answer) in answers.into_iter().zip(answer(questions).await) {
                    // An error says that nobody waits for it any more.
                    let _ = waits.send(answer);
                }
            }
        });
        Self(sender)
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, question: Q) -> Result<A, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Asked { question, answer }).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt as _;
    use tokio::sync::{Semaphore, mpsc};

    use super::*;

    #[tokio::test]
    async fn what_comes_while_one_is_answered_is_answered_together_and_nobody_who_left() {
        let (sizes, mut seen) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let at_gate = Arc::clone(&gate);
        let gather = Gather::start(move |questions: Vec<u32>| {
            sizes.send(questions.clone()).unwrap();
            let gate = Arc::clone(&at_gate);
            async move {
                gate.acquire().await.unwrap().forget();
                questions.into_iter().map(|question| question * 10).collect()
            }
            .boxed()
        });
        let ask = |question| {
            tokio::spawn({
                let gather = gather.clone();
                async move { gather.ask(question).await.unwrap() }
            })
        };
        let first = ask(1);
        assert_eq!(seen.recv().await.unwrap(), [1]);
        let mut leaves = Box::pin(gather.ask(4));
        assert!((&mut leaves).now_or_never().is_none());
        drop(leaves);
        let (second, third) = (gather.ask(2), gather.ask(3));
        gate.add_permits(2);
        let (second, third) = tokio::join!(second, third);
        assert_eq!((first.await.unwrap(), second.unwrap(), third.unwrap()), (10, 20, 30));
        let asked = seen.recv().await.unwrap();
        assert_eq!(asked, [2, 3]);
        drop(gather);
        assert_eq!(seen.recv().await, None, "it ends with the last handle");
    }
}
