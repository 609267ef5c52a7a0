//! Finds out which times are in a compressed chunk of TimescaleDB.

use std::ops::Range;

use tokio_postgres::{Client, Error};

const HAS_CHUNKS: &str = "SELECT to_regclass('timescaledb_information.chunks') IS NOT NULL";

/// The chunk with a time, or the first one after it.
const CHUNK: &str = "
SELECT extract(epoch FROM range_start)::bigint, extract(epoch FROM range_end)::bigint, is_compressed
FROM timescaledb_information.chunks
WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors_scaled'::regclass
    AND range_end > to_timestamp($1::bigint)
ORDER BY range_start LIMIT 1";

/// The compressed chunks, as far as known.
#[derive(Debug)]
pub(super) struct CompressedChunks {
    is_possible: bool,
    /// The latest time span that was looked up, and whether its rows are compressed.
    known: Option<(Range<i64>, bool)>,
}

impl CompressedChunks {
    /// Checks whether the database has chunks at all.
    pub(super) async fn find(client: &Client) -> Result<Self, Error> {
        Ok(Self { is_possible: client.query_one(HAS_CHUNKS, &[]).await?.try_get(0)?, known: None })
    }

    /// Returns the end of the compressed chunk with this time, in Unix seconds; `None` if the time is in no such chunk.
    /// Queries the database once for each chunk.
    pub(super) async fn end_of_chunk(&mut self, client: &Client, time: i64) -> Result<Option<i64>, Error> {
        if !self.is_possible {
            return Ok(None);
        }
        if let Some((span, is_compressed)) = &self.known
            && span.contains(&time)
        {
            return Ok(is_compressed.then_some(span.end));
        }
        let (span, is_compressed) = match client.query_opt(CHUNK, &[&time]).await? {
            Some(row) => {
                let (start, end): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
                if start <= time { (start..end, row.try_get(2)?) } else { (time..start, false) }
            }
            None => (time..i64::MAX, false),
        };
        let end = span.end;
        self.known = Some((span, is_compressed));
        Ok(is_compressed.then_some(end))
    }
}
