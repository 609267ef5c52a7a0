//! Runs a sink with blocking operations, such as file writes, on a thread for blocking work.

use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use actors::batch::{Batch, LogId, Position, Stored};
use actors::ports::{Sink, SinkError};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::time::timeout;

/// A sink whose operations block. See [`Sink`] for what they must do.
pub(super) trait BlockingSink: Sized + Send + 'static {
    /// Returns the stored positions of partitions of a log.
    fn positions(&mut self, log: &LogId, partitions: &[i32]) -> Result<Vec<Position>, SinkError>;

    /// Writes the state vectors of a batch and the new positions.
    fn write(&mut self, batch: &Batch) -> Result<Stored, SinkError>;
}

/// Makes a [`Sink`] of a [`BlockingSink`]: it is opened on first use and again after a panic, and its operations have a
/// timeout, for a file system that hangs.
struct Blocking<S> {
    /// What the sink writes to, for errors.
    destination: String,
    open: Open<S>,
    /// `None` until the sink was opened, and after an operation panicked.
    sink: Arc<Mutex<Option<S>>>,
}

type Open<S> = Arc<dyn Fn() -> Result<S, SinkError> + Send + Sync>;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns a sink that `open` opens on first use.
pub(super) fn blocking_sink<S: BlockingSink>(
    destination: String,
    open: impl Fn() -> Result<S, SinkError> + Send + Sync + 'static,
) -> Arc<dyn Sink> {
    Arc::new(Blocking { destination, open: Arc::new(open), sink: Arc::default() })
}

impl<S: BlockingSink> Blocking<S> {
    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut S) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let (open, sink) = (self.open.clone(), self.sink.clone());
        let running = tokio::task::spawn_blocking(move || {
            let mut sink = match sink.try_lock() {
                Ok(sink) => sink,
                Err(TryLockError::Poisoned(poisoned)) => {
                    sink.clear_poison();
                    let mut sink = poisoned.into_inner();
                    *sink = None;
                    sink
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
            };
            let sink = match &mut *sink {
                Some(sink) => sink,
                none => none.insert(open()?),
            };
            operation(sink).map(Some)
        });
        match timeout(TIMEOUT, running).await {
            Ok(Ok(Ok(Some(result)))) => Ok(result),
            Ok(Ok(Err(error))) => Err(error),
            Ok(Err(panicked)) => Err(SinkError::Unavailable(format!("{}: {panicked}", self.destination))),
            // This operation or an earlier one.
            Ok(Ok(Ok(None))) | Err(_) => {
                Err(SinkError::Unavailable(format!("{}: no response within {TIMEOUT:?}", self.destination)))
            }
        }
    }
}

impl<S: BlockingSink> Sink for Blocking<S> {
    fn positions<'a>(
        &'a self,
        log: &'a LogId,
        partitions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<Vec<Position>, SinkError>> {
        let (log, partitions) = (log.clone(), partitions.to_vec());
        self.run(move |sink| sink.positions(&log, &partitions)).boxed_local()
    }

    fn write(&self, batch: Arc<Batch>) -> LocalBoxFuture<'_, Result<Stored, SinkError>> {
        self.run(move |sink| sink.write(&batch)).boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    static OPENED: AtomicUsize = AtomicUsize::new(0);

    /// Waits for a message before each answer, and panics without a sender.
    struct Slow(Receiver<()>);

    impl BlockingSink for Slow {
        fn positions(&mut self, _: &LogId, partitions: &[i32]) -> Result<Vec<Position>, SinkError> {
            self.0.recv().unwrap();
            let at = |&partition| Position { partition, next_offset: 7, last_timestamp: 0 };
            Ok(partitions.iter().map(at).collect())
        }

        fn write(&mut self, _: &Batch) -> Result<Stored, SinkError> {
            Err(SinkError::Refused("read-only".to_owned()))
        }
    }

    #[actix_rt::test]
    async fn a_panic_is_an_error_and_the_sink_is_opened_again() {
        let (sender, receiver) = channel();
        let receivers = Mutex::new(vec![receiver, channel().1]);
        let sink = blocking_sink("the disk".to_owned(), move || {
            OPENED.fetch_add(1, Ordering::SeqCst);
            Ok(Slow(receivers.lock().unwrap().pop().unwrap()))
        });
        let log = LogId { cluster: "c".into(), topic: "t".into() };
        let panicked = sink.positions(&log, &[1]).await.unwrap_err();
        assert!(panicked.to_string().starts_with("unavailable: the disk: task "), "{panicked}");
        sender.send(()).unwrap();
        assert_eq!(sink.positions(&log, &[1]).await.unwrap()[0].next_offset, 7);
        let batch = Arc::new(Batch { log, parts: Vec::new() });
        assert_eq!(sink.write(batch).await, Err(SinkError::Refused("read-only".to_owned())));
        assert_eq!(OPENED.load(Ordering::SeqCst), 2);
    }
}
