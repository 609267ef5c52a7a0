//! The records that are not state vectors, in tables of their own.

use actors::detect::Alert;
use actors::domain::{PollRecord, UnixMillis, UnixTime};
use actors::ports::StoreError;
use tokio_postgres::{Client, Error, Transaction};

use super::alerts::{self, insert_alerts};
use super::connection::PostgresError;
use super::polls::{self, insert_polls};
use super::rejected_row::find_rejected_row;
use super::transaction::begin;
use crate::storage::options::StorageOptions;
use crate::storage::polls::storable;
use crate::storage::side_rows::{SideRows, rejected_alert, rejected_poll};

/// Inserts records, and returns how many changed the tables.
pub(super) async fn insert_side_rows(transaction: &Transaction<'_>, rows: &SideRows<'_>) -> Result<u64, Error> {
    let polls = if rows.polls.is_empty() { 0 } else { insert_polls(transaction, &rows.polls).await? };
    Ok(polls + insert_alerts(transaction, &rows.alerts).await?)
}

/// Finds the record that the server rejects, without changing the tables. Returns `None` if the records are rejected
/// only in combination, or no longer.
///
/// # Errors
/// The connection failed.
pub(super) async fn find_rejected_side_row(
    transaction: &Transaction<'_>,
    rows: &SideRows<'_>,
) -> Result<Option<StoreError>, PostgresError> {
    let insert = async |polls: &[&PollRecord]| insert_polls(transaction, polls).await;
    if let Some((poll, reason)) = find_rejected_row(transaction, &rows.polls, insert).await? {
        return Ok(Some(rejected_poll(poll, reason)));
    }
    let insert = async |alerts: &[&Alert]| insert_alerts(transaction, alerts).await;
    let rejected = find_rejected_row(transaction, &rows.alerts, insert).await?;
    Ok(rejected.map(|(alert, reason)| rejected_alert(alert, reason)))
}

/// Deletes from each table up to `rows` records older than the retention of summaries. Returns whether there may be
/// more.
pub(super) async fn expire_side_rows(
    client: &mut Client,
    options: &StorageOptions,
    rows: u32,
) -> Result<bool, PostgresError> {
    let oldest = storable(UnixMillis::from(UnixTime::now().minus(options.summary_retention)));
    let mut more = false;
    for delete in [polls::EXPIRE, alerts::EXPIRE] {
        let transaction = begin(client).await?;
        let limit = options.maintenance_timeout.as_millis();
        transaction.batch_execute(&format!("SET LOCAL statement_timeout = {limit}")).await?;
        let deleted = transaction.execute(delete, &[&oldest, &i64::from(rows)]).await?;
        transaction.commit().await?;
        more |= deleted >= u64::from(rows);
    }
    Ok(more)
}
