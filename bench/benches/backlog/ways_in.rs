//! Other ways to get the same rows into the same table: the maximum rate of PostgreSQL itself, and the rate of a naive
//! client.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::database::Postgres;

const COLUMNS: &str = "icao24, last_contact, time_position, observed_at, lat, lon, baro_altitude, geo_altitude, velocity, \
     true_track, vertical_rate, position_source, category, on_ground, spi, callsign, squawk, origin_country";

/// Rows per COPY: the size of the server's batches when it stores a backlog.
const COPIED: i64 = 20_000;
/// Bytes per message. COPY is slower with one row per message.
const CHUNK: usize = 64 * 1024;
/// Rows per INSERT.
const INSERTED: usize = 100;

/// Returns the rows of the table in the order of their arrival, split into pieces that are each sorted by key and
/// encoded.
pub(crate) fn encoded(database: &Postgres) -> anyhow::Result<Vec<Vec<Bytes>>> {
    // Stored in a separate table, since the measurements empty the original one.
    database.execute(&format!(
        "CREATE UNLOGGED TABLE IF NOT EXISTS pieces AS
             SELECT (row_number() OVER (ORDER BY observed_at, ctid) - 1) / {COPIED} AS piece, {COLUMNS} FROM state_vectors_scaled"
    ))?;
    let pieces = database.number("SELECT max(piece) + 1 FROM pieces")?;
    let piece = |piece: i64| {
        let copy = format!(
            "COPY (SELECT {COLUMNS} FROM pieces WHERE piece = {piece} ORDER BY icao24, last_contact) TO STDOUT (FORMAT binary)"
        );
        let rows: Vec<Bytes> =
            database.runtime.block_on(async { database.client.copy_out(&copy).await?.try_collect().await })?;
        Ok(rows.concat().chunks(CHUNK).map(Bytes::copy_from_slice).collect())
    };
    (0..pieces).map(piece).collect()
}

/// Copies each piece in its own transaction, and does nothing else.
pub(crate) fn copy(database: &mut Postgres, pieces: &[Vec<Bytes>]) -> anyhow::Result<Duration> {
    let Postgres { client, runtime, .. } = database;
    runtime.block_on(async {
        let copy = client.prepare(&format!("COPY state_vectors_scaled ({COLUMNS}) FROM STDIN (FORMAT binary)")).await?;
        let began = Instant::now();
        for piece in pieces {
            let transaction = client.transaction().await?;
            let mut sink = pin!(transaction.copy_in::<_, Bytes>(&copy).await?);
            sink.send_all(&mut futures_util::stream::iter(piece.iter().cloned()).map(Ok)).await?;
            sink.finish().await?;
            transaction.commit().await?;
        }
        Ok(began.elapsed())
    })
}

/// Inserts the first rows with statements of 100 rows, each in its own transaction. Also returns the number of rows.
pub(crate) fn insert(database: &mut Postgres, rows: usize) -> anyhow::Result<(usize, Duration)> {
    let Postgres { client, runtime, .. } = database;
    runtime.block_on(async {
        let select = format!("SELECT {COLUMNS} FROM pieces ORDER BY piece LIMIT {}", rows / INSERTED * INSERTED);
        let rows = client.query(&select, &[]).await?;
        let types: Vec<_> = rows[0].columns().iter().map(|column| column.type_().clone()).collect();
        let row = |row: usize| {
            let places: Vec<_> = (1..=types.len()).map(|i| format!("${}", row * types.len() + i)).collect();
            format!("({})", places.join(","))
        };
        let places = (0..INSERTED).map(row).collect::<Vec<_>>().join(",");
        let insert = format!("INSERT INTO state_vectors_scaled ({COLUMNS}) VALUES {places} ON CONFLICT DO NOTHING");
        let insert = client.prepare(&insert).await?;
        let values: Vec<_> = rows.iter().map(values).collect::<Result<Vec<_>, _>>()?;
        ensure!(values.len() >= INSERTED, "too few rows");
        let began = Instant::now();
        for hundred in values.chunks_exact(INSERTED) {
            let values: Vec<_> = hundred.iter().flatten().map(|value| &**value as &(dyn ToSql + Sync)).collect();
            client.execute(&insert, &values).await?;
        }
        Ok((values.len(), began.elapsed()))
    })
}

/// Returns the values of a row as query parameters.
fn values(row: &Row) -> Result<Vec<Box<dyn ToSql + Sync>>, tokio_postgres::Error> {
    use tokio_postgres::types::Type;
    let value = |index: usize| -> Result<Box<dyn ToSql + Sync>, tokio_postgres::Error> {
        Ok(match *row.columns()[index].type_() {
            Type::TEXT => Box::new(row.try_get::<_, Option<String>>(index)?),
            Type::INT4 => Box::new(row.try_get::<_, Option<i32>>(index)?),
            Type::INT2 => Box::new(row.try_get::<_, Option<i16>>(index)?),
            Type::BOOL => Box::new(row.try_get::<_, Option<bool>>(index)?),
            _ => Box::new(row.try_get::<_, Option<std::time::SystemTime>>(index)?),
        })
    };
    (0..row.len()).map(value).collect()
}
