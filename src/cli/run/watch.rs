//! Waiting until the files of a connector are saved.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Editors save in several strokes; what comes within that time is one save.
const STROKE: Duration = Duration::from_millis(100);

/// Watches a folder.
pub(super) struct Watch {
    changes: UnboundedReceiver<()>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    pub(super) fn new(folder: &Path) -> anyhow::Result<Self> {
        let (tell, changes) = unbounded_channel();
        let told = move |event: notify::Result<Event>| {
            // Reading the files is no change of them.
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                // Where nobody waits any more, nothing is missed.
                let _ = tell.send(());
            }
        };
        let watching = || -> notify::Result<RecommendedWatcher> {
            let mut watcher = notify::recommended_watcher(told)?;
            watcher.watch(folder, RecursiveMode::Recursive)?;
            Ok(watcher)
        };
        let watcher = watching().with_context(|| format!("cannot watch {}", folder.display()))?;
        Ok(Self { changes, _watcher: watcher })
    }

    /// Returns when something was changed since the last call, and the saving is over.
    pub(super) async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            return std::future::pending().await;
        }
        while let Ok(Some(())) = tokio::time::timeout(STROKE, self.changes.recv()).await {}
    }
}
