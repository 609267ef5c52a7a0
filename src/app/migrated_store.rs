use actors::batch::{Batch, LogId, Position, Stored};
use actors::ports::{LikelyNew, Maintained, StateStore, StoreError};
use tokio::sync::{OnceCell, mpsc};

use crate::storage::{MigrateError, Storage, Writer};

/// A store whose schema is brought up to date before its first use: at the start, or when the database comes.
pub(super) struct MigratedStore {
    storage: Storage,
    writer: Writer,
    migrated: OnceCell<()>,
    /// Where to say that the schema will never fit.
    fatal: mpsc::UnboundedSender<String>,
}

impl MigratedStore {
    pub(super) fn new(storage: Storage, fatal: mpsc::UnboundedSender<String>) -> Self {
        let writer = storage.writer();
        Self { storage, writer, migrated: OnceCell::new(), fatal }
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.migrated
            .get_or_try_init(|| async {
                let error = match self.storage.migrate().await {
                    Ok(migrated) => {
                        log::info!("the database's schema is up to date: {migrated:?}");
                        return Ok(());
                    }
                    Err(error) => error,
                };
                if matches!(error, MigrateError::NewerSchema { .. } | MigrateError::Failed(_)) {
                    // Nobody listening means that the process is ending already.
                    let _ = self.fatal.send(error.to_string());
                }
                Err(StoreError::Unavailable(match error {
                    MigrateError::Unavailable(reason) => reason,
                    other => other.to_string(),
                }))
            })
            .await
            .copied()
    }
}

impl StateStore for MigratedStore {
    async fn positions(&self, log: &LogId, partitions: &[i32]) -> Result<Vec<Position>, StoreError> {
        self.ready().await?;
        self.writer.positions(log, partitions).await
    }

    async fn store(&self, batch: &Batch, likely_new: &LikelyNew) -> Result<Stored, StoreError> {
        self.ready().await?;
        self.writer.store(batch, likely_new).await
    }

    async fn maintain(&self) -> Result<Maintained, StoreError> {
        self.ready().await?;
        self.writer.maintain().await
    }

    fn reset(&self) {
        self.writer.reset();
    }
}
