//! The process of Chromium, and the guard that outlives us to end it.
//!
//! Invariants: Chromium, its children and its profile never survive this process, `kill -9` of it included. Chromium runs in a
//! process group of its own and is told to go ahead only once a guard (a shell that waits for its standard input to
//! end) knows that group. Its standard input is held open here: when we close it or die, the guard kills the group and
//! removes the profile. The guard sits in a third group, so that no signal meant for us reaches it.
//!
//! Chromium's two crash handlers put themselves outside that group, with process 1 as their parent; they end by themselves when
//! the browser process does. `--disable-crashpad-for-testing` would spare them, but Chromium 156 loads no page with it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::watch;

use super::LaunchOptions;
use super::error::BrowserError;

/// Waits for the word to go, then becomes Chromium.
const LAUNCHER: &str = r#"read -r go && exec "$@" </dev/null"#;

/// Learns the process group, waits for the end of standard input, and clears up.
const GUARD: &str = r#"read -r group || { rm -rf -- "$1"; exit 0; }
while read -r _; do :; done
kill -s KILL -- "-$group" 2>/dev/null
for _ in 1 2 3 4 5; do rm -rf -- "$1" 2>/dev/null && exit 0; done"#;

/// Chromium's switches beside those of [`LaunchOptions`]. All but the first four save processes, memory and traffic of its
/// own (the `WebUI…` features are a renderer process for each window's own buttons); site isolation is off because a session
/// sees one app and contexts never share a process.
const SWITCHES: &[&str] = &[
    "--remote-debugging-port=0",
    "--disable-quic",
    "--no-first-run",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-prompt-on-repost",
    "--disable-renderer-backgrounding",
    "--disable-search-engine-choice-screen",
    "--disable-site-isolation-trials",
    "--disable-sync",
    "--disable-features=AcceptCHFrame,AimEnabled,AutofillServerCommunication,CertificateTransparencyComponentUpdater,\
     HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,IsolateOrigins,IsolateSandboxedIframes,LensOverlay,MediaRouter,\
     NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch,ProcessPerSiteUpToMainFrameThreshold,\
     RenderDocument,Translate,WebUIOmniboxAimPopup,WebUIOmniboxPopup,WebUIReloadButton,site-per-process",
    "--enable-features=SkipListAccountsWithoutGaiaCookies",
    "--enable-automation",
    "--export-tagged-pdf",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--password-store=basic",
];

/// A running Chromium. Dropping it ends Chromium.
#[derive(Debug)]
pub(super) struct Process {
    /// Of the browser process.
    pub(super) id: Option<u32>,
    /// Where it takes orders: a `ws://` address.
    pub(super) address: String,
    /// The folder of its profile, which does not outlive it.
    pub(super) profile: PathBuf,
    guard: Child,
    lifeline: Option<ChildStdin>,
    exited: watch::Receiver<bool>,
}

impl Process {
    /// Starts Chromium and waits until it says where it takes orders.
    pub(super) async fn start(options: &LaunchOptions) -> Result<Self, BrowserError> {
        let profile = make_profile(&options.profiles)?;
        let failed = |source| BrowserError::Start { executable: options.executable.clone(), source };
        let mut guard = shell(GUARD).arg(&profile).stdin(Stdio::piped()).spawn().map_err(failed)?;
        let mut lifeline = guard.stdin.take();
        let mut child = shell(LAUNCHER)
            .arg(&options.executable)
            .args(SWITCHES)
            .args(switches_of(options))
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .env("XDG_CONFIG_HOME", &profile)
            .env("XDG_CACHE_HOME", &profile)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let id = child.id();
        let go = child.stdin.take();
        let lines = child.stderr.take().map(|stderr| BufReader::new(stderr).lines());
        if let (Some(id), Some(lifeline), Some(mut go)) = (id, &mut lifeline, go) {
            lifeline.write_all(format!("{id}\n").as_bytes()).await.map_err(failed)?;
            go.write_all(b"go\n").await.map_err(failed)?;
        }
        let (gone, exited) = watch::channel(false);
        tokio::spawn(async move {
            // Reaps it; what it returned says nothing that the end of the socket does not.
            drop(child.wait().await);
            gone.send_replace(true);
        });
        let address = read_address(lines).await?;
        Ok(Self { id, address, profile, guard, lifeline, exited })
    }

    /// Ends Chromium and returns when it is gone, its profile too.
    pub(super) async fn stop(mut self) {
        self.lifeline = None;
        // An error says that there is nothing left to wait for.
        drop(self.guard.wait().await);
        drop(self.exited.wait_for(|exited| *exited).await);
    }
}

fn make_profile(folder: &Path) -> Result<PathBuf, BrowserError> {
    let failed = |source| BrowserError::Profile { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    Ok(tempfile::Builder::new().prefix("chromium-").tempdir_in(folder).map_err(failed)?.keep())
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "usher"]).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn switches_of(options: &LaunchOptions) -> Vec<String> {
    let mut switches = Vec::new();
    if options.headless {
        switches.push("--headless=new".to_owned());
    }
    // Chromium's sandbox refuses to run as root.
    if rustix::process::geteuid().is_root() {
        switches.push("--no-sandbox".to_owned());
    }
    switches
}

/// Reads standard error up to the address, and goes on reading it so that Chromium never blocks on it.
async fn read_address(lines: Option<Lines<BufReader<ChildStderr>>>) -> Result<String, BrowserError> {
    let mut output = Vec::new();
    if let Some(mut lines) = lines {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = line.strip_prefix("DevTools listening on ") {
                let address = address.trim().to_owned();
                tokio::spawn(async move {
                    while let Ok(Some(line)) = lines.next_line().await {
                        tracing::trace!(line, "Chromium says");
                    }
                });
                return Ok(address);
            }
            output.push(line);
        }
    }
    let last = output.split_off(output.len().saturating_sub(8));
    Err(BrowserError::Ended { output: last.join(" | ") })
}
