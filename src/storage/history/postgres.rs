use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use actors::domain::{Field, UnixTime, fields};
use futures_util::StreamExt;
use tokio_postgres::{Column, CopyOutStream, Error};

use super::compressed_chunks::CompressedChunks;
use super::decoder::{DecodeError, Layout, decode, decode_key, skip_header};
use super::query::{HistoryQuery, HistoryRow, ROWS};
use super::second::Second;
use crate::storage::error::{MigrateError, QueryError};
use crate::storage::postgres::{PostgresDatabase, PostgresError, Session, within};
use crate::storage::slices::{Slices, find_end_of_gap};

/// Session settings for reading a slice: sort in memory, use one core, skip JIT compilation, and detect a disconnected
/// client while a query is running.
const SETTINGS: &str = "SELECT set_config(name, wanted.value, false) FROM (VALUES
    ('work_mem', '32MB'), ('max_parallel_workers_per_gather', '0'), ('jit', 'off'),
    ('client_connection_check_interval', '1000')
) AS wanted (name, value) JOIN pg_settings USING (name)";

/// Checks that the table has all rows: none are left in the table of an earlier version.
const IS_CONVERTED: &str = "SELECT to_regclass('state_vectors_unscaled') IS NULL";

/// Reads a history from PostgreSQL with one binary `COPY … TO STDOUT` per slice, on its own connection.
pub(super) struct PostgresHistory {
    database: Arc<PostgresDatabase>,
    session: Session,
    layout: Layout,
    slices: Slices,
    filters: Filters,
    slice: Option<OpenSlice>,
    chunks: CompressedChunks,
    reached: i64,
}

struct OpenSlice {
    rows: Pin<Box<CopyOutStream>>,
    second: Second,
    /// Whether the first message, which carries the header, has been received.
    has_begun: bool,
    has_ended: bool,
    row_count: u64,
    span: Range<i64>,
    /// When the first row arrived.
    began: Instant,
}

impl OpenSlice {
    /// Receives messages until the rows of a second are complete.
    async fn receive(&mut self, layout: &Layout) -> Result<(), QueryError> {
        while self.second.is_gathering() {
            let Some(message) = self.rows.next().await else {
                self.has_ended = true;
                self.second.complete();
                break;
            };
            let message = message.map_err(unavailable)?;
            let row = if self.has_begun {
                message
            } else {
                (self.has_begun, self.began) = (true, Instant::now());
                message.slice_ref(skip_header(&message).map_err(malformed)?)
            };
            if let Some((time, icao24)) = decode_key(&row, layout).map_err(malformed)? {
                self.row_count += 1;
                self.second.add(time, icao24, row);
            }
        }
        Ok(())
    }
}

/// The query's conditions other than time, as SQL.
struct Filters {
    aircraft: String,
    others: String,
}

impl PostgresHistory {
    pub(super) async fn begin(database: Arc<PostgresDatabase>, query: &HistoryQuery) -> Result<Self, QueryError> {
        let limit = database.options.history_timeout;
        let session = database.connect(limit).await.map_err(unavailable)?;
        let prepared = within(database.options.connect_timeout, async {
            session.client.batch_execute(SETTINGS).await?;
            let is_converted: bool = session.client.query_one(IS_CONVERTED, &[]).await?.try_get(0)?;
            let chunks = CompressedChunks::find(&session.client).await?;
            let table = session.client.prepare("SELECT * FROM state_vectors_scaled").await?;
            Ok::<_, Error>((is_converted, chunks, table))
        });
        let (is_converted, chunks, table) = prepared.await.map_err(unavailable)?;
        if !is_converted {
            return Err(QueryError::Unavailable(MigrateError::Unconverted.to_string()));
        }
        let layout = Layout::of(table.columns().iter().map(Column::name)).map_err(malformed)?;
        let (slices, filters) = (Slices::new(query.from, query.to), Filters::of(query));
        Ok(Self { database, session, layout, slices, filters, slice: None, chunks, reached: query.from.0 })
    }

    pub(super) fn reached(&self) -> UnixTime {
        UnixTime(self.reached)
    }

