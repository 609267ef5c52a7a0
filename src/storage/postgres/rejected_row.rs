use tokio_postgres::{Error, Transaction};

use super::connection::PostgresError;

/// Bisects the rows to find the one that the server rejects, and why, without changing the table. Returns `None` if the
/// rows are rejected only in combination, or no longer.
///
/// # Errors
/// The connection failed.
pub(super) async fn find_rejected_row<'a, T>(
    transaction: &Transaction<'_>,
    rows: &[&'a T],
    insert: impl AsyncFn(&[&T]) -> Result<u64, Error>,
) -> Result<Option<(&'a T, String)>, PostgresError> {
    // Check deferred constraints now rather than at the commit.
    transaction.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
    let mut suspects = rows;
    while suspects.len() > 1 {
        let (left, right) = suspects.split_at(suspects.len() / 2);
        suspects = if rejection(transaction, left, &insert).await?.is_some() { left } else { right };
    }
    let Some(row) = suspects.first() else { return Ok(None) };
    let reason = rejection(transaction, suspects, &insert).await?;
    Ok(reason.map(|reason| (*row, reason)))
}

/// Returns why the server rejects these rows, or `None` if it accepts them.
async fn rejection<T>(
    transaction: &Transaction<'_>,
    rows: &[&T],
    insert: impl AsyncFn(&[&T]) -> Result<u64, Error>,
) -> Result<Option<String>, PostgresError> {
    transaction.batch_execute("SAVEPOINT trial").await?;
    let failure = insert(rows).await.map_err(PostgresError::from).err();
    let reason = match failure {
        None => None,
        Some(failure) if failure.is_data_error() => Some(failure.to_string()),
        Some(failure) => return Err(failure),
    };
    transaction.batch_execute("ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial").await?;
    Ok(reason)
}
