//! Mail, over the server that the environment names.

use std::fmt;
use std::time::{Duration, SystemTime};

use lettre::message::{Mailbox, header::ContentType};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::Notice;
use crate::secret::{ExposeSecret as _, SecretString};

/// Mail cannot be sent so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// No server is named.
    #[error(
        "no server for mail is named: set USHER_SMTP to smtps://USER:PASSWORD@HOST, and USHER_MAIL_FROM to the address that mail is from"
    )]
    NoServer,
    /// The server's address; it is not shown.
    #[error(
        "USHER_SMTP is no server for mail: write smtps://USER:PASSWORD@HOST, smtp://HOST:587?tls=required, or smtp://HOST:25 on a way that is trusted"
    )]
    Server,
    /// The address that mail is from.
    #[error("USHER_MAIL_FROM is no address of mail; write `Usher <usher@company.example>`")]
    From,
    /// The address that mail goes to.
    #[error("`{0}` is no address of mail")]
    To(String),
}

/// A way to send mail. Clones share its connections.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mailer {
    /// Over this server, from this address.
    ///
    /// # Errors
    /// One of them is none.
    pub fn new(server: &SecretString, from: &str) -> Result<Self, MailError> {
        let from = from.parse().map_err(|_| MailError::From)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(server.expose_secret());
        Ok(Self { transport: builder.map_err(|_| MailError::Server)?.build(), from })
    }

    pub(super) async fn send(&self, to: &str, notice: &Notice) -> Result<(), String> {
        let subject: String = notice.text.chars().take_while(|c| *c != '\n').take(120).collect();
        let job = notice.job.as_ref().map(|job| format!("\n\nusher job show {job}")).unwrap_or_default();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.parse().map_err(|_| format!("`{to}` is no address of mail"))?)
            .subject(format!("[Usher] {subject}"))
            .date(
                SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(notice.at.as_ms()).unwrap_or(0)),
            )
            // The same each time that it is told, so that whoever reads it sees it once.
            .message_id(Some(format!("<{}.{}@usher>", notice.id, notice.at.as_ms())))
            .header(ContentType::TEXT_PLAIN)
            .body(format!("{}\n\n{}  {}{job}\n", notice.text, notice.at.to_rfc3339(), notice.kind))
            .map_err(|error| format!("the mail cannot be written: {error}"))?;
        // Its words tell what the server said, and no password.
        self.transport.send(message).await.map(drop).map_err(|error| error.to_string())
    }
}

/// Whether mail can go there.
pub(super) fn check(to: &str) -> Result<(), MailError> {
    to.parse::<Mailbox>().map(drop).map_err(|_| MailError::To(to.to_owned()))
}
