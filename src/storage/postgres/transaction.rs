use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::connection::Failure;

/// The fence needs to see what others committed while it waited for them, whatever the database's default is.
pub(super) async fn begin(client: &mut Client) -> Result<Transaction<'_>, Failure> {
    Ok(client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?)
}
