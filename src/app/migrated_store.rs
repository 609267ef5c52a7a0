use actors::batch::{Batch, LogId, Position, Stored};
use actors::ports::{LikelyNew, Maintained, StateStore, StoreError, StoreJob};
use tokio::sync::OnceCell;

use crate::storage::{Storage, Writer};

/// A store whose schema is migrated before its first use. If the migration fails, each use retries it, so the server
/// starts storing as soon as the database is available.
pub(super) struct MigratedStore {
    storage: Storage,
    writer: Writer,
    migrated: OnceCell<()>,
}

impl MigratedStore {
    pub(super) fn new(storage: Storage) -> Self {
        let writer = storage.writer();
        Self { storage, writer, migrated: OnceCell::new() }
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.migrated
            .get_or_try_init(|| async {
                let migrated = self.storage.migrate().await?;
                log::info!("the database schema is up to date: {migrated}");
                Ok(())
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

    async fn jobs(&self) -> Result<Vec<StoreJob>, StoreError> {
        // There are no jobs before the schema exists, and this query must not create the schema.
        if self.migrated.initialized() { Ok(self.storage.jobs().await?) } else { Ok(Vec::new()) }
    }

    fn reset(&self) {
        self.writer.reset();
    }
}
