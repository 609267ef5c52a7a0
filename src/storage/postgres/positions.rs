use actors::batch::{Batch, LogId, Position};
use tokio_postgres::{Client, Error, GenericClient, Row, Statement};

/// The prepared statements on `ingest_position`.
pub(super) struct Positions {
    advance: Statement,
    find: Statement,
}

/// Advances the position of each part for which the table holds the expected one, and returns those parts. Rows are
/// locked in partition order, so that two writers of the same parts cannot deadlock. A writer that waited for another's
/// commit finds the other's position and leaves the part alone.
const ADVANCE: &str = "
WITH part AS (
    SELECT * FROM unnest($3::integer[], $4::bigint[], $5::bigint[], $6::bigint[])
        AS part (partition, expected, next_offset, last_timestamp)
), fresh AS (
    INSERT INTO ingest_position (log, topic, partition, next_offset, last_timestamp)
    SELECT $1::text, $2::text, partition, next_offset, last_timestamp FROM part WHERE expected IS NULL ORDER BY partition
    ON CONFLICT (log, topic, partition) DO NOTHING
    RETURNING partition, next_offset
), held AS (
    SELECT position.partition FROM ingest_position AS position JOIN part USING (partition)
    WHERE position.log = $1 AND position.topic = $2 AND part.expected IS NOT NULL
    ORDER BY position.partition FOR UPDATE OF position
), moved AS (
    UPDATE ingest_position AS position SET next_offset = part.next_offset, last_timestamp = part.last_timestamp
    FROM part JOIN held USING (partition)
    WHERE position.log = $1 AND position.topic = $2 AND position.partition = part.partition
        AND position.next_offset = part.expected
    RETURNING position.partition, position.next_offset
)
SELECT partition, next_offset FROM fresh UNION ALL SELECT partition, next_offset FROM moved";

const FIND: &str = "SELECT partition, next_offset, last_timestamp FROM ingest_position
    WHERE log = $1 AND topic = $2 AND partition = ANY($3) ORDER BY partition";

impl Positions {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self { advance: client.prepare(ADVANCE).await?, find: client.prepare(FIND).await? })
    }

    /// Advances the positions that match the expected ones. Returns, for each part of the batch, whether it advanced.
    pub(super) async fn advance(&self, client: &impl GenericClient, batch: &Batch) -> Result<Vec<bool>, Error> {
        let column =
            |value: fn(&actors::batch::PartitionBatch) -> i64| batch.parts.iter().map(value).collect::<Vec<_>>();
        let partitions: Vec<i32> = batch.parts.iter().map(|part| part.partition).collect();
        let expected: Vec<Option<i64>> = batch.parts.iter().map(|part| part.expected).collect();
        let next_offsets = column(|part| part.next_offset);
        let last_timestamps = column(|part| part.last_timestamp);
        let (log, topic) = (&*batch.log.cluster, &*batch.log.topic);
        let rows = client
            .query(&self.advance, &[&log, &topic, &partitions, &expected, &next_offsets, &last_timestamps])
            .await?;
        let advanced =
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<Vec<_>, Error>>()?;
        Ok(batch.parts.iter().map(|part| advanced.contains(&(part.partition, part.next_offset))).collect())
    }

    /// Returns the stored positions of these partitions.
    pub(super) async fn find(
        &self,
        client: &impl GenericClient,
        log: &LogId,
        partitions: &[i32],
    ) -> Result<Vec<Position>, Error> {
        let rows = client.query(&self.find, &[&&*log.cluster, &&*log.topic, &partitions]).await?;
        rows.iter().map(position).collect()
    }
}

fn position(row: &Row) -> Result<Position, Error> {
    Ok(Position { partition: row.try_get(0)?, next_offset: row.try_get(1)?, last_timestamp: row.try_get(2)? })
}