    pub(super) async fn read(&mut self, each: impl FnMut(&HistoryRow<'_>)) -> Result<bool, QueryError> {
        let limit = self.database.options.history_timeout;
        // The server cancels slow statements itself; the margin covers a server that does not respond at all.
        let margin = self.database.options.connect_timeout;
        tokio::time::timeout(limit + margin, self.read_rows(each))
            .await
            .unwrap_or_else(|_| Err(unavailable(PostgresError::Timeout(limit + margin))))
    }

    async fn read_rows(&mut self, mut each: impl FnMut(&HistoryRow<'_>)) -> Result<bool, QueryError> {
        let slice = &mut self.slice;
        let open = match slice {
            Some(open) => open,
            None => {
                let next = self.slices.rest().start;
                let span = match self.chunks.end_of_chunk(&self.session.client, next).await.map_err(unavailable)? {
                    Some(end) => self.slices.next_compressed(end),
                    None => self.slices.next(),
                };
                let Some(span) = span else { return Ok(false) };
                slice.insert(open(&self.session, &self.filters, span).await?)
            }
        };
        for _ in 0..ROWS {
            if let Some(row) = open.second.next_complete() {
                let row = decode(&row, &self.layout).map_err(malformed)?;
                each(&row.ok_or_else(|| malformed(DecodeError("the end of the rows before a row")))?);
            } else if open.has_ended {
                return self.end_slice().await;
            } else {
                open.receive(&self.layout).await?;
            }
        }
        Ok(true)
    }

    async fn end_slice(&mut self) -> Result<bool, QueryError> {
        let Some(OpenSlice { row_count, span, began, .. }) = self.slice.take() else { return Ok(true) };
        self.slices.adapt(&span, row_count, began.elapsed());
        self.reached = span.end;
        if row_count == 0 && self.slices.is_at_max_length() {
            let exists = async |span| exists(&self.session, &self.filters, span).await;
            let Some(time) = find_end_of_gap(self.slices.rest(), exists).await? else { return Ok(false) };
            self.slices.skip_to(time);
            self.reached = time;
        }
        Ok(true)
    }
}

async fn open(session: &Session, filters: &Filters, span: Range<i64>) -> Result<OpenSlice, QueryError> {
    let Filters { aircraft, others } = filters;
    let copy = format!(
        "COPY (SELECT * FROM state_vectors_scaled WHERE {}{aircraft}{others} ORDER BY last_contact) TO STDOUT (FORMAT binary)",
        within_span(&span)
    );
    let rows = session.client.copy_out(&copy).await.map_err(unavailable)?;
    Ok(OpenSlice {
        rows: Box::pin(rows),
        second: Second::default(),
        has_begun: false,
        has_ended: false,
        row_count: 0,
        span,
        began: Instant::now(),
    })
}

/// Returns whether the span has any rows. Applies only the filter that an index serves.
async fn exists(session: &Session, filters: &Filters, span: Range<i64>) -> Result<bool, QueryError> {
    let any =
        format!("SELECT EXISTS (SELECT FROM state_vectors_scaled WHERE {}{})", within_span(&span), filters.aircraft);
    let row = session.client.query_one(&any, &[]).await.map_err(unavailable)?;
    Ok(row.get(0))
}

fn within_span(span: &Range<i64>) -> String {
    format!("last_contact >= to_timestamp({}) AND last_contact < to_timestamp({})", span.start, span.end)
}

impl Filters {
    fn of(query: &HistoryQuery) -> Self {
        let mut aircraft = String::new();
        if !query.icao24.is_empty() {
            let addresses: Vec<_> = query.icao24.iter().map(|icao24| format!("'{icao24}'")).collect();
            aircraft = format!(" AND icao24 IN ({})", addresses.join(", "));
        }
        let mut others = String::new();
        if let Some(bounding_box) = &query.bounding_box {
            let [south, west, north, east] = bounding_box.edges();
            let [south, north] = scaled_bounds(&fields::lat, south, north);
            let [west, east] = scaled_bounds(&fields::lon, west, east);
            let either = if bounding_box.crosses_antimeridian() { "OR" } else { "AND" };
            others += &format!(" AND lat BETWEEN {south} AND {north} AND (lon >= {west} {either} lon <= {east})");
        }
        if let Some(callsign) = &query.callsign {
            others += &format!(" AND upper(callsign) = upper({})", quoted(callsign));
        }
        Self { aircraft, others }
    }
}

/// Returns the smallest and the largest stored integer whose numbers lie between two numbers.
fn scaled_bounds(field: &Field, min: f64, max: f64) -> [i32; 2] {
    let (first, last) = (field.to_scaled(min), field.to_scaled(max));
    let first = if field.from_scaled(first) < min { first.saturating_add(1) } else { first };
    let last = if field.from_scaled(last) > max { last.saturating_sub(1) } else { last };
    [first, last]
}

/// Quotes arbitrary text as an SQL literal, since `COPY` takes no parameters.
fn quoted(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn unavailable(failure: impl Into<PostgresError>) -> QueryError {
    QueryError::Unavailable(failure.into().to_string())
}

fn malformed(DecodeError(reason): DecodeError) -> QueryError {
    QueryError::Malformed(reason.to_owned())
}

impl fmt::Debug for PostgresHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresHistory").field("slices", &self.slices).finish_non_exhaustive()
    }
}
