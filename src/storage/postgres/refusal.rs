use actors::domain::StateVector;
use actors::ports::StoreError;
use tokio_postgres::Transaction;

use super::connection::Failure;
use super::staging::Staging;

/// Looks by halving for the row that the server refuses, and leaves the table as it was.
///
/// # Errors
/// The connection's. `None`: the rows are refused only together, or no longer.
pub(super) async fn find_refused(
    transaction: &Transaction<'_>,
    staging: &Staging,
    rows: &[&StateVector],
) -> Result<Option<StoreError>, Failure> {
    // What a deferred constraint would say at the commit is wanted now.
    transaction.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
    let mut suspects = rows;
    while suspects.len() > 1 {
        let (left, right) = suspects.split_at(suspects.len() / 2);
        suspects = if refusal(transaction, staging, left).await?.is_some() { left } else { right };
    }
    let Some(state) = suspects.first() else { return Ok(None) };
    let reason = refusal(transaction, staging, suspects).await?;
    Ok(reason.map(|reason| StoreError::Rejected { icao24: state.icao24, last_contact: state.last_contact, reason }))
}

/// Why the server refuses these rows, if it does.
async fn refusal(
    transaction: &Transaction<'_>,
    staging: &Staging,
    rows: &[&StateVector],
) -> Result<Option<String>, Failure> {
    transaction.batch_execute("SAVEPOINT trial").await?;
    let failure = staging.insert(transaction, rows).await.map_err(Failure::from).err();
    let reason = match failure {
        None => None,
        Some(failure) if failure.is_about_data() => Some(failure.to_string()),
        Some(failure) => return Err(failure),
    };
    transaction.batch_execute("ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial").await?;
    Ok(reason)
}
