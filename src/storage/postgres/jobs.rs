//! Reads the state of TimescaleDB's jobs on our tables. Its background workers run them and do not report failures.

use actors::ports::StoreJob;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::connection::PostgresDatabase;
use crate::storage::error::QueryError;

/// Checks which views the server has: none without TimescaleDB, and no `job_errors` before 2.9.
const VIEWS: &str = "
SELECT to_regclass('timescaledb_information.jobs') IS NOT NULL
        AND to_regclass('timescaledb_information.job_stats') IS NOT NULL AS jobs,
    to_regclass('timescaledb_information.job_errors') IS NOT NULL AS errors";

/// Builds the query for the jobs, given the subquery for their errors.
///
/// For a job that has not succeeded yet, `last_successful_finish` is NULL or -infinity. Depending on the release, a job
/// of a continuous aggregate names the view or the table behind it. A crashed run has an error, but is not counted as a
/// failure.
macro_rules! jobs {
    ($errors:literal) => {
        concat!(
            "
WITH job AS (
    SELECT job_id, proc_name, schedule_interval,
        quote_ident(coalesce(view_schema, hypertable_schema)) || '.'
            || quote_ident(coalesce(view_name, hypertable_name)) AS relation,
        coalesce(view_name, hypertable_name) AS name
    FROM timescaledb_information.jobs AS job
    LEFT JOIN (
        SELECT view_schema, view_name, materialization_hypertable_schema AS schema,
            materialization_hypertable_name AS hypertable
        FROM timescaledb_information.continuous_aggregates
    ) AS aggregate ON aggregate.schema = job.hypertable_schema AND aggregate.hypertable = job.hypertable_name
    WHERE job.scheduled AND job.hypertable_name IS NOT NULL
), stats AS (
    SELECT job_id, last_run_status, total_failures,
        CASE WHEN isfinite(last_successful_finish) THEN last_successful_finish END AS last_success
    FROM timescaledb_information.job_stats
)
SELECT job.proc_name::text AS procedure, job.name::text AS table_name,
    extract(epoch FROM job.schedule_interval)::bigint AS interval,
    extract(epoch FROM stats.last_success)::bigint AS last_success,
    coalesce(stats.total_failures, 0)::bigint AS failures,
    greatest(error.count, CASE WHEN stats.last_run_status = 'Failed' THEN 1 ELSE 0 END)::bigint AS consecutive_failures,
    left(error.message, 1000) AS last_error
FROM job LEFT JOIN stats USING (job_id) CROSS JOIN LATERAL (",
            $errors,
            ") AS error
WHERE to_regclass(job.relation) IN (
    to_regclass('state_vectors_scaled'), to_regclass('traffic_by_country'), to_regclass('traffic_by_cell')
)
ORDER BY job.job_id LIMIT 100"
        )
    };
}

const JOBS: &str = jobs!(
    "SELECT count(*) AS count, (array_agg(err_message ORDER BY start_time DESC))[1] AS message
    FROM timescaledb_information.job_errors AS error
    WHERE error.job_id = job.job_id AND err_message IS NOT NULL
        AND (stats.last_success IS NULL OR start_time > stats.last_success)"
);
const JOBS_WITHOUT_ERRORS: &str = jobs!("SELECT 0::bigint AS count, NULL::text AS message");

#[derive(QueryableByName)]
struct Views {
    #[diesel(sql_type = Bool)]
    jobs: bool,
    #[diesel(sql_type = Bool)]
    errors: bool,
}

#[derive(QueryableByName)]
struct Job {
    #[diesel(sql_type = Text)]
    procedure: String,
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = BigInt)]
    interval: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_success: Option<i64>,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = BigInt)]
    consecutive_failures: i64,
    #[diesel(sql_type = Nullable<Text>)]
    last_error: Option<String>,
}

impl PostgresDatabase {
    /// Returns the jobs that run on our tables; empty without TimescaleDB.
    ///
    /// # Errors
    /// The database does not respond in time, or the role lacks the right to read TimescaleDB's views.
    pub(in crate::storage) async fn jobs(&self) -> Result<Vec<StoreJob>, QueryError> {
        self.query(async |connection| {
            let views: Views = diesel::sql_query(VIEWS).get_result(connection).await?;
            if !views.jobs {
                return Ok(Vec::new());
            }
            let jobs = if views.errors { JOBS } else { JOBS_WITHOUT_ERRORS };
            let jobs: Vec<Job> = diesel::sql_query(jobs).load(connection).await?;
            Ok(jobs.into_iter().map(StoreJob::from).collect())
        })
        .await
    }
}

impl From<Job> for StoreJob {
    fn from(job: Job) -> Self {
        let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
        let policy = match &*job.procedure {
            "policy_compression" | "policy_columnstore" => "compression",
            "policy_refresh_continuous_aggregate" => "refresh",
            other => other.strip_prefix("policy_").unwrap_or(other),
        };
        Self {
            policy: policy.to_owned(),
            // The name that the operator knows: that of the view.
            table: if job.table_name == "state_vectors_scaled" { "state_vectors".to_owned() } else { job.table_name },
            interval: unsigned(job.interval),
            last_success: job.last_success,
            failures: unsigned(job.failures),
            consecutive_failures: unsigned(job.consecutive_failures),
            last_error: job.last_error,
        }
    }
}
