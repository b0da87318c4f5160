//! Pictures, with secrets painted over.

use base64::Engine;
use chromiumoxide::cdp::browser_protocol::page::{CaptureScreenshotFormat, CaptureScreenshotParams};
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

use super::super::error::PageError;
use super::Page;
use super::ask::{About, Once};
use crate::secret::{ExposeSecret, SecretString};

/// How long a picture may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shorter secrets would blot out ordinary words; their own controls are hidden all the same.
const SHORTEST: usize = 4;

impl Page {
    /// A picture of what is visible, as JPEG. Passwords, one-time codes and every control that got a secret are painted over, and so is
    /// any other text that shows one.
    ///
    /// # Errors
    /// The page failed. A picture that cannot be masked is not taken.
    pub async fn screenshot(&self) -> Result<Vec<u8>, PageError> {
        let until = Instant::now() + PATIENCE;
        self.masked("mask", json!({ "secrets": self.secrets_to_hide() }), until).await?;
        let capture = CaptureScreenshotParams {
            format: Some(CaptureScreenshotFormat::Jpeg),
            quality: Some(60),
            optimize_for_speed: Some(true),
            ..CaptureScreenshotParams::default()
        };
        let picture = timeout_at(until, self.send(&capture)).await;
        self.masked("unmask", json!({}), until).await?;
        let picture = picture.map_err(|_| PageError::TooSlow { doing: self.state.borrow().doing() })??;
        let data: &str = picture.data.as_ref();
        base64::engine::general_purpose::STANDARD
            .decode(data)
            .map_err(|error| PageError::Protocol(error.to_string()))
    }

    /// Asks our script in every frame at once.
    async fn masked(&self, function: &str, question: Value, until: Instant) -> Result<(), PageError> {
        let worlds: Vec<String> = self.state.borrow().worlds.iter().map(|(world, _)| world.clone()).collect();
        let asked = worlds
            .iter()
            .map(|world| self.ask_world(world, function, question.clone(), About::AnyOf(&[]), until));
        for answer in futures::future::join_all(asked).await {
            let (Once::Answered(Value::Null | _) | Once::Replaced) = answer?;
        }
        Ok(())
    }

    /// Remembers a secret that was typed.
    pub(super) fn remember_secret(&self, secret: &str) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secret.chars().count() >= SHORTEST && !secrets.iter().any(|known| known.expose_secret() == secret)
        {
            secrets.push(SecretString::from(secret));
        }
    }

    fn secrets_to_hide(&self) -> Vec<String> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
    }
}
