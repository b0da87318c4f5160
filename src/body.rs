//! A body that somebody sends, read as far as it may go.

use futures::{Stream, StreamExt as _};

/// How many times the bound is still read of a body that is too large: whoever is answered while sending may never see the answer, only a
/// connection that was reset.
const DISCARDED: usize = 8;

/// A body cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It did not come to its end.
    #[error("the body could not be read to its end; send it again")]
    Broken,
    /// It has more bytes than this.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
}

/// Reads a body of `most` bytes at most, whether its length is announced or not.
///
/// # Errors
/// It is larger, or does not come.
pub async fn read<C: AsRef<[u8]>, E>(
    mut chunks: impl Stream<Item = Result<C, E>> + Unpin,
    most: usize,
) -> Result<Vec<u8>, BodyError> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        let chunk = chunk.as_ref();
        length += chunk.len();
        if length <= most {
            bytes.extend_from_slice(chunk);
        } else if length > DISCARDED * most {
            break;
        }
    }
    if length > most { Err(BodyError::TooLarge(most)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_to_its_bound_and_a_larger_one_to_eight_times_of_it() {
        let check = async |chunks: &[&str], expected: Result<&str, BodyError>, left: usize| {
            let mut chunks = futures::stream::iter(chunks.iter().map(Ok::<_, ()>));
            let read = read(&mut chunks, 4).await;
            assert_eq!(read.as_deref(), expected.map(str::as_bytes).as_ref().map(|bytes| *bytes));
            assert_eq!(chunks.count().await, left);
        };
        check(&[], Ok(""), 0).await;
        check(&["ab", "", "cd"], Ok("abcd"), 0).await;
        check(&["ab", "cde", "f"], Err(BodyError::TooLarge(4)), 0).await;
        check(&["abcd"; 20], Err(BodyError::TooLarge(4)), 11).await;
        let broken = futures::stream::iter([Ok("ab"), Err(())]);
        assert_eq!(read(broken, 4).await, Err(BodyError::Broken));
    }
}
