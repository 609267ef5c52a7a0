//! Turns the hourly statistics into TimescaleDB's continuous aggregates. Without TimescaleDB, this program maintains
//! them in plain tables.

use std::time::Duration;

use tokio_postgres::Client;

use super::connection::{PostgresDatabase, PostgresError};
use super::timescale_api::extension_schema;
use crate::storage::migration_outcome::{SetPolicies, Statistics};
use crate::storage::options::StorageOptions;

/// The age at which an hour is settled. Rows arrive up to six minutes late; for later ones, the next refresh recounts
/// their hour.
const SETTLED: Duration = Duration::from_secs(15 * 60);
/// The minimum span that a refresh reaches back: two full hours before the settled time.
const MIN_REACH: Duration = Duration::from_secs(3 * 60 * 60);

/// A statistic: its name, its key columns, their expressions over `state_vectors_scaled`, and the rows to count.
struct Statistic {
    name: &'static str,
    keys: &'static str,
    expressions: &'static str,
    condition: &'static str,
    groups: &'static str,
}

const STATISTICS: [Statistic; 2] = [
    Statistic {
        name: "traffic_by_country",
        keys: "origin_country",
        expressions: "origin_country",
        condition: "",
        groups: "1, 2",
    },
    Statistic {
        name: "traffic_by_cell",
        keys: "lat, lon",
        expressions: concat!(super::cell_lat!(), " AS lat, ", super::cell_lon!(), " AS lon"),
        condition: "WHERE lat IS NOT NULL AND lon IS NOT NULL",
        groups: "1, 2, 3",
    },
];

/// Generates the statements that copy a table's comments to the view that replaces it under the same name.
const COMMENTS: &str = "
SELECT CASE attnum
    WHEN 0 THEN format('COMMENT ON VIEW %s IS %L', $1::text, obj_description($1::text::regclass, 'pg_class'))
    ELSE format('COMMENT ON COLUMN %s.%I IS %L', $1::text, attname, col_description($1::text::regclass, attnum))
END
FROM (
    SELECT attnum, attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 0, ''
) AS described (attnum, attname)";

const IS_TABLE: &str = "SELECT relkind = 'r' FROM pg_class WHERE oid = $1::text::regclass";

/// Queries the hypertable behind a continuous aggregate.
const MATERIALIZED: &str = "
SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
FROM timescaledb_information.continuous_aggregates
WHERE format('%I.%I', view_schema, view_name)::regclass = $1::text::regclass";

/// Queries the spans of both policies in seconds: how far back a refresh reaches, and how long hours are kept. Uses
/// `quote_ident` because `format` fails for jobs that do not belong to a table and have no name.
const POLICIES: &str = "
SELECT coalesce(max(extract(epoch FROM (config ->> 'start_offset')::interval)::bigint), -1),
    coalesce(max(extract(epoch FROM (config ->> 'drop_after')::interval)::bigint), -1)
FROM timescaledb_information.jobs
WHERE (quote_ident(hypertable_schema) || '.' || quote_ident(hypertable_name))::regclass = $1::text::regclass";

impl PostgresDatabase {
    /// Turns the statistics into continuous aggregates that keep the hours counted so far, and sets their policies as
    /// configured if `set` says so. The caller holds the migration lock, and `state_vectors_scaled` is a hypertable.
    ///
    /// # Errors
    /// The connection failed. A missing privilege or a limit of TimescaleDB's Apache edition is not an error but
    /// returned as [`Statistics::Refused`].
    pub(in crate::storage) async fn ensure_aggregates(&self, set: SetPolicies) -> Result<Statistics, PostgresError> {
        let session = self.connect(Duration::ZERO).await?;
        match ensure(&session.client, &self.options, set).await {
            Err(failure) if failure.is_missing_privilege() => {
                log::warn!(
                    "TimescaleDB refused continuous aggregates: {failure}; this server maintains the statistics itself"
                );
                Ok(Statistics::Refused(failure.to_string()))
            }
            result => result,
        }
    }
}

