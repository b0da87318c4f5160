//! Brings what an attempt leaves behind to where it is kept, in order and off the way of the flow.
//!
//! Evidence never fails a job and holds none up for long: bytes that cannot be kept are missed, and their step says so. Once a bucket
//! fails, the attempt's further ones are not tried.

use tokio::sync::{mpsc, oneshot};

use crate::artifact::{ArtifactError, Artifacts};
use crate::recording::Files;
use crate::store::{AttemptId, Lease, NewArtifact, NewEvidence, PAGES, PICTURES, RECORDING, Store};
use crate::trace::{Picture, StepRecord};

/// How many steps may wait to be written; a flow that is faster than the disk waits for it then.
const WAITING: usize = 64;

/// Takes what an attempt leaves behind. What was given is written even where this is dropped, as long as the claim holds.
#[derive(Debug)]
pub(super) struct Deposit {
    given: mpsc::Sender<Given>,
}

enum Given {
    Step(Box<StepRecord>, Vec<Picture>),
    /// The files of the recording.
    Files(Files),
    /// Answered when everything before it is written.
    Flush(oneshot::Sender<()>),
}

impl Deposit {
    /// For one attempt.
    pub(super) fn new(store: Store, artifacts: Artifacts, (lease, attempt): (Lease, AttemptId)) -> Self {
        let (given, waiting) = mpsc::channel(WAITING);
        let writing = Writing { store, artifacts, lease, attempt, is_given_up: false };
        tokio::spawn(writing.until_its_end(waiting));
        Self { given }
    }

    /// A step that ended.
    pub(super) async fn step(&self, record: StepRecord, pictures: Vec<Picture>) {
        drop(self.given.send(Given::Step(Box::new(record), pictures)).await);
    }

    /// The files of the recording.
    pub(super) async fn files(&self, files: Files) {
        drop(self.given.send(Given::Files(files)).await);
    }

    /// Returns when everything that was given is written, or was found that it cannot be.
    pub(super) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.given.send(Given::Flush(done)).await.is_ok() {
            // An error says that nothing is left to wait for.
            drop(written.await);
        }
    }
}

struct Writing {
    store: Store,
    artifacts: Artifacts,
    lease: Lease,
    attempt: AttemptId,
    /// Whether a bucket failed, which may have taken a while.
    is_given_up: bool,
}

impl Writing {
    async fn until_its_end(mut self, mut waiting: mpsc::Receiver<Given>) {
        while let Some(given) = waiting.recv().await {
            match given {
                Given::Step(record, pictures) => self.step(*record, pictures).await,
                Given::Files(files) => {
                    let mut evidence = Vec::new();
                    for (path, bytes) in files {
                        evidence.push(self.keep(format!("{RECORDING}{path}"), None, bytes).await);
                    }
                    self.write(Vec::new(), evidence).await;
                }
                Given::Flush(done) => drop(done.send(())),
            }
        }
    }

    async fn step(&mut self, mut record: StepRecord, pictures: Vec<Picture>) {
        let (mut evidence, mut missing) = (Vec::new(), None);
        for Picture { moment, jpeg, page } in pictures {
            let name = format!("{:03}-{}", record.seq, moment.as_str());
            let picture = jpeg.map(|jpeg| (format!("{PICTURES}{name}.jpeg"), jpeg));
            let page = page.map(|page| (format!("{PAGES}{name}.html"), page.into_bytes()));
            for (path, bytes) in picture.into_iter().chain(page) {
                let kept = self.keep(path, Some(record.seq), bytes).await;
                missing = kept.artifact.as_ref().err().cloned().or(missing);
                evidence.push(kept);
            }
        }
        record.missing = missing;
        self.write(vec![record], evidence).await;
    }

    async fn write(&self, steps: Vec<StepRecord>, evidence: Vec<NewEvidence>) {
        if let Err(error) = self.store.add_steps(&self.lease, self.attempt, steps, evidence).await {
            tracing::warn!(%error, "a part of what an attempt left was not written");
        }
    }

    /// Keeps bytes, or says why they could not be kept.
    async fn keep(&mut self, path: String, step: Option<u32>, bytes: Vec<u8>) -> NewEvidence {
        let artifact = self.put(&path, step, bytes).await;
        NewEvidence { path, step, artifact }
    }

    async fn put(&mut self, path: &str, step: Option<u32>, bytes: Vec<u8>) -> Result<NewArtifact, String> {
        let is_picture = path.starts_with(PICTURES);
        let what = if is_picture {
            "the picture"
        } else if step.is_some() {
            "the page"
        } else {
            "a file"
        };
        if self.is_given_up {
            return Err(format!("{what} was not kept: it was not tried, since one before it failed"));
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        match self.artifacts.put(bytes, extension).await {
            Ok(name) => Ok(NewArtifact { name: name.as_str().to_owned(), bytes: length }),
            Err(error) => {
                self.is_given_up = !matches!(error, ArtifactError::File { .. });
                tracing::warn!(%error, path, "evidence was not kept");
                Err(format!("{what} was not kept: {error}"))
            }
        }
    }
}
