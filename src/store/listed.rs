//! Pages of a list that a job read, kept until the job has ended, so that another attempt need not read them again.

use futures::FutureExt as _;

use super::Store;
use super::error::StoreError;
use super::job::{self, Lease, LeaseError};
use super::sql::{Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::trace::ListedPage;

statements! {
    ANEW = "DELETE FROM listed_pages WHERE job_id = $1 AND list = $2";
    ADD = "INSERT INTO listed_pages (job_id, list, number, address, total, page_rows, connector_hash, since, read_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    LEFT_OFF = "SELECT * FROM listed_pages WHERE job_id = $1 AND list = $2 AND connector_hash = $3 AND read_at >= $4 ORDER BY number";
    FORGET = "DELETE FROM listed_pages WHERE job_id = $1";
}

/// Pages of one list, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPages {
    /// Where the list is in the connector.
    pub list: String,
    /// The connector that it was read with.
    pub connector_hash: String,
    /// The last event before the first page was read: what happened later, the pages may not show.
    pub since: i64,
    /// The pages, one after the other.
    pub pages: Vec<ListedPage>,
}

impl Store {
    /// Keeps pages of a list. The first page of all takes the place of what was kept of that list before.
    pub async fn keep_pages(&self, held: &Lease, pages: ListedPages) -> Result<(), LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| async move { keep(tx, &held, &pages).await }.boxed()).await
    }

    /// The pages, from the first, that a job kept of a list with that connector and not before that time.
    pub async fn pages_left_off(
        &self,
        job_id: &str,
        (list, connector_hash): (&str, &str),
        not_before: Timestamp,
    ) -> Result<ListedPages, StoreError> {
        let values = args![job_id, list, connector_hash, not_before];
        let rows = self.reader().await?.all(LEFT_OFF, values).await?;
        let (mut since, mut pages) = (i64::MAX, Vec::new());
        for (number, row) in (1_i64..).zip(&rows) {
            if row.int("number")? != number {
                break;
            }
            since = since.min(row.int("since")?);
            pages.push(page(row)?);
        }
        Ok(ListedPages { list: list.to_owned(), connector_hash: connector_hash.to_owned(), since, pages })
    }
}

async fn keep(tx: &mut Tx, held: &Lease, pages: &ListedPages) -> Result<(), LeaseError> {
    job::held_by(tx, held).await?;
    for page in &pages.pages {
        if page.number == 1 {
            tx.db.write(ANEW, args![&held.job_id, &pages.list]);
        }
        let values = args![
            &held.job_id,
            &pages.list,
            stored(page.number),
            &page.address,
            page.total.map(stored),
            &serde_json::json!(page.rows),
            &pages.connector_hash,
            pages.since,
            tx.now,
        ];
        tx.db.write(ADD, values);
    }
    Ok(())
}

/// Forgets the pages of a job that has ended.
pub(super) fn forget(tx: &mut Tx, job_id: &str) {
    tx.db.write(FORGET, args![job_id]);
}

fn stored(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn page(row: &Row) -> Result<ListedPage, StoreError> {
    let count = |count: i64| usize::try_from(count).unwrap_or(0);
    Ok(ListedPage {
        number: count(row.int("number")?),
        address: row.text("address")?,
        total: row.maybe_int("total")?.map(count),
        rows: row.json("page_rows")?,
    })
}
