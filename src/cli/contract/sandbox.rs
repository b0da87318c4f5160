//! An installation of its own for one run: in a temporary folder, with the connector as its only one, and a worker that carries jobs out as
//! any does. The suite pushes to it as an identity provider does, and looks at what became of the jobs.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::cli::OPERATOR;
use crate::cli::context::Context;
use crate::clock::{Clock as _, SharedClock, SystemClock};
use crate::connector::{Connector, texts};
use crate::failure::FailureClass;
use crate::intake::{Caller, Intake, Shown};
use crate::integration::{Answering, Integration, LeaverLimit, NewIntegration, Policy, Safeguard};
use crate::job::{Recordings, Worker};
use crate::scim::Resource;
use crate::secret::SecretString;
use crate::server::{Installation, Paths};
use crate::store::{JobRow, KnownUser, PlanItem, PlanRow, SeenAccount, Store, Work};

use super::case::End;

/// What the integration is called.
const NAME: &str = "sandbox";

/// How long a one-time code is good, in milliseconds.
const CODE_MS: i64 = 30_000;

/// How the app is entered.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) settings: BTreeMap<String, String>,
    pub(super) login: String,
    pub(super) credentials: BTreeMap<String, SecretString>,
}

/// The installation, while it runs.
#[derive(Debug)]
pub(super) struct Sandbox {
    pub(super) installation: Installation,
    worker: Worker,
    intake: Intake,
    token: SecretString,
    pub(super) integration_id: String,
    pub(super) pictures: Kept,
    /// Goes with this.
    _folder: TempDir,
}

/// Where the pictures of failures are kept: a folder that is made when the first one comes.
#[derive(Debug)]
pub(super) struct Kept {
    /// A new one among the temporary ones, if none.
    asked: Option<PathBuf>,
    made: Mutex<Option<PathBuf>>,
}

impl Kept {
    pub(super) fn at(asked: Option<PathBuf>) -> Self {
        Self { asked, made: Mutex::default() }
    }

    pub(super) fn folder(&self) -> io::Result<PathBuf> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = &*made {
            return Ok(folder.clone());
        }
        let folder = match &self.asked {
            Some(folder) => {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                folder.clone()
            }
            None => tempfile::Builder::new().prefix("usher-pictures-").tempdir()?.keep(),
        };
        Ok(made.insert(folder).clone())
    }
}

/// What a reading of all came to.
#[derive(Debug)]
pub(super) struct Synced {
    pub(super) job: JobRow,
    pub(super) plan: PlanRow,
    pub(super) items: Vec<PlanItem>,
}

