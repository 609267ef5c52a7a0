use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{mpsc, oneshot};

use crate::export::TextEncoder;
use crate::http::connection::disconnect::DisconnectWatch;
use crate::http::reply::limits::HistoryPermit;
use crate::storage::{HistoryQuery, HistoryReader, QueryError, Storage};

/// The rows of a history as a response body. It is read on a thread of its own, since it keeps a core busy and blocks
/// with SQLite, and no further ahead than the client takes it; when the client goes away, the query ends.
///
/// actix-web-lab's responders would send each row as a chunk of its own; their media types are used.
pub(crate) struct HistoryBody {
    parts: mpsc::Receiver<Part>,
    client: DisconnectWatch,
    _permit: JointPermit,
}

/// Who reads a history.
pub(crate) struct Reader {
    /// How long a part may wait for it.
    pub(crate) patience: Duration,
    /// Returned when the history ends, breaks off, or its client leaves.
    pub(crate) permit: HistoryPermit,
    /// Tells that the client has left.
    pub(crate) client: DisconnectWatch,
}

/// A permit that is returned as soon as one of its holders is dropped: the response, whose client may leave while the
/// thread is blocked in the database, or the thread, which may end while the response waits for its client.
struct JointPermit(Arc<Mutex<Option<HistoryPermit>>>);

impl JointPermit {
    fn pair(permit: HistoryPermit) -> [Self; 2] {
        let permit = Arc::new(Mutex::new(Some(permit)));
        [Self(permit.clone()), Self(permit)]
    }
}

impl Drop for JointPermit {
    fn drop(&mut self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
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
    pub(crate) async fn begin(
        storage: Storage,
        query: HistoryQuery,
        encoder: TextEncoder,
        reader: Reader,
    ) -> Result<Self, QueryError> {
        let (parts, body) = mpsc::channel(AHEAD);
        let (mut begun, beginning) = oneshot::channel();
        let Reader { patience, permit, mut client } = reader;
        let [of_body, of_thread] = JointPermit::pair(permit);
        let run = move || {
            let permit = of_thread;
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(begun.send(Err(QueryError::Unavailable(error.to_string())))),
            };
            runtime.block_on(async {
                let rows = tokio::select! {
                    biased;
                    // The client has left.
                    () = begun.closed() => return,
                    rows = storage.history(&query) => rows,
                };
                match rows {
                    Ok(rows) => {
                        let _ = begun.send(Ok(()));
                        if send(rows, &encoder, &parts, patience).await {
                            // Who has all of it may ask for the next one at once.
                            drop(permit);
                            hand_on(Part::End, &parts, patience).await;
                        }
                    }
                    Err(error) => drop(begun.send(Err(error))),
                }
            });
        };
        let spawned = thread::Builder::new().name("history".to_owned()).spawn(run);
        spawned.map_err(|error| QueryError::Unavailable(error.to_string()))?;
        let begun = tokio::select! {
            begun = beginning => begun,
            () = client.wait() => return Err(QueryError::Unavailable("the client has left".to_owned())),
        };
        begun.unwrap_or_else(|_| Err(QueryError::Unavailable("the reading thread has ended".to_owned())))?;
        Ok(Self { parts: body, client, _permit: of_body })
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
        match self.parts.poll_recv(cx) {
            Poll::Ready(Some(Part::Rows(rows))) => Poll::Ready(Some(Ok(rows))),
            Poll::Ready(Some(Part::End)) => Poll::Ready(None),
            Poll::Ready(None) => Poll::Ready(Some(Err(io::Error::other("the history broke off")))),
            Poll::Pending => {
                self.client.poll(cx).map(|()| Some(Err(io::Error::other("the client of a history has left"))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use actors::domain::UnixTime;
    use prometheus_client::registry::Registry;
    use tokio::time::Instant;

    use super::*;
    use crate::http::reply::limits::Limits;
    use crate::storage::StorageOptions;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn permit() -> HistoryPermit {
        let limits = Limits::register(&mut Registry::default(), PATIENCE);
        limits.history_permit(IpAddr::V4(Ipv4Addr::LOCALHOST).into()).unwrap()
    }

    #[test]
    fn a_permit_is_returned_by_the_first_of_its_holders() {
        let limits = Limits::register(&mut Registry::default(), PATIENCE);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST).into();
        for first in [0, 1] {
            let permits: Vec<_> = std::iter::from_fn(|| limits.history_permit(address).ok()).collect();
            assert_eq!(permits.len(), 8);
            let mut pairs: Vec<_> = permits.into_iter().map(|permit| Vec::from(JointPermit::pair(permit))).collect();
            drop(pairs[0].remove(first));
            let again = limits.history_permit(address).unwrap();
            drop(pairs[0].remove(0));
            assert!(limits.history_permit(address).is_err(), "the other holder returned it a second time");
            drop((again, pairs));
        }
    }

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
    async fn a_request_that_is_aborted_while_it_waits_returns_its_permit() {
        let limits = Limits::register(&mut Registry::default(), PATIENCE);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST).into();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("x.db").display()).parse().unwrap();
        // None may be read, so it waits.
        let storage = Storage::open(&url, StorageOptions { histories: 0, ..StorageOptions::default() }).unwrap();
        let permits: Vec<_> = std::iter::from_fn(|| limits.history_permit(address).ok()).collect();
        let begin = |permit| {
            let client = DisconnectWatch::of(actix_web::dev::Payload::None);
            let query = HistoryQuery {
                from: UnixTime(0),
                to: UnixTime(1),
                bounding_box: None,
                icao24: Vec::new(),
                callsign: None,
            };
            let encoder = TextEncoder::NdJson(crate::export::NdJson::of(&crate::export::Fields::default()));
            HistoryBody::begin(storage.clone(), query, encoder, Reader { patience: PATIENCE, permit, client })
        };
        let mut waiting: Vec<_> = permits.into_iter().map(|permit| Box::pin(begin(permit))).collect();
        for request in &mut waiting {
            assert!(futures_util::poll!(request.as_mut()).is_pending());
        }
        assert!(limits.history_permit(address).is_err());
        drop(waiting);
        assert!(limits.history_permit(address).is_ok());
    }

    #[tokio::test]
    async fn a_body_without_its_end_is_an_error() {
        let next = async |body: &mut HistoryBody| std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await;
        for (last, ends) in [(Some(Part::End), true), (None, false)] {
            let (parts, body) = mpsc::channel(AHEAD);
            let [permit, _other] = JointPermit::pair(permit());
            let client = DisconnectWatch::of(actix_web::dev::Payload::None);
            let mut body = HistoryBody { parts: body, client, _permit: permit };
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
