//! Appends every state vector to a file as a line of JSON, in the format of the messages in Kafka. There is one file
//! per UTC day of `last_contact`. Every record is written once, even if the process is killed.

mod folder;
mod state;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use actors::batch::{Batch, LogId, Position, Stored};
use actors::ports::{Sink, SinkError};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::time::timeout;

use crate::config::Settings;
use folder::Folder;

/// Opens the sink if `json_lines.directory` is set. The folder itself is opened on first use.
pub(super) fn open(settings: &Settings) -> Option<Arc<dyn Sink>> {
    let directory = settings.json_lines.directory.as_ref()?.path().to_owned();
    Some(Arc::new(JsonLines { directory, folder: Arc::default() }))
}

/// The sink. Its file operations run on a thread for blocking work.
struct JsonLines {
    directory: PathBuf,
    /// `None` until the folder was opened, and after an operation panicked.
    folder: Arc<Mutex<Option<Folder>>>,
}

/// The timeout of an operation, for a network file system that hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

impl JsonLines {
    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Folder) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let (directory, folder) = (self.directory.clone(), self.folder.clone());
        let running = tokio::task::spawn_blocking(move || {
            let mut folder = match folder.try_lock() {
                Ok(folder) => folder,
                Err(TryLockError::Poisoned(poisoned)) => {
                    folder.clear_poison();
                    let mut folder = poisoned.into_inner();
                    *folder = None;
                    folder
                }
                Err(TryLockError::WouldBlock) => return Err(hangs(&directory)),
            };
            let folder = match &mut *folder {
                Some(folder) => folder,
                none => none.insert(Folder::open(directory)?),
            };
            operation(folder)
        });
        match timeout(TIMEOUT, running).await {
            Ok(Ok(result)) => result,
            Ok(Err(panicked)) => Err(SinkError::Unavailable(format!("an operation failed: {panicked}"))),
            Err(_) => Err(hangs(&self.directory)),
        }
    }
}

fn hangs(directory: &std::path::Path) -> SinkError {
    SinkError::Unavailable(format!("{}: an operation takes longer than {TIMEOUT:?}", directory.display()))
}

impl Sink for JsonLines {
    fn positions<'a>(
        &'a self,
        log: &'a LogId,
        partitions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<Vec<Position>, SinkError>> {
        let (log, partitions) = (log.clone(), partitions.to_vec());
        self.run(move |folder| Ok(folder.positions(&log, &partitions))).boxed_local()
    }

    fn write(&self, batch: Arc<Batch>) -> LocalBoxFuture<'_, Result<Stored, SinkError>> {
        self.run(move |folder| folder.write(&batch)).boxed_local()
    }
}