async fn ensure(client: &Client, options: &StorageOptions, set: SetPolicies) -> Result<Statistics, PostgresError> {
    let schema = extension_schema(client).await?;
    let mut changed = false;
    for statistic in &STATISTICS {
        if client.query_one(IS_TABLE, &[&statistic.name]).await?.try_get(0)? {
            statistic.create_aggregate(client, &schema).await?;
            changed = true;
        }
        changed |= set == SetPolicies::Yes && statistic.apply_policies(client, &schema, options).await?;
    }
    Ok(if changed { Statistics::Changed } else { Statistics::Present })
}

impl Statistic {
    /// Replaces the table with an aggregate that has the same name, comments and hours, in one transaction. Hours after
    /// the oldest row are recounted. The hour of the oldest row and earlier ones are copied, since some of their rows
    /// may have been deleted after they were counted.
    async fn create_aggregate(&self, client: &Client, schema: &str) -> Result<(), PostgresError> {
        let Self { name, keys, expressions, condition, groups } = self;
        let comments = client.query(COMMENTS, &[name]).await?;
        let comments: Vec<String> = comments.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        client
            .batch_execute(&format!(
                "BEGIN;
                 ALTER TABLE {name} RENAME TO {name}_before;
                 CREATE MATERIALIZED VIEW {name}
                 WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
                 SELECT {schema}.time_bucket(INTERVAL '1 hour', last_contact) AS hour, {expressions},
                     count(*) AS states, count(DISTINCT icao24) AS aircraft
                 FROM state_vectors_scaled {condition} GROUP BY {groups} WITH NO DATA;
                 {comments}",
                comments = comments.join(";\n"),
            ))
            .await?;
        let materialized: String = client.query_one(MATERIALIZED, &[name]).await?.try_get(0)?;
        let copied = client
            .query_one(
                &format!(
                    "WITH copied AS (
                         INSERT INTO {materialized} (hour, {keys}, states, aircraft)
                         SELECT hour, {keys}, states, aircraft FROM {name}_before
                         WHERE hour <= coalesce((SELECT min(last_contact) FROM state_vectors_scaled), 'infinity')
                         RETURNING hour
                     )
                     SELECT extract(epoch FROM max(hour))::bigint FROM copied"
                ),
                &[],
            )
            .await?
            .try_get::<_, Option<i64>>(0)?;
        client.batch_execute(&format!("DROP TABLE {name}_before; COMMIT")).await?;
        log::info!("converted {name} to a continuous aggregate");
        if let Some(newest) = copied {
            // The view shows none of the copied hours until the first refresh.
            client
                .batch_execute(&format!(
                    "CALL {schema}.refresh_continuous_aggregate('{name}', to_timestamp({newest}) + INTERVAL '1 hour',
                         greatest(date_trunc('hour', now(), 'UTC'), to_timestamp({newest}) + INTERVAL '3 hours'))"
                ))
                .await?;
        }
        Ok(())
    }

    /// Sets the policies as configured and returns whether they changed. A refresh must not reach back to where rows
    /// were dropped, because it would drop their hours too.
    async fn apply_policies(
        &self,
        client: &Client,
        schema: &str,
        options: &StorageOptions,
    ) -> Result<bool, PostgresError> {
        let reach = options.retention.saturating_sub(options.chunk_interval + Duration::from_secs(60 * 60));
        let [reach, kept] = [reach.max(MIN_REACH), options.summary_retention]
            .map(|span| i64::try_from(span.as_secs()).unwrap_or(i64::MAX));
        let present = client.query_one(POLICIES, &[&self.name]).await?;
        if (present.try_get::<_, i64>(0)?, present.try_get::<_, i64>(1)?) == (reach, kept) {
            return Ok(false);
        }
        let (name, settled) = (self.name, SETTLED.as_secs());
        client
            .batch_execute(&format!(
                "BEGIN;
                 SELECT {schema}.remove_continuous_aggregate_policy('{name}', if_exists => true);
                 SELECT {schema}.add_continuous_aggregate_policy('{name}', start_offset => INTERVAL '{reach} seconds',
                     end_offset => INTERVAL '{settled} seconds', schedule_interval => INTERVAL '{settled} seconds');
                 SELECT {schema}.remove_retention_policy('{name}', if_exists => true);
                 SELECT {schema}.add_retention_policy('{name}', drop_after => INTERVAL '{kept} seconds');
                 COMMIT"
            ))
            .await?;
        log::info!("{name}: refreshed every {settled} s for the last {reach} s, kept for {kept} s");
        Ok(true)
    }
}
