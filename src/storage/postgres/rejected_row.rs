use actors::domain::StateVector;
use actors::ports::StoreError;
use tokio_postgres::Transaction;

use super::connection::PostgresError;
use super::staging::Staging;

/// Bisects the rows to find the one that the server rejects, without changing the table. Returns `None` if the rows are
/// rejected only in combination, or no longer.
///
/// # Errors
/// The connection failed.
pub(super) async fn find_rejected_row(
    transaction: &Transaction<'_>,
    staging: &Staging,
    rows: &[&StateVector],
) -> Result<Option<StoreError>, PostgresError> {
    // Check deferred constraints now rather than at the commit.
    transaction.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
    let mut suspects = rows;
    while suspects.len() > 1 {
        let (left, right) = suspects.split_at(suspects.len() / 2);
        suspects = if rejection(transaction, staging, left).await?.is_some() { left } else { right };
    }
    let Some(state) = suspects.first() else { return Ok(None) };
    let reason = rejection(transaction, staging, suspects).await?;
    Ok(reason.map(|reason| StoreError::Rejected { icao24: state.icao24, last_contact: state.last_contact, reason }))
}

/// Returns why the server rejects these rows, or `None` if it accepts them.
async fn rejection(
    transaction: &Transaction<'_>,
    staging: &Staging,
    rows: &[&StateVector],
) -> Result<Option<String>, PostgresError> {
    transaction.batch_execute("SAVEPOINT trial").await?;
    let failure = staging.insert(transaction, rows).await.map_err(PostgresError::from).err();
    let reason = match failure {
        None => None,
        Some(failure) if failure.is_data_error() => Some(failure.to_string()),
        Some(failure) => return Err(failure),
    };
    transaction.batch_execute("ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial").await?;
    Ok(reason)
}
