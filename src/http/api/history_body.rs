use std::convert::Infallible;
use std::fmt::Display;
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
use tokio::time::Instant;

use crate::export::TextEncoder;
use crate::http::connection::disconnect::DisconnectWatch;
use crate::http::reply::limits::HistoryPermit;
use crate::storage::{HistoryQuery, HistoryReader, HistoryRow, QueryError, Storage};

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

/// Encodes the rows of a history as a response.
pub(crate) trait HistoryEncoder: Send + 'static {
    /// The reason why the rest of the response cannot be encoded.
    type Error: Display;

    /// The minimum number of bytes to send at once. An encoder that writes little for each row avoids small parts.
    /// Fewer bytes wait for a second at most, as long as rows are read.
    const MIN_PART: usize = 1;

    /// Appends what precedes the rows.
    fn head(&mut self, into: &mut Vec<u8>);

    /// Appends what can be sent after one more row.
    ///
    /// # Errors
    /// The response must be aborted.
    fn row(&mut self, row: &HistoryRow<'_>, into: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// Appends what follows the last row.
    ///
    /// # Errors
    /// The response must be aborted.
    fn end(&mut self, into: &mut Vec<u8>) -> Result<(), Self::Error>;
}

impl HistoryEncoder for TextEncoder {
    type Error = Infallible;

    fn head(&mut self, into: &mut Vec<u8>) {
        Self::head(self, into);
    }

    fn row(&mut self, row: &HistoryRow<'_>, into: &mut Vec<u8>) -> Result<(), Infallible> {
        Self::row(self, row, into);
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), Infallible> {
        Ok(())
    }
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

/// How long bytes wait for more, so that a part is not small.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// Initial capacity of a part, in bytes.
const PART_CAPACITY: usize = 128 * 1024;

impl HistoryBody {
    /// Starts reading.
    ///
    /// # Errors
    /// Returns the errors of [`Storage::history`].
    pub(crate) async fn start<E: HistoryEncoder>(
        storage: Storage,
        query: HistoryQuery,
        encoder: E,
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
                        if send(rows, encoder, &parts, client_timeout).await {
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

/// Sends the rows. Returns `false` if the client disconnected before the last row, or the database or the encoder
/// failed.
async fn send<E: HistoryEncoder>(
    mut rows: HistoryReader,
    mut encoder: E,
    parts: &mpsc::Sender<Part>,
    client_timeout: Duration,
) -> bool {
    let mut buffer = Vec::with_capacity(PART_CAPACITY);
    encoder.head(&mut buffer);
    let mut sent_at: Option<Instant> = None;
    let mut has_more = true;
    loop {
        let is_due = buffer.len() >= E::MIN_PART || !has_more;
        if !buffer.is_empty() && (is_due || sent_at.is_none_or(|sent_at| sent_at.elapsed() >= MAX_DELAY)) {
            let part = std::mem::replace(&mut buffer, Vec::with_capacity(PART_CAPACITY));
            if !send_part(Part::Rows(part.into()), parts, client_timeout).await {
                return false;
            }
            sent_at = Some(Instant::now());
        }
        if !has_more {
            return true;
        }
        let mut encoded = Ok(());
        let each = |row: &HistoryRow<'_>| {
            if encoded.is_ok() {
                encoded = encoder.row(row, &mut buffer);
            }
        };
        let read = tokio::select! {
            biased;
            () = parts.closed() => return false,
            read = rows.read(each) => read,
        };
        has_more = match read {
            Ok(has_more) => has_more,
            Err(error) => {
                log::warn!(error:%; "failed to read history, response aborted");
                return false;
            }
        };
        if !has_more && encoded.is_ok() {
            encoded = encoder.end(&mut buffer);
        }
        if let Err(error) = encoded {
            log::warn!(error:%; "failed to encode history, response aborted");
            return false;
        }
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

    use super::*;
    use crate::http::reply::limits::Limits;
    use crate::storage::StorageOptions;

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn permit() -> HistoryPermit {
        let limits = Limits::register(&mut Registry::default(), TIMEOUT);
        limits.history_permit(IpAddr::V4(Ipv4Addr::LOCALHOST).into()).unwrap()
    }

    fn whole_history() -> HistoryQuery {
        HistoryQuery { from: UnixTime(0), to: UnixTime(1), bounding_box: None, icao24: Vec::new(), callsign: None }
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
            let query = whole_history();
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

    /// Encodes the head, and fails at the end.
    struct Failing;

    impl HistoryEncoder for Failing {
        type Error = &'static str;

        fn head(&mut self, into: &mut Vec<u8>) {
            into.extend_from_slice(b"head");
        }

        fn row(&mut self, _: &HistoryRow<'_>, _: &mut Vec<u8>) -> Result<(), Self::Error> {
            Ok(())
        }

        fn end(&mut self, into: &mut Vec<u8>) -> Result<(), Self::Error> {
            into.extend_from_slice(b"end");
            Err("a reason")
        }
    }

    async fn next(body: &mut HistoryBody) -> Option<Result<Bytes, io::Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await
    }

    #[tokio::test]
    async fn a_response_that_cannot_be_encoded_does_not_end() {
        let storage = Storage::open(&"sqlite::memory:".parse().unwrap(), StorageOptions::default()).unwrap();
        storage.migrate().await.unwrap();
        let client = DisconnectWatch::new(actix_web::dev::Payload::None);
        let client = HistoryClient { client_timeout: TIMEOUT, permit: permit(), client };
        let mut body = HistoryBody::start(storage, whole_history(), Failing, client).await.unwrap();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "head");
        assert!(next(&mut body).await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_body_that_stops_before_its_end_is_an_error() {
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
