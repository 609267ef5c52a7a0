use actors::domain::UnixTime;
use actors::ports::Maintained;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

/// Uses the index by time, oldest rows first.
const DELETE: &str = "
DELETE FROM state_vectors_scaled WHERE (icao24, last_contact) IN (
    SELECT icao24, last_contact FROM state_vectors_scaled WHERE last_contact < ? ORDER BY last_contact LIMIT ?
)";

/// Deletes up to `rows` rows older than `oldest`. SQLite reuses their space in the file.
pub(super) fn delete_expired(
    connection: &mut SqliteConnection,
    oldest: UnixTime,
    rows: u32,
) -> QueryResult<Maintained> {
    let delete = diesel::sql_query(DELETE).bind::<BigInt, _>(oldest.0).bind::<BigInt, _>(i64::from(rows));
    let deleted = connection.immediate_transaction(|connection| delete.execute(connection))?;
    Ok(Maintained { expired: deleted as u64, more: deleted >= rows as usize })
}
