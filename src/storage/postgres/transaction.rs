use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::connection::PostgresError;

/// Begins a READ COMMITTED transaction, regardless of the database's default: fencing must see what another writer
/// committed while this one waited for its lock.
pub(super) async fn begin(client: &mut Client) -> Result<Transaction<'_>, PostgresError> {
    Ok(client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?)
}
