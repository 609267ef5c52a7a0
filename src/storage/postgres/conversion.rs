//! Converts the rows of the earlier schema, hour by hour or chunk by chunk. Each step is a transaction, so the conversion
//! can be interrupted and continued; meanwhile the view `state_vectors` shows all rows.

use std::ops::Range;
use std::time::{Duration, Instant};

use actors::domain::{FIELDS, UnixTime};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::connection::{PostgresDatabase, PostgresError};
use super::policies::enable_compression;
use super::timescale_api::TimescaleApi;
use super::views::{create_views_with_unscaled, definitions, ensure_views};
use crate::storage::conversion::{ConversionProgress, Converted, ReportProgress, UNCONVERTIBLE, UNSCALED};
use crate::storage::schema::{COLUMNS, Dialect, unscaled_columns};
use crate::storage::slices::{Slices, find_end_of_gap};

/// Returns the table of the earlier schema, under its old or its new name.
const FIND: &str = "SELECT relname::text FROM pg_class
    WHERE oid IN (to_regclass('state_vectors_unscaled'), to_regclass('state_vectors')) AND relkind IN ('r', 'p')";

/// Keeps how far the rows are converted. The table exists only during a conversion.
const CREATE_CURSOR: &str = "
CREATE TABLE IF NOT EXISTS state_vectors_conversion (through timestamptz NOT NULL);
INSERT INTO state_vectors_conversion SELECT '-infinity' WHERE NOT EXISTS (SELECT FROM state_vectors_conversion)";

/// The rows that are left, as a table and a condition.
const LEFT: &str = "state_vectors_unscaled WHERE last_contact >= (SELECT through FROM state_vectors_conversion)";

/// Returns the chunks of the earlier table as spans of Unix seconds; no rows if it is a plain table.
const CHUNKS: &str = "
SELECT extract(epoch FROM range_start)::bigint, extract(epoch FROM range_end)::bigint
FROM timescaledb_information.chunks
WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = to_regclass('state_vectors_unscaled')
ORDER BY range_start";
const IS_HYPERTABLE: &str = "
SELECT EXISTS (
    SELECT FROM timescaledb_information.hypertables
    WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = to_regclass('state_vectors_unscaled')
)";
const HAS_TIMESCALE: &str = "SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL";

/// The table of the earlier schema.
pub(in crate::storage) struct Unscaled {
    /// Whether it has rows, so that they have to be converted.
    pub(in crate::storage) has_rows: bool,
}

/// Finds the table of the earlier schema.
pub(in crate::storage) async fn find_unscaled(client: &Client) -> Result<Option<Unscaled>, PostgresError> {
    let Some(row) = client.query_opt(FIND, &[]).await? else { return Ok(None) };
    let table: String = row.try_get(0)?;
    let any = client.query_one(&format!("SELECT EXISTS (SELECT FROM {table})"), &[]).await?;
    Ok(Some(Unscaled { has_rows: any.try_get(0)? }))
}

impl PostgresDatabase {
    /// Creates the views, so that both the converted and the other rows are readable through them. Without rows to
    /// convert, drops the earlier table.
    pub(in crate::storage) async fn begin_conversion(&self) -> Result<(), PostgresError> {
        let session = self.connect(Duration::ZERO).await?;
        let client = &session.client;
        match find_unscaled(client).await? {
            Some(Unscaled { has_rows: true }) => {
                client.batch_execute(CREATE_CURSOR).await?;
                create_views_with_unscaled(client, LEFT).await
            }
            Some(Unscaled { has_rows: false }) => {
                create_views_with_unscaled(client, &format!("{UNSCALED} WHERE true")).await?;
                finish(client).await
            }
            None => ensure_views(client).await,
        }
    }

    /// Converts all rows and drops the earlier table. The new table is already a hypertable if it is to be one.
    pub(in crate::storage) async fn convert(&self, report: &ReportProgress) -> Result<Converted, PostgresError> {
        let mut session = self.connect(Duration::ZERO).await?;
        let client = &mut session.client;
        let create = format!("CREATE TABLE IF NOT EXISTS {UNCONVERTIBLE} (LIKE {UNSCALED})");
        client.batch_execute(&create).await?;
        let mut conversion = Conversion { converted: Converted::default(), report };
        if is_hypertable(client).await? {
            conversion.convert_chunks(client, self.options.compress_after).await?;
        } else {
            conversion.convert_table(client).await?;
        }
        if conversion.converted.unconvertible == 0 {
            let empty = format!("SELECT NOT EXISTS (SELECT FROM {UNCONVERTIBLE})");
            if client.query_one(&empty, &[]).await?.try_get(0)? {
                client.batch_execute(&format!("DROP TABLE {UNCONVERTIBLE}")).await?;
            }
        }
        finish(client).await?;
        Ok(conversion.converted)
    }
}

struct Conversion<'a> {
    converted: Converted,
    report: &'a ReportProgress,
}

