//! Reads a history completely before the response starts.

use std::ops::ControlFlow;
use std::thread;

use tokio::sync::oneshot;

use super::history_body::HistoryClient;
use crate::storage::{HistoryQuery, HistoryRow, QueryError, Storage};

/// Reads the rows of a history query on a thread of its own until `each` breaks, and returns what it made of them.
///
/// Reading also ends if the client disconnects. The permit is released when the thread ends.
///
/// # Errors
/// Returns the errors of [`Storage::history`] and of reading the rows.
pub(crate) async fn fold_history<T: Send + 'static>(
    storage: Storage,
    query: HistoryQuery,
    reader: HistoryClient,
    mut folded: T,
    each: impl Fn(&mut T, &HistoryRow<'_>) -> ControlFlow<()> + Send + 'static,
) -> Result<T, QueryError> {
    let HistoryClient { permit, mut client, .. } = reader;
    let (mut done, result) = oneshot::channel();
    let run = move || {
        let _permit = permit;
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(done.send(Err(QueryError::Unavailable(error.to_string())))),
        };
        let read = runtime.block_on(async {
            let read = async {
                let mut rows = storage.history(&query).await?;
                let mut flow = ControlFlow::Continue(());
                while rows
                    .read(|row| {
                        if flow.is_continue() {
                            flow = each(&mut folded, row);
                        }
                    })
                    .await?
                {
                    if flow.is_break() {
                        break;
                    }
                    // Without a pause between two pages, a disconnected client would not be noticed.
                    tokio::task::yield_now().await;
                }
                Ok(())
            };
            tokio::select! {
                biased;
                () = done.closed() => None,
                read = read => Some(read),
            }
        });
        if let Some(read) = read {
            // The client may have disconnected since.
            let _ = done.send(read.map(|()| folded));
        }
    };
    let spawned = thread::Builder::new().name("history".to_owned()).spawn(run);
    spawned.map_err(|error| QueryError::Unavailable(error.to_string()))?;
    let result = tokio::select! {
        result = result => result,
        () = client.wait() => return Err(QueryError::Unavailable("the client has disconnected".to_owned())),
    };
    result.unwrap_or_else(|_| Err(QueryError::Unavailable("the reader thread has ended".to_owned())))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use actix_web::dev::Payload;
    use actors::domain::UnixTime;
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::http::connection::disconnect::DisconnectWatch;
    use crate::http::reply::limits::Limits;
    use crate::storage::StorageOptions;

    #[tokio::test]
    async fn an_aborted_request_releases_its_permit() {
        let limits = Limits::register(&mut Registry::default(), Duration::from_secs(30));
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST).into();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("x.db").display()).parse().unwrap();
        // With a limit of 0, no history query starts, so the request waits.
        let storage = Storage::open(&url, StorageOptions { histories: 0, ..StorageOptions::default() }).unwrap();
        let mut permits: Vec<_> = std::iter::from_fn(|| limits.history_permit(address).ok()).collect();
        let query =
            HistoryQuery { from: UnixTime(0), to: UnixTime(1), bounding_box: None, icao24: Vec::new(), callsign: None };
        let client = DisconnectWatch::new(Payload::None);
        let permit = permits.pop().unwrap();
        let reader = HistoryClient { client_timeout: Duration::from_secs(30), permit, client };
        let mut waiting = Box::pin(fold_history(storage, query, reader, (), |(), _| ControlFlow::Continue(())));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        assert!(limits.history_permit(address).is_err());
        drop(waiting);
        let released = async {
            while limits.history_permit(address).is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), released).await.unwrap();
    }
}
