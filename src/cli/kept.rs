//! What attempts left behind, for people: found among the artifacts, and written where they can open it.

use anyhow::{Context as _, bail};

use crate::artifact::ArtifactName;
use crate::recording::{Anonymised, Files, MANIFEST, Recorded, anonymise};
use crate::server::Installation;
use crate::store::{AttemptDetail, EvidenceRow, JobDetail, JobRow, RECORDING};

/// A job with its attempts.
pub(super) async fn find_job(installation: &Installation, id: &str) -> anyhow::Result<JobDetail> {
    let found = installation.store.show_job(id).await?;
    found.with_context(|| format!("there is no job `{id}`; `usher job list` shows them"))
}

/// The recording of a job: of that attempt, or of the last that has one.
pub(super) async fn recording_of(
    installation: &Installation,
    id: &str,
    attempt: Option<i64>,
) -> anyhow::Result<Files> {
    let job = find_job(installation, id).await?;
    let is_recorded = |detail: &&AttemptDetail| detail.evidence.iter().any(is_of_recording);
    let chosen = match attempt {
        Some(number) => job.attempts.iter().find(|detail| detail.attempt.number == number),
        None => job.attempts.iter().rfind(is_recorded),
    };
    let Some(detail) = chosen.filter(is_recorded) else {
        bail!("no attempt of job {id} has a recording; those that fail leave one, for as long as it is kept");
    };
    let (files, missing) =
        fetch(installation, detail.evidence.iter().filter(|row| is_of_recording(row))).await?;
    if let Some(first) = missing.first() {
        bail!("the recording of job {id} is not whole: {first}");
    }
    let own =
        files.into_iter().filter_map(|(path, bytes)| Some((path.strip_prefix(RECORDING)?.to_owned(), bytes)));
    Ok(own.collect())
}

/// What the attempts of a job left behind: the recording of the one that was asked for, or of the last that has one, at the top; pictures and
/// pages of each in a folder of its own; the job with its steps as it is `shown`. And what of it is not to be had, a line each.
pub(super) async fn export(
    installation: &Installation,
    job: &JobDetail,
    shown: serde_json::Value,
    attempt: Option<i64>,
) -> anyhow::Result<(Files, Vec<String>)> {
    let is_asked = |detail: &&AttemptDetail| attempt.is_none_or(|number| detail.attempt.number == number);
    let attempts: Vec<&AttemptDetail> = job.attempts.iter().filter(is_asked).collect();
    if let (Some(number), true) = (attempt, attempts.is_empty()) {
        bail!("job {} has no attempt {number}; it has {}", job.job.id, job.attempts.len());
    }
    let (mut files, mut missing) = (Files::new(), Vec::new());
    let recorded = attempts.iter().rfind(|detail| detail.evidence.iter().any(is_of_recording));
    let recorded = recorded.map(|detail| detail.attempt.number);
    for detail in attempts {
        let number = detail.attempt.number;
        let rows = detail.evidence.iter().filter(|row| !is_of_recording(row) || recorded == Some(number));
        let (fetched, lacking) = fetch(installation, rows).await?;
        missing.extend(lacking.into_iter().map(|line| format!("attempt {number}: {line}")));
        for (path, bytes) in fetched {
            let path = match path.strip_prefix(RECORDING) {
                Some(own) => own.to_owned(),
                None => format!("attempt-{number}/{path}"),
            };
            files.insert(path, bytes);
        }
    }
    files.insert("job.json".to_owned(), format!("{shown:#}\n").into_bytes());
    Ok((files, missing))
}

/// The files of an export with fictional people.
pub(super) async fn anonymised(
    installation: &Installation,
    job: &JobRow,
    files: Files,
) -> anyhow::Result<Anonymised> {
    let integration = installation.integrations.get(&job.integration_id).await?;
    let integration = integration.context("the integration of this job is gone")?;
    let account = &integration.connector.account;
    let is_personal = |name: &str| Some(name) != account.id.as_deref() && account.attribute(name).is_some();
    let recorded = files.contains_key(MANIFEST).then(|| Recorded::read(&files)).transpose()?;
    let mut people = recorded.as_ref().map(|recorded| recorded.people(&is_personal)).unwrap_or_default();
    people.extend(job.user_name.clone());
    if let Some(id) = &job.user_id
        && let Some(seen) = installation.store.find_account(&job.integration_id, id).await?
    {
        let attributes = seen.seen.attributes.into_iter();
        people.extend(attributes.filter(|(name, _)| is_personal(name)).map(|(_, value)| value));
    }
    let kept = recorded.and_then(|recorded| recorded.username).into_iter().collect();
    Ok(anonymise(files, &people, &kept))
}

/// The bytes of evidence by path, and what of it is not to be had, a line each.
pub(super) async fn fetch(
    installation: &Installation,
    rows: impl IntoIterator<Item = &EvidenceRow>,
) -> anyhow::Result<(Files, Vec<String>)> {
    let (mut files, mut missing) = (Files::new(), Vec::new());
    for row in rows {
        if let Some(why) = row.missing() {
            missing.push(format!("{}: {why}", row.path));
            continue;
        }
        let name: ArtifactName = row.artifact.parse()?;
        match installation.artifacts.get(&name).await {
            Ok(Some(bytes)) => drop(files.insert(row.path.clone(), bytes)),
            Ok(None) => missing.push(format!("{} is not there any more, and nothing tells why", row.path)),
            Err(error) => missing.push(format!("{}: {:#}", row.path, anyhow::Error::from(error))),
        }
    }
    Ok((files, missing))
}

pub(super) fn is_of_recording(row: &EvidenceRow) -> bool {
    row.path.starts_with(RECORDING)
}
