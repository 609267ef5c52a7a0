use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{mpsc, oneshot};

use super::by_address::Share;
use crate::export::TextEncoder;
use crate::storage::{HistoryQuery, HistoryReader, QueryError, Storage};

/// The rows of a history as a response body. It is read on a thread of its own, since it keeps a core busy and blocks
/// with SQLite, and no further ahead than the client takes it; when the client goes away, the query ends.
///
/// actix-web-lab's responders would send each row as a chunk of its own; their media types are used.
pub(super) struct HistoryBody(mpsc::Receiver<Part>);

/// Who reads a history.
pub(super) struct Reader {
    /// How long a part may wait for it.
    pub(super) patience: Duration,
    /// Its share of the histories, for as long as it is read.
    pub(super) share: Share,
}

enum Part {
    Rows(Bytes),
    /// There are no more. A stream that stops without it has broken off.
    End,
}

/// How many parts, each of some tens of kilobytes, may wait for the client.
const AHEAD: usize = 4;

/// What one part of rows needs at most, usually.
const PART: usize = 128 * 1024;

impl HistoryBody {
    /// Begins to read.
    ///
    /// # Errors
    /// Those of [`Storage::history`].
    pub(super) async fn begin(
        storage: Storage,
        query: HistoryQuery,
        encoder: TextEncoder,
        reader: Reader,
    ) -> Result<Self, QueryError> {
        let (parts, body) = mpsc::channel(AHEAD);
        let (begun, beginning) = oneshot::channel();
        let run = move || {
            let Reader { patience, share } = reader;
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(begun.send(Err(QueryError::Unavailable(error.to_string())))),
            };
            runtime.block_on(async {
                match storage.history(&query).await {
                    // A client that has left meanwhile is noticed by the first part.
                    Ok(rows) => {
                        let _ = begun.send(Ok(()));
                        if send(rows, &encoder, &parts, patience).await {
                            // Who has all of it may ask for the next one at once.
                            drop(share);
                            hand_on(Part::End, &parts, patience).await;
                        }
                    }
                    Err(error) => drop(begun.send(Err(error))),
                }
            });
        };
        let spawned = thread::Builder::new().name("history".to_owned()).spawn(run);
        spawned.map_err(|error| QueryError::Unavailable(error.to_string()))?;
        beginning.await.unwrap_or_else(|_| Err(QueryError::Unavailable("the reading thread has ended".to_owned())))?;
        Ok(Self(body))
    }
}

/// Sends the rows until they end, or the client does; whether those were all.
async fn send(mut rows: HistoryReader, encoder: &TextEncoder, parts: &mpsc::Sender<Part>, patience: Duration) -> bool {
    let mut buffer = Vec::with_capacity(PART);
    encoder.head(&mut buffer);
    let mut more = true;
    loop {
        if !buffer.is_empty() {
            let part = std::mem::replace(&mut buffer, Vec::with_capacity(PART));
            if !hand_on(Part::Rows(part.into()), parts, patience).await {
                return false;
            }
        }
        if !more {
            return true;
        }
        let read = tokio::select! {
            biased;
            () = parts.closed() => return false,
            read = rows.read(|row| encoder.row(row, &mut buffer)) => read,
        };
        more = match read {
            Ok(more) => more,
            Err(error) => {
                log::warn!(error:%; "a history broke off");
                return false;
            }
        };
    }
}

/// Waits until the client has taken so much that there is room for this part; whether it has.
async fn hand_on(part: Part, parts: &mpsc::Sender<Part>, patience: Duration) -> bool {
    match parts.send_timeout(part, patience).await {
        Ok(()) => true,
        Err(SendTimeoutError::Timeout(_)) => {
            log::info!("a history breaks off: its client took nothing of it for {patience:?}");
            false
        }
        // It has left.
        Err(SendTimeoutError::Closed(_)) => false,
    }
}

impl MessageBody for HistoryBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    /// An error closes the connection before the last chunk, so that the client does not take a part for the whole.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.0.poll_recv(cx).map(|part| match part {
            Some(Part::Rows(rows)) => Some(Ok(rows)),
            Some(Part::End) => None,
            None => Some(Err(io::Error::other("the history broke off"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_part_waits_for_its_reader_only_for_a_while() {
        let (parts, mut body) = mpsc::channel(1);
        let part = || Part::Rows(Bytes::from_static(b"row"));
        let began = Instant::now();
        assert!(hand_on(part(), &parts, PATIENCE).await);
        let waiting = async {
            tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
            body.recv().await
        };
        let (taken, read) = tokio::join!(hand_on(part(), &parts, PATIENCE), waiting);
        assert!(taken && read.is_some(), "a slow reader is waited for");
        assert!(!hand_on(part(), &parts, PATIENCE).await);
        assert_eq!(began.elapsed(), PATIENCE * 2 - Duration::from_secs(1));
        drop(body);
        assert!(!hand_on(part(), &parts, PATIENCE).await, "who has left is not waited for");
        assert_eq!(began.elapsed(), PATIENCE * 2 - Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_body_without_its_end_is_an_error() {
        let next = async |body: &mut HistoryBody| std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await;
        for (last, ends) in [(Some(Part::End), true), (None, false)] {
            let (parts, body) = mpsc::channel(AHEAD);
            let mut body = HistoryBody(body);
            assert!(hand_on(Part::Rows(Bytes::from_static(b"row")), &parts, PATIENCE).await);
            if let Some(last) = last {
                hand_on(last, &parts, PATIENCE).await;
            }
            drop(parts);
            assert_eq!(next(&mut body).await.unwrap().unwrap(), "row");
            assert_eq!(next(&mut body).await.is_none(), ends);
        }
    }
}
