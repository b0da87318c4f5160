//! Going on with a list at the page at which an earlier run broke off.
//!
//! Only a list whose pages have addresses of their own is gone on with: the address of the last page that was read is opened, and where its
//! rows, the first page and the app's total are as they were, the pages before it are taken as they were read. Else the list begins anew.

use super::{Collect, Row};
use crate::step::failure::Failure;
use crate::step::stage::Stage;
use crate::trace::ListedPage;

/// Where the reading of a list begins.
pub(super) struct Begin {
    /// How many pages are read.
    pub(super) pages: usize,
    /// How many of them by an earlier run.
    pub(super) earlier: usize,
    /// Their rows.
    pub(super) listed: Vec<Row>,
    /// The rows of the last of them, which is shown now.
    pub(super) last: Vec<Row>,
    /// Its address; none where the pages of the list have none of their own.
    pub(super) address: Option<String>,
}

impl Collect {
    /// Reads the first page, or goes to where an earlier run had come.
    pub(super) async fn begin(&self, stage: &mut dyn Stage, total: Option<usize>) -> Result<Begin, Failure> {
        let mut last = self.page(stage).await?;
        if self.next.is_some() {
            let earlier = stage.left_off().await;
            if let (Some(first), Some(end), true) = (earlier.first(), earlier.last(), earlier.len() > 1)
                && first.total == total
                && first.rows == last
            {
                if self.shows(stage, end).await {
                    let (pages, last, address) = (earlier.len(), end.rows.clone(), Some(end.address.clone()));
                    let listed = earlier.into_iter().flat_map(|page| page.rows).collect();
                    return Ok(Begin { pages, earlier: pages, listed, last, address });
                }
                stage.open(&first.address).await?;
                last = self.page(stage).await?;
            }
        }
        let address = self.next.is_some().then(|| stage.page().url());
        let (number, listed) = (1, last.clone());
        if let Some(address) = address.clone() {
            stage.listed(ListedPage { number, address, total, rows: listed.clone() }).await;
        }
        Ok(Begin { pages: number, earlier: 0, listed, last, address })
    }

    /// Opens a page that was read before, and says whether it is as it was. One that cannot be opened any more is not.
    async fn shows(&self, stage: &mut dyn Stage, page: &ListedPage) -> bool {
        stage.open(&page.address).await.is_ok() && self.page(stage).await.is_ok_and(|rows| rows == page.rows)
    }

    /// Tells of a page that was read, as long as each has had an address of its own.
    pub(super) async fn tell(
        &self,
        stage: &mut dyn Stage,
        address: &mut Option<String>,
        (number, total): (usize, Option<usize>),
        rows: &[Row],
    ) {
        let now = stage.page().url();
        *address = address.take().filter(|before| *before != now).map(|_| now);
        if let Some(address) = address.clone() {
            stage.listed(ListedPage { number, address, total, rows: rows.to_vec() }).await;
        }
    }
}