impl Conversion<'_> {
    /// Converts a plain table in slices of time.
    async fn convert_table(&mut self, client: &mut Client) -> Result<(), PostgresError> {
        let span = format!(
            "SELECT extract(epoch FROM min(last_contact))::bigint, extract(epoch FROM max(last_contact))::bigint FROM {LEFT}"
        );
        let span = client.query_one(&span, &[]).await?;
        let (Some(first), Some(last)) = (span.try_get::<_, Option<i64>>(0)?, span.try_get::<_, Option<i64>>(1)?) else {
            return Ok(());
        };
        let mut slices = Slices::new(UnixTime(first), UnixTime(last));
        while let Some(slice) = slices.next() {
            let began = Instant::now();
            let rows = self.convert_slice(client, &slice).await?;
            slices.adapt(&slice, rows, began.elapsed());
            if rows == 0 && slices.is_at_max_length() {
                let exists = async |span: Range<i64>| exists(client, &span).await;
                let Some(time) = find_end_of_gap(slices.rest(), exists).await? else { break };
                slices.skip_to(time);
            }
            let done = (slices.rest().start - first) as f64 / (slices.rest().end - first).max(1) as f64;
            (self.report)(ConversionProgress { rows: self.converted.rows, done });
        }
        Ok(())
    }

    /// Converts a hypertable chunk by chunk, dropping each chunk once it is converted and compressing the new ones.
    async fn convert_chunks(&mut self, client: &mut Client, compress_after: Duration) -> Result<(), PostgresError> {
        let api = TimescaleApi::find(client).await?;
        let compresses = match enable_compression(client, &api).await {
            Err(failure) if failure.is_missing_privilege() => false,
            result => result.map(|()| true)?,
        };
        let chunks = client.query(CHUNKS, &[]).await?;
        for (index, chunk) in chunks.iter().enumerate() {
            let (start, end): (i64, i64) = (chunk.try_get(0)?, chunk.try_get(1)?);
            self.convert_slice(client, &(start..end)).await?;
            client
                .execute(
                    &format!("SELECT {}.drop_chunks('{UNSCALED}', older_than => to_timestamp({end}))", api.schema),
                    &[],
                )
                .await?;
            if compresses {
                compress(client, &api, end, compress_after).await?;
            }
            let done = (index + 1) as f64 / chunks.len() as f64;
            (self.report)(ConversionProgress { rows: self.converted.rows, done });
        }
        Ok(())
    }

    /// Converts the rows of a span in one transaction, and returns how many there were.
    async fn convert_slice(&mut self, client: &mut Client, span: &Range<i64>) -> Result<u64, PostgresError> {
        let transaction = client.transaction().await?;
        let row = transaction.query_one(&convert_span(span), &[]).await?;
        let (rows, unconvertible): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let move_cursor = format!("UPDATE state_vectors_conversion SET through = to_timestamp({})", span.end);
        transaction.batch_execute(&move_cursor).await?;
        transaction.commit().await?;
        let (rows, unconvertible) = (rows.unsigned_abs(), unconvertible.unsigned_abs());
        self.converted.rows += rows - unconvertible;
        self.converted.unconvertible += unconvertible;
        Ok(rows)
    }
}

/// Returns the statement that converts the rows of a span. Rows that do not fit are kept in a table of their own.
fn convert_span(span: &Range<i64>) -> String {
    let scaled = FIELDS.iter().map(|field| Dialect::Postgres.scaled(field));
    let (values, fits): (Vec<_>, Vec<_>) = scaled.unzip();
    let (values, fits) = (values.join(", "), fits.into_iter().flatten().collect::<Vec<_>>().join(" AND "));
    format!(
        "WITH span AS MATERIALIZED (
    SELECT *, {fits} AS fits FROM {UNSCALED}
    WHERE last_contact >= to_timestamp({start}) AND last_contact < to_timestamp({end})
), converted AS (
    INSERT INTO state_vectors_scaled ({COLUMNS})
    SELECT {values} FROM span WHERE fits ORDER BY icao24, last_contact ON CONFLICT DO NOTHING
), others AS (
    INSERT INTO {UNCONVERTIBLE} ({unscaled}) SELECT {unscaled} FROM span WHERE NOT fits
)
SELECT count(*), count(*) FILTER (WHERE NOT fits) FROM span",
        start = span.start,
        end = span.end,
        unscaled = unscaled_columns(),
    )
}

async fn exists(client: &Client, span: &Range<i64>) -> Result<bool, PostgresError> {
    let any = format!(
        "SELECT EXISTS (SELECT FROM {UNSCALED} WHERE last_contact >= to_timestamp({}) AND last_contact < to_timestamp({}))",
        span.start, span.end
    );
    Ok(client.query_one(&any, &[]).await?.try_get(0)?)
}

async fn is_hypertable(client: &Client) -> Result<bool, PostgresError> {
    let has_timescale: bool = client.query_one(HAS_TIMESCALE, &[]).await?.try_get(0)?;
    Ok(has_timescale && client.query_one(IS_HYPERTABLE, &[]).await?.try_get(0)?)
}

/// Compresses the chunks of the new table that end before `end` and are old enough.
async fn compress(
    client: &Client,
    api: &TimescaleApi,
    end: i64,
    compress_after: Duration,
) -> Result<(), PostgresError> {
    let chunks = format!(
        "SELECT format('%I.%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks
         WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors_scaled'::regclass
             AND NOT is_compressed
             AND range_end <= least(to_timestamp({end}), now() - INTERVAL '{} seconds')",
        compress_after.as_secs()
    );
    for chunk in client.query(&chunks, &[]).await? {
        client.batch_execute(&api.compress_chunk(chunk.try_get(0)?)).await?;
    }
    Ok(())
}

/// Drops the earlier table, all rows of which are converted.
async fn finish(client: &Client) -> Result<(), PostgresError> {
    let finish = format!(
        "BEGIN; {}; DROP TABLE {UNSCALED}; DROP TABLE IF EXISTS state_vectors_conversion; COMMIT",
        definitions(None)
    );
    match client.batch_execute(&finish).await {
        Err(error) if error.code() == Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {
            client.batch_execute("ROLLBACK").await?;
            let detail = error.as_db_error().and_then(|error| error.detail()).unwrap_or_default();
            Err(PostgresError::Dependent(detail.replace('\n', "; ")))
        }
        result => Ok(result?),
    }
}
