//! One `usher serve` with its file on a small disk, and what is done to it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::{Mutex, watch};

use super::kind::Disaster;
use super::shared::{End, browser, paused};
use crate::path::faults::{Drawn, kill};
use crate::path::processes::{Process, Shared};

/// The size of the disk, in MiB: enough for the database, the pictures and Chromium's profile.
const DISK_MIB: u32 = 512;
/// How long the disk stays full.
const FULL: Duration = Duration::from_secs(6);

/// A directory on a disk of its own, where the machine lets us have one.
pub struct Disk {
    own: TempDir,
    pub refused: Option<String>,
}

impl Disk {
    pub fn new() -> Self {
        let own = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_MIB}m,mode=700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "usher-test"]).arg(own.path()).output();
        let refused = match mounted {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Some(error.to_string()),
        };
        Self { own, refused }
    }

    pub fn path(&self) -> &Path {
        self.own.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Fills it for a while.
    async fn full(&self) {
        let mut ballast = std::fs::File::create(self.ballast()).unwrap();
        let chunk = vec![1; 1 << 16];
        while std::io::Write::write_all(&mut ballast, &chunk).is_ok() {}
        drop(tokio::time::timeout(FULL, std::future::pending::<()>()).await);
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.refused.is_none() {
            drop(Command::new("umount").arg("--lazy").arg(self.own.path()).status());
        }
    }
}

/// Everything that runs.
pub struct Site {
    pub disk: Disk,
    shared: Shared,
    served: Mutex<Option<Process>>,
    urls: watch::Sender<Vec<String>>,
}

impl Site {
    pub async fn start(disk: Disk, shared: Shared) -> Self {
        let served = serve(&shared, disk.path()).await;
        let urls = watch::Sender::new(vec![served.url()]);
        Self { disk, shared, served: Mutex::new(Some(served)), urls }
    }

    pub fn urls(&self) -> watch::Receiver<Vec<String>> {
        self.urls.subscribe()
    }

    /// Does it, and mends it again; or says why it could not be done.
    pub async fn strike(&self, disaster: Disaster, drawn: &mut Drawn) -> Result<(), &'static str> {
        match disaster {
            Disaster::KillWorker => self.end_it(End::Kill).await,
            Disaster::TerminateWorker => self.end_it(End::Terminate).await,
            Disaster::KillChromium => {
                let served = self.served.lock().await;
                let mark = served.as_ref().expect("it runs").mark();
                kill(browser(&mark).await.ok_or("no browser ran")?);
            }
            Disaster::PauseChromium => {
                let served = self.served.lock().await;
                let mark = served.as_ref().expect("it runs").mark();
                let browser = browser(&mark).await.ok_or("no browser ran")?;
                paused(&[browser], Duration::from_secs(drawn.one(&[4, 14]))).await;
            }
            Disaster::DiskFull if self.disk.refused.is_some() => {
                return Err("no disk of its own: mount was refused");
            }
            Disaster::DiskFull => self.disk.full().await,
            _ => return Err("only where processes share a server"),
        }
        Ok(())
    }

    async fn end_it(&self, end: End) {
        let place = &mut *self.served.lock().await;
        end.carry_out(place.take().expect("it runs")).await;
        let started = serve(&self.shared, self.disk.path()).await;
        self.urls.send_replace(vec![started.url()]);
        *place = Some(started);
    }

    pub async fn end(self) {
        self.served.into_inner().expect("it runs").terminate().await;
    }
}

/// Starts it; as long as the disk is full it cannot.
async fn serve(shared: &Shared, data: &Path) -> Process {
    loop {
        match shared.start_in(data, &["serve", "--listen", "127.0.0.1:0", "--parallel", "3"]).await {
            Ok(started) => return started,
            Err(said) if said.contains("full") || said.contains("space") => {
                drop(tokio::time::timeout(Duration::from_millis(500), std::future::pending::<()>()).await);
            }
            Err(said) => panic!("it ended: {said}"),
        }
    }
}
