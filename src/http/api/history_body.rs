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

/// Streams the rows of a history query as a response body.
///
/// A dedicated thread reads them, because that keeps a core busy and, with SQLite, blocks. It stays only a few parts
/// ahead of the client, and ends the query when the client disconnects.
///
/// actix-web-lab's responders would send each row as a chunk, so only their media types are used.
pub(crate) struct HistoryBody {
    parts: mpsc::Receiver<Part>,
    client: DisconnectWatch,
    _permit: JointPermit,
}

/// The client of a history request.
pub(crate) struct HistoryClient {
    /// How long a part may wait for the client to read it.
    pub(crate) client_timeout: Duration,
    /// Released when the history has been sent or aborted, or its client disconnects.
    pub(crate) permit: HistoryPermit,
    pub(crate) client: DisconnectWatch,
}

/// A permit that is released as soon as either of its two holders is dropped: the response, whose client may disconnect
/// while the thread is blocked in the database, or the thread, which may end while the response waits for its client.
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
    /// The end of the history. A stream that stops without it is incomplete.
    End,
}

/// The maximum number of parts, of some tens of kilobytes each, that wait for the client.
const MAX_QUEUED_PARTS: usize = 4;

/// Initial capacity of a part, in bytes.
const PART_CAPACITY: usize = 128 * 1024;

impl HistoryBody {
    /// Starts reading.
    ///
    /// # Errors
    /// Returns the errors of [`Storage::history`].
    pub(crate) async fn start(
        storage: Storage,
        query: HistoryQuery,
        encoder: TextEncoder,
        reader: HistoryClient,
    ) -> Result<Self, QueryError> {
        let (parts, body) = mpsc::channel(MAX_QUEUED_PARTS);
        let (mut started, starting) = oneshot::channel();
        let HistoryClient { client_timeout, permit, mut client } = reader;
        let [body_permit, thread_permit] = JointPermit::pair(permit);
        let run = move || {
            let permit = thread_permit;
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(QueryError::Unavailable(error.to_string())))),
            };
            runtime.block_on(async {
                let rows = tokio::select! {
                    biased;
                    // The client has disconnected.
                    () = started.closed() => return,
                    rows = storage.history(&query) => rows,
                };
                match rows {
                    Ok(rows) => {
                        let _ = started.send(Ok(()));
                        if send(rows, &encoder, &parts, client_timeout).await {
                            // Released before the end is sent, because a client that has received everything may send
                            // its next request immediately.
                            drop(permit);
                            send_part(Part::End, &parts, client_timeout).await;
                        }
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
            });
        };
        let spawned = thread::Builder::new().name("history".to_owned()).spawn(run);
        spawned.map_err(|error| QueryError::Unavailable(error.to_string()))?;
        let started = tokio::select! {
            started = starting => started,
            () = client.wait() => return Err(QueryError::Unavailable("the client has disconnected".to_owned())),
        };
        started.unwrap_or_else(|_| Err(QueryError::Unavailable("the reader thread has ended".to_owned())))?;
        Ok(Self { parts: body, client, _permit: body_permit })
    }
}

/// Sends the rows. Returns `false` if the client disconnected before the last row, or the database failed.
async fn send(
    mut rows: HistoryReader,
    encoder: &TextEncoder,
    parts: &mpsc::Sender<Part>,
    client_timeout: Duration,
) -> bool {
    let mut buffer = Vec::with_capacity(PART_CAPACITY);
    encoder.head(&mut buffer);
    let mut has_more = true;
    loop {
        if !buffer.is_empty() {
            let part = std::mem::replace(&mut buffer, Vec::with_capacity(PART_CAPACITY));
            if !send_part(Part::Rows(part.into()), parts, client_timeout).await {
                return false;
            }
        }
        if !has_more {
            return true;
        }
        let read = tokio::select! {
            biased;
            () = parts.closed() => return false,
            read = rows.read(|row| encoder.row(row, &mut buffer)) => read,
        };
        has_more = match read {
            Ok(has_more) => has_more,
            Err(error) => {
                log::warn!(error:%; "failed to read history, response aborted");
                return false;
            }
        };
    }
}

/// Waits until the client has read enough to accept this part. Returns `false` if it disconnected or timed out.
async fn send_part(part: Part, parts: &mpsc::Sender<Part>, client_timeout: Duration) -> bool {
    match parts.send_timeout(part, client_timeout).await {
        Ok(()) => true,
        Err(SendTimeoutError::Timeout(_)) => {
            log::info!("history response aborted: the client read no data for {client_timeout:?}");
            false
        }
        Err(SendTimeoutError::Closed(_)) => false,
    }
}

