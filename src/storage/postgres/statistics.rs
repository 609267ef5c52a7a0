//! The hourly statistics as TimescaleDB's continuous aggregates, in place of the tables that the server keeps elsewhere.

use std::time::Duration;

use tokio_postgres::Client;

use super::connection::{Failure, PostgresDatabase};
use super::hypertable::extension_schema;
use crate::storage::migration_outcome::{SetPolicies, Statistics};
use crate::storage::options::StorageOptions;

/// Rows come up to six minutes late; later ones have their hour counted anew at the next refresh.
const SETTLED: Duration = Duration::from_secs(15 * 60);
/// The least that a refresh may reach back: two whole hours before what is settled.
const SHORTEST_REACH: Duration = Duration::from_secs(3 * 60 * 60);

/// A statistic: its name, its columns between the hour and the counts, what they are in a state vector, and of which.
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

/// Statements that give a view the comments of the table of this name.
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

/// The table behind a continuous aggregate.
const MATERIALIZED: &str = "
SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
FROM timescaledb_information.continuous_aggregates
WHERE format('%I.%I', view_schema, view_name)::regclass = $1::text::regclass";

/// The spans of the two policies in seconds: how far back a refresh reaches, and how long the hours are kept. Jobs that
/// belong to no table have no name, of which `format` would make an error.
const POLICIES: &str = "
SELECT coalesce(max(extract(epoch FROM (config ->> 'start_offset')::interval)::bigint), -1),
    coalesce(max(extract(epoch FROM (config ->> 'drop_after')::interval)::bigint), -1)
FROM timescaledb_information.jobs
WHERE (quote_ident(hypertable_schema) || '.' || quote_ident(hypertable_name))::regclass = $1::text::regclass";

impl PostgresDatabase {
    /// Makes the statistics continuous aggregates, with the hours that the tables held before, and where it is to has their
    /// policies be those of the options. Called under the lock of the migrations, and where there is a hypertable.
    ///
    /// # Errors
    /// The connection's; a refusal for lack of rights or by TimescaleDB's Apache edition is none.
    pub(in crate::storage) async fn make_aggregates(&self, set: SetPolicies) -> Result<Statistics, Failure> {
        let session = self.connect(Duration::ZERO).await?;
        match make(&session.client, &self.options, set).await {
            Err(failure) if failure.is_for_lack_of_rights() => {
                log::warn!(
                    "TimescaleDB refuses continuous aggregates: {failure}; this server keeps the statistics itself"
                );
                Ok(Statistics::Refused(failure.to_string()))
            }
            result => result,
        }
    }
}

async fn make(client: &Client, options: &StorageOptions, set: SetPolicies) -> Result<Statistics, Failure> {
    let schema = extension_schema(client).await?;
    let mut changed = false;
    for statistic in &STATISTICS {
        if client.query_one(IS_TABLE, &[&statistic.name]).await?.try_get(0)? {
            statistic.make_aggregate(client, &schema).await?;
            changed = true;
        }
        changed |= set == SetPolicies::Yes && statistic.apply_policies(client, &schema, options).await?;
    }
    Ok(if changed { Statistics::Changed } else { Statistics::Present })
}

impl Statistic {
    /// In one transaction: the aggregate has its name, its comments and its hours, or the table is as it was. What is
    /// counted anew are the hours after the oldest row: of that one's own hour, rows may be gone that were counted once.
    async fn make_aggregate(&self, client: &Client, schema: &str) -> Result<(), Failure> {
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
                 FROM state_vectors {condition} GROUP BY {groups} WITH NO DATA;
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
                         WHERE hour <= coalesce((SELECT min(last_contact) FROM state_vectors), 'infinity')
                         RETURNING hour
                     )
                     SELECT extract(epoch FROM max(hour))::bigint FROM copied"
                ),
                &[],
            )
            .await?
            .try_get::<_, Option<i64>>(0)?;
        client.batch_execute(&format!("DROP TABLE {name}_before; COMMIT")).await?;
        log::info!("{name} is a continuous aggregate from now on");
        if let Some(newest) = copied {
            // Until a refresh the view would show none of the copied hours.
            client
                .batch_execute(&format!(
                    "CALL {schema}.refresh_continuous_aggregate('{name}', to_timestamp({newest}) + INTERVAL '1 hour',
                         greatest(date_trunc('hour', now(), 'UTC'), to_timestamp({newest}) + INTERVAL '3 hours'))"
                ))
                .await?;
        }
        Ok(())
    }

    /// A refresh must not reach back to where rows were dropped: it would drop their hours too.
    async fn apply_policies(&self, client: &Client, schema: &str, options: &StorageOptions) -> Result<bool, Failure> {
        let reach = options.retention.saturating_sub(options.chunk_interval + Duration::from_secs(60 * 60));
        let [reach, kept] = [reach.max(SHORTEST_REACH), options.summary_retention]
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
        log::info!("{name}: refreshed every {settled} s, as far back as {reach} s, and kept for {kept} s");
        Ok(true)
    }
}