impl Sandbox {
    /// Sets everything up; the app is not asked anything yet. Accounts of these names are never changed.
    pub(super) async fn open(
        context: &Context,
        (folder, connector): (&Path, &Connector),
        entry: &Entry,
        protected: Vec<String>,
        (pictures, records_all): (Kept, bool),
    ) -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new().prefix("usher-test-").tempdir()?;
        let connectors = temporary.path().join("connectors");
        for text in texts(folder) {
            let path = connectors.join(&connector.name).join(&text.path);
            std::fs::create_dir_all(path.parent().unwrap_or(&connectors))?;
            std::fs::write(&path, &text.bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let installation = context.open_at(Paths::new(temporary.path().join("data"), connectors)).await?;
        let integration = set_up(&installation, NAME, connector, entry, protected).await?;
        let (_, token) = installation.integrations.new_token(&integration, None, OPERATOR).await?;
        let mut options = installation.worker_options(crate::cli::browser::chromium()?);
        if records_all {
            options.recordings = Recordings::OfAll;
        }
        let worker = installation.start_worker(options).await?.context("another worker is here already")?;
        let clock: SharedClock = std::sync::Arc::new(SystemClock);
        let intake = Intake::new(installation.store.clone(), installation.integrations.clone(), clock);
        let integration_id = integration.row.id;
        Ok(Self { installation, worker, intake, token, integration_id, pictures, _folder: temporary })
    }

    /// Ends the worker; what was kept goes.
    pub(super) async fn close(self) {
        self.worker.stop().await;
        self.installation.store.close().await;
    }

    /// The integration with its connector, which by now may know what the app lists.
    pub(super) async fn integration(&self) -> Result<Integration, End> {
        let found = self.installation.integrations.get(&self.integration_id).await?;
        found.ok_or_else(|| End::of(FailureClass::Internal, "the integration is gone"))
    }

    /// Another integration of the same app, entered so.
    pub(super) async fn another(
        &self,
        name: &str,
        connector: &Connector,
        entry: &Entry,
    ) -> Result<Integration, End> {
        let set_up = set_up(&self.installation, name, connector, entry, Vec::new()).await;
        set_up.map_err(|error| End::of(FailureClass::Internal, format!("{error:#}")))
    }

    /// Gives another integration the right credentials, and lets it go on.
    pub(super) async fn correct(&self, id: &str, entry: &Entry) -> Result<(), End> {
        self.installation.integrations.put_credentials(id, &entry.credentials, OPERATOR).await?;
        if entry.credentials.contains_key("totp") {
            // A one-time code is good for one login, whichever integration it is.
            let now = SystemClock.now().as_ms() / CODE_MS;
            let free = self.store().take_code_window(&self.integration_id, now).await?;
            self.store().take_code_window(id, free - 1).await?;
        }
        self.store().resume_integration(id, OPERATOR).await?;
        Ok(())
    }

    pub(super) fn store(&self) -> &Store {
        &self.installation.store
    }

    async fn caller(&self) -> Result<Caller, End> {
        self.intake.authenticate(NAME, Some(&self.token)).await.map_err(refused)
    }

    /// Asks for a user (POST), or that the one with this id be so (PUT).
    pub(super) async fn push(&self, id: Option<&str>, user: &Map<String, Value>) -> Result<Shown, End> {
        let caller = self.caller().await?;
        let resource = Resource::parse(Value::Object(user.clone()), &caller.schema).map_err(refused)?;
        let pushed = match id {
            None => self.intake.create_user(&caller, resource).await,
            Some(id) => self.intake.replace_user(&caller, id, None, resource).await,
        };
        pushed.map_err(refused)
    }

    pub(super) async fn delete(&self, id: &str) -> Result<Shown, End> {
        self.intake.delete_user(&self.caller().await?, id, None).await.map_err(refused)
    }

    /// The same of a group.
    pub(super) async fn push_group(&self, id: Option<&str>, group: Value) -> Result<Shown, End> {
        let caller = self.caller().await?;
        let resource = Resource::parse(group, &caller.groups).map_err(refused)?;
        let pushed = match id {
            None => self.intake.create_group(&caller, resource).await,
            Some(id) => self.intake.replace_group(&caller, id, None, resource).await,
        };
        pushed.map_err(refused)
    }

    pub(super) async fn delete_group(&self, id: &str) -> Result<Shown, End> {
        self.intake.delete_group(&self.caller().await?, id, None).await.map_err(refused)
    }

    /// Reads every account, and takes over what is found.
    pub(super) async fn sync(&self) -> Result<Synced, End> {
        let job = self.carry_out(Work::Sync).await?.job;
        let plan = self.store().plan_of_job(&job).await?;
        let plan = plan.ok_or_else(|| End::of(FailureClass::Internal, "the reading made no plan"))?;
        let items = self.store().plan_items(&plan.id).await?;
        Ok(Synced { job, plan, items })
    }

    /// What was last seen of a user's account.
    pub(super) async fn seen(&self, user_id: &str) -> Result<SeenAccount, End> {
        let found = self.store().find_account(&self.integration_id, user_id).await?;
        Ok(found.map_or_else(SeenAccount::absent, |account| account.seen))
    }

    /// Every user, with what was last seen of the account: id, resource, seen.
    pub(super) async fn everybody(&self) -> Result<Vec<(String, Value, SeenAccount)>, End> {
        let mut all = Vec::new();
        let take = |known: KnownUser| {
            if let (None, Some(seen)) = (known.user.deleted_at, known.seen) {
                all.push((known.user.id, known.user.resource, seen));
            }
        };
        self.store().each_known_user(&self.integration_id, take).await?;
        Ok(all)
    }

    /// Lets operations be tried again that had stopped; why nothing can be, where the integration is paused.
    pub(super) async fn make_ready(&self) -> Result<(), End> {
        let row = self.integration().await?.row;
        if row.paused_at.is_some() {
            let why = row.pause_reason.unwrap_or_default();
            return Err(End::skipped(format!("nothing more is tried with this service account ({why})")));
        }
        self.store().resume_integration(&self.integration_id, OPERATOR).await?;
        Ok(())
    }
}

async fn set_up(
    installation: &Installation,
    name: &str,
    connector: &Connector,
    entry: &Entry,
    protected: Vec<String>,
) -> anyhow::Result<Integration> {
    let policy = Policy {
        answer: Answering::Accept,
        protected,
        safeguard: Safeguard { percent: 100, floor: 0 },
        leavers: LeaverLimit::ANY,
        ..Policy::default()
    };
    let Entry { settings, login, credentials } = entry.clone();
    let new = NewIntegration {
        name: name.to_owned(),
        connector: connector.name.clone(),
        settings,
        login,
        credentials,
        policy,
    };
    Ok(installation.integrations.create(new, OPERATOR).await?)
}

fn refused(error: crate::scim::Error) -> End {
    let class = if error.status < 429 { FailureClass::InvalidValue } else { FailureClass::Internal };
    End::of(class, error.detail)
}