impl MessageBody for HistoryBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    /// Returns the next part. An error closes the connection before the last chunk, so that the client notices an
    /// incomplete response.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match self.parts.poll_recv(cx) {
            Poll::Ready(Some(Part::Rows(rows))) => Poll::Ready(Some(Ok(rows))),
            Poll::Ready(Some(Part::End)) => Poll::Ready(None),
            Poll::Ready(None) => Poll::Ready(Some(Err(io::Error::other("the history is incomplete")))),
            Poll::Pending => self
                .client
                .poll(cx)
                .map(|()| Some(Err(io::Error::other("the client of a history request has disconnected")))),
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

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn permit() -> HistoryPermit {
        let limits = Limits::register(&mut Registry::default(), TIMEOUT);
        limits.history_permit(IpAddr::V4(Ipv4Addr::LOCALHOST).into()).unwrap()
    }

    #[test]
    fn a_joint_permit_is_released_when_its_first_holder_is_dropped() {
        let limits = Limits::register(&mut Registry::default(), TIMEOUT);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST).into();
        for first in [0, 1] {
            let permits: Vec<_> = std::iter::from_fn(|| limits.history_permit(address).ok()).collect();
            assert_eq!(permits.len(), 8);
            let mut pairs: Vec<_> = permits.into_iter().map(|permit| Vec::from(JointPermit::pair(permit))).collect();
            drop(pairs[0].remove(first));
            let again = limits.history_permit(address).unwrap();
            drop(pairs[0].remove(0));
            assert!(limits.history_permit(address).is_err(), "the other holder released it a second time");
            drop((again, pairs));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_waits_for_the_client_until_its_timeout() {
        let (parts, mut body) = mpsc::channel(1);
        let part = || Part::Rows(Bytes::from_static(b"row"));
        let started_at = Instant::now();
        assert!(send_part(part(), &parts, TIMEOUT).await);
        let waiting = async {
            tokio::time::sleep(TIMEOUT - Duration::from_secs(1)).await;
            body.recv().await
        };
        let (is_accepted, read) = tokio::join!(send_part(part(), &parts, TIMEOUT), waiting);
        assert!(is_accepted && read.is_some(), "a slow client was not waited for");
        assert!(!send_part(part(), &parts, TIMEOUT).await);
        assert_eq!(started_at.elapsed(), TIMEOUT * 2 - Duration::from_secs(1));
        drop(body);
        assert!(!send_part(part(), &parts, TIMEOUT).await, "a disconnected client was waited for");
        assert_eq!(started_at.elapsed(), TIMEOUT * 2 - Duration::from_secs(1));
    }

    #[tokio::test]
    async fn an_aborted_request_releases_its_permit() {
        let limits = Limits::register(&mut Registry::default(), TIMEOUT);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST).into();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("x.db").display()).parse().unwrap();
        // With a limit of 0, no history query starts, so each request waits.
        let storage = Storage::open(&url, StorageOptions { histories: 0, ..StorageOptions::default() }).unwrap();
        let permits: Vec<_> = std::iter::from_fn(|| limits.history_permit(address).ok()).collect();
        let start = |permit| {
            let client = DisconnectWatch::new(actix_web::dev::Payload::None);
            let query = HistoryQuery {
                from: UnixTime(0),
                to: UnixTime(1),
                bounding_box: None,
                icao24: Vec::new(),
                callsign: None,
            };
            let encoder = TextEncoder::NdJson(crate::export::NdJson::of(&crate::export::Fields::default()));
            HistoryBody::start(
                storage.clone(),
                query,
                encoder,
                HistoryClient { client_timeout: TIMEOUT, permit, client },
            )
        };
        let mut waiting: Vec<_> = permits.into_iter().map(|permit| Box::pin(start(permit))).collect();
        for request in &mut waiting {
            assert!(futures_util::poll!(request.as_mut()).is_pending());
        }
        assert!(limits.history_permit(address).is_err());
        drop(waiting);
        assert!(limits.history_permit(address).is_ok());
    }

    #[tokio::test]
    async fn a_body_that_stops_before_its_end_is_an_error() {
        let next = async |body: &mut HistoryBody| std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await;
        for (last, ends) in [(Some(Part::End), true), (None, false)] {
            let (parts, body) = mpsc::channel(MAX_QUEUED_PARTS);
            let [permit, _other] = JointPermit::pair(permit());
            let client = DisconnectWatch::new(actix_web::dev::Payload::None);
            let mut body = HistoryBody { parts: body, client, _permit: permit };
            assert!(send_part(Part::Rows(Bytes::from_static(b"row")), &parts, TIMEOUT).await);
            if let Some(last) = last {
                send_part(last, &parts, TIMEOUT).await;
            }
            drop(parts);
            assert_eq!(next(&mut body).await.unwrap().unwrap(), "row");
            assert_eq!(next(&mut body).await.is_none(), ends);
        }
    }
}
