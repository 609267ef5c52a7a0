//! Converts the rows of the earlier schema. Each step moves some rows in one transaction, so the conversion can be
//! interrupted and continued; meanwhile the view `state_vectors` shows all rows. The new rows reuse the space of the old
//! ones, so the file hardly grows.

use actors::domain::FIELDS;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};
use diesel::sqlite::SqliteConnection;

use super::views::create_views;
use crate::storage::conversion::{ConversionProgress, Converted, ReportProgress, UNCONVERTIBLE, UNSCALED};
use crate::storage::schema::{COLUMNS, Dialect, unscaled_columns};

/// The number of rows converted in one transaction.
const ROWS: i64 = 20_000;

#[derive(QueryableByName)]
struct Any {
    #[diesel(sql_type = Bool)]
    any: bool,
}

/// The rows of a span of row numbers; NULL without rows.
#[derive(QueryableByName)]
struct Span {
    #[diesel(sql_type = Nullable<BigInt>)]
    first: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last: Option<i64>,
}

fn any(connection: &mut SqliteConnection, query: &str) -> QueryResult<bool> {
    Ok(diesel::sql_query(format!("SELECT EXISTS ({query}) AS any")).get_result::<Any>(connection)?.any)
}

fn has_table(connection: &mut SqliteConnection, name: &str) -> QueryResult<bool> {
    any(connection, &format!("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '{name}'"))
}

/// Returns whether the database has rows of the earlier schema, in the table's old or new name.
pub(in crate::storage) fn has_unscaled_rows(connection: &mut SqliteConnection) -> QueryResult<bool> {
    for table in [UNSCALED, "state_vectors"] {
        if has_table(connection, table)? {
            return any(connection, &format!("SELECT 1 FROM {table}"));
        }
    }
    Ok(false)
}

/// Returns whether the migrated database still has the table of the earlier schema.
pub(in crate::storage) fn has_unscaled_table(connection: &mut SqliteConnection) -> QueryResult<bool> {
    has_table(connection, UNSCALED)
}

/// Drops the table of the earlier schema, all rows of which are converted.
pub(in crate::storage) fn finish_conversion(connection: &mut SqliteConnection) -> QueryResult<()> {
    create_views(connection, false)?;
    connection.batch_execute(&format!("DROP TABLE IF EXISTS {UNSCALED}"))?;
    if has_table(connection, UNCONVERTIBLE)? && !any(connection, &format!("SELECT 1 FROM {UNCONVERTIBLE}"))? {
        connection.batch_execute(&format!("DROP TABLE {UNCONVERTIBLE}"))?;
    }
    Ok(())
}

/// Converts all rows.
pub(in crate::storage) fn convert(
    connection: &mut SqliteConnection,
    report: &ReportProgress,
) -> QueryResult<Converted> {
    let mut converted = Converted::default();
    let span = format!("SELECT min(rowid) AS first, max(rowid) AS last FROM {UNSCALED}");
    let span = diesel::sql_query(span).get_result::<Span>(connection)?;
    let (first, last) = (span.first.unwrap_or_default(), span.last.unwrap_or_default());
    while let Some(reached) = connection.immediate_transaction(|connection| step(connection, &mut converted))? {
        let done = (reached - first + 1) as f64 / (last - first + 1) as f64;
        report(ConversionProgress { rows: converted.rows, done });
    }
    connection.immediate_transaction(finish_conversion)?;
    Ok(converted)
}

/// Moves some rows, and returns the last row's number, or `None` if none is left.
fn step(connection: &mut SqliteConnection, converted: &mut Converted) -> QueryResult<Option<i64>> {
    let span = format!(
        "SELECT min(row) AS first, max(row) AS last FROM (SELECT rowid AS row FROM {UNSCALED} ORDER BY rowid LIMIT {ROWS})"
    );
    let Some(last) = diesel::sql_query(span).get_result::<Span>(connection)?.last else { return Ok(None) };
    let scaled = FIELDS.iter().map(|field| Dialect::Sqlite.scaled(field));
    let (values, fits): (Vec<_>, Vec<_>) = scaled.unzip();
    let (values, fits) = (values.join(", "), fits.into_iter().flatten().collect::<Vec<_>>().join(" AND "));
    let mut execute = |sql: String| diesel::sql_query(sql).execute(connection);
    execute(format!(
        "INSERT INTO state_vectors_scaled ({COLUMNS}) SELECT {values} FROM {UNSCALED} WHERE rowid <= {last} AND {fits}
         ON CONFLICT (icao24, last_contact) DO NOTHING"
    ))?;
    let unscaled = unscaled_columns();
    execute(format!("CREATE TABLE IF NOT EXISTS {UNCONVERTIBLE} AS SELECT {unscaled} FROM {UNSCALED} WHERE false"))?;
    let unconvertible = execute(format!(
        "INSERT INTO {UNCONVERTIBLE} SELECT {unscaled} FROM {UNSCALED} WHERE rowid <= {last} AND NOT ({fits})"
    ))?;
    let rows = execute(format!("DELETE FROM {UNSCALED} WHERE rowid <= {last}"))?;
    converted.rows += (rows - unconvertible) as u64;
    converted.unconvertible += unconvertible as u64;
    Ok(Some(last))
}
