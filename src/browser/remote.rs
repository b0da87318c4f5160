//! A browser that runs elsewhere and was there before us: finding it, and noticing when it answers no more.
//!
//! Invariants: nothing of it is ours but our connection and the contexts that we made over it, which are disposed of when the connection
//! ends, however it ends; a browser that does not answer for [`SILENCE`] is left, and everything pending in it fails.

use std::net::SocketAddr;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::GetVersionParams;
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, timeout};
use url::Url;

use super::address::Address;
use super::error::BrowserError;
use super::popups::Popups;
use super::router::{CallError, Router};

/// How long a browser may take to take the connection and to say what it is.
const CONNECT: Duration = Duration::from_secs(10);
/// How often a browser is asked whether it is there.
const BEAT: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const SILENCE: Duration = Duration::from_secs(15);

/// A proxy that can never answer, on whatever machine: no connection goes to the address of everybody (RFC 919). A port of the loopback
/// would be one of the browser's machine, and may be taken there.
pub(super) const NOBODY: &str = "http://255.255.255.255:9";

/// A connection to a browser.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) router: Router,
    pub(super) popups: Popups,
    pub(super) version: String,
}

/// Connects to the browser, and from then on watches over it.
pub(super) async fn connect(address: &Address) -> Result<Connected, BrowserError> {
    let unreachable = |reason: String| BrowserError::Unreachable { address: address.to_string(), reason };
    let connected = timeout(CONNECT, async {
        let socket = socket_of(address).await.map_err(&unreachable)?;
        let told = |error: &dyn std::error::Error| {
            unreachable(address.redactor(Some(&socket)).redact(&words(error)))
        };
        let router = Router::connect(socket.as_str()).await.map_err(|error| told(&error))?;
        let version = router.send(None, &GetVersionParams::default()).await;
        let version = version.map_err(|error| told(&error))?.product;
        let popups = Popups::watch(&router).await.map_err(|error| told(&error))?;
        Ok::<_, BrowserError>(Connected { router, popups, version })
    });
    let connected =
        connected.await.map_err(|_| unreachable(format!("no answer in {} s", CONNECT.as_secs())))??;
    watch_over(&connected.router, address.to_string());
    Ok(connected)
}

/// Asks it again and again whether it is there, and leaves it when it does not answer.
fn watch_over(router: &Router, address: String) {
    let watched = router.downgrade();
    tokio::spawn(async move {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let Some(asked) = watched.upgrade().map(|router| router.send(None, &GetVersionParams::default()))
            else {
                return;
            };
            match timeout(SILENCE, asked).await {
                Ok(Err(CallError::Closed)) => return,
                Ok(_) => {}
                Err(_) => {
                    tracing::warn!(
                        address,
                        "a browser did not answer for {} s and is left",
                        SILENCE.as_secs()
                    );
                    if let Some(router) = watched.upgrade() {
                        router.disconnect();
                    }
                    return;
                }
            }
        }
    });
}

/// Where its socket is: the address itself, or what Chromium answers there.
async fn socket_of(address: &Address) -> Result<Url, String> {
    let url = address.url().ok_or("it cannot be read")?;
    if url.scheme() != "http" {
        return Ok(url);
    }
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
    // Chromium refuses whoever calls it by a name, as pages of the web could.
    let found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await;
    let mut failed = format!("{host} has no address");
    for found in found.map_err(|error| format!("{host} cannot be found: {error}"))? {
        match ask(&url, found).await {
            Ok(socket) => return Ok(socket),
            Err(reason) => failed = address.redactor(None).redact(&reason),
        }
    }
    Err(failed)
}

/// Asks the Chromium that listens there for the path of its socket.
async fn ask(url: &Url, at: SocketAddr) -> Result<Url, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        web_socket_debugger_url: Url,
    }
    let mut asked = url.clone();
    asked.set_path("/json/version");
    asked.set_ip_host(at.ip()).map_err(|()| "its host is none".to_owned())?;
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let told = |error: reqwest::Error| words(&error.without_url());
    let answer = client.map_err(told)?.get(asked.clone()).send().await.map_err(told)?;
    let answer = answer.error_for_status().map_err(told)?.json::<Version>().await.map_err(told)?;
    // It names itself as it is called; what is between us and it may be at another port.
    let mut socket = asked;
    socket.set_scheme("ws").map_err(|()| "its scheme is none".to_owned())?;
    socket.set_path(answer.web_socket_debugger_url.path());
    Ok(socket)
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}
