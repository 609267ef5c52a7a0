use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::export::TextEncoder;
use crate::storage::{HistoryQuery, HistoryReader, QueryError, Storage};

/// The rows of a history as a response body. It is read on a thread of its own, since it keeps a core busy and blocks
/// with SQLite, and no further ahead than the client takes it; when the client goes away, the query ends.
///
/// actix-web-lab's responders would send each row as a chunk of its own; their media types are used.
pub(super) struct HistoryBody(mpsc::Receiver<Part>);

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
    pub(super) async fn begin(storage: Storage, query: HistoryQuery, encoder: TextEncoder) -> Result<Self, QueryError> {
        let (parts, body) = mpsc::channel(AHEAD);
        let (begun, beginning) = oneshot::channel();
        let run = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(begun.send(Err(QueryError::Unavailable(error.to_string())))),
            };
            runtime.block_on(async {
                match storage.history(&query).await {
                    // A client that has left meanwhile is noticed by the first part.
                    Ok(reader) => {
                        let _ = begun.send(Ok(()));
                        send(reader, &encoder, &parts).await;
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

/// Sends the rows until they end, or the client does.
async fn send(mut reader: HistoryReader, encoder: &TextEncoder, parts: &mpsc::Sender<Part>) {
    let mut buffer = Vec::with_capacity(PART);
    encoder.head(&mut buffer);
    let mut more = true;
    loop {
        if !buffer.is_empty() {
            let part = std::mem::replace(&mut buffer, Vec::with_capacity(PART));
            if parts.send(Part::Rows(part.into())).await.is_err() {
                return;
            }
        }
        if !more {
            break;
        }
        let read = tokio::select! {
            biased;
            () = parts.closed() => return,
            read = reader.read(|row| encoder.row(row, &mut buffer)) => read,
        };
        more = match read {
            Ok(more) => more,
            Err(error) => return log::warn!(error:%; "a history broke off"),
        };
    }
    // The client may have left in the meantime.
    let _ = parts.send(Part::End).await;
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
