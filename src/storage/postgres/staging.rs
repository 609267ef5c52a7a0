use actors::domain::{StateVector, UnixTime};
use tokio_postgres::{Client, Error, Statement, Transaction};

use super::copy::copy_rows;
use super::time::postgres_seconds;
use crate::storage::schema::COLUMNS;

/// Stores rows that may already exist: copies them into a temporary table, then inserts those that do not conflict.
pub(super) struct Staging {
    copy: Statement,
    insert: Statement,
    insert_and_record_late: Statement,
}

/// Creates the temporary table, which is emptied at each commit. It is used as `pg_temp.…`, so that it is not confused
/// with a table of the same name in the schema.
const CREATE: &str =
    "CREATE TEMPORARY TABLE IF NOT EXISTS state_vectors_staged (LIKE state_vectors_scaled) ON COMMIT DELETE ROWS";

/// Ignores conflicts on the primary key only. A violation of any other constraint rejects the row.
fn insert() -> String {
    format!(
        "INSERT INTO state_vectors_scaled ({COLUMNS}) SELECT {COLUMNS} FROM pg_temp.state_vectors_staged
        ON CONFLICT (icao24, last_contact) DO NOTHING"
    )
}

/// Like [`insert`], but also records which inserted rows are behind the summaries' cursor.
fn insert_and_record_late() -> String {
    format!(
        "WITH inserted AS (
    {} RETURNING icao24, last_contact
), late AS (
    SELECT icao24, last_contact FROM inserted WHERE last_contact < to_timestamp($1::bigint)
), aircraft AS (
    INSERT INTO derived_late_aircraft AS noted (icao24, oldest, newest)
    SELECT icao24, min(last_contact), max(last_contact) FROM late GROUP BY icao24 ORDER BY icao24
    ON CONFLICT (icao24) DO UPDATE
    SET oldest = least(noted.oldest, excluded.oldest), newest = greatest(noted.newest, excluded.newest)
), hours AS (
    INSERT INTO derived_late_hours (hour) SELECT DISTINCT date_trunc('hour', last_contact, 'UTC') FROM late ORDER BY 1
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM inserted",
        insert()
    )
}

impl Staging {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        client.batch_execute(CREATE).await?;
        let copy = format!("COPY pg_temp.state_vectors_staged ({COLUMNS}) FROM STDIN (FORMAT binary)");
        let (copy, insert) = (client.prepare(&copy).await?, client.prepare(&insert()).await?);
        let insert_and_record_late = client.prepare(&insert_and_record_late()).await?;
        Ok(Self { copy, insert, insert_and_record_late })
    }

    /// Inserts rows with distinct keys and returns how many of them were new.
    pub(super) async fn insert(&self, transaction: &Transaction<'_>, rows: &[&StateVector]) -> Result<u64, Error> {
        copy_rows(transaction, &self.copy, rows).await?;
        transaction.execute(&self.insert, &[]).await
    }

    /// Like [`insert`](Self::insert), but also records which of the new rows are earlier than `through`.
    pub(super) async fn insert_and_record_late(
        &self,
        transaction: &Transaction<'_>,
        rows: &[&StateVector],
        through: UnixTime,
    ) -> Result<u64, Error> {
        copy_rows(transaction, &self.copy, rows).await?;
        let inserted = transaction.query_one(&self.insert_and_record_late, &[&postgres_seconds(through)]).await?;
        Ok(u64::try_from(inserted.try_get::<_, i64>(0)?).unwrap_or(0))
    }
}
