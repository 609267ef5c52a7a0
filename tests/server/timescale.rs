//! TimescaleDB: basic tests only, because the instance used here has a single backend process.

use crate::support::{Database, Setup, Sky, eventually, unique_name, variable};

/// Returns the shared TimescaleDB with a new schema for this test.
pub(crate) fn timescale() -> Database {
    let (server, schema) = (variable("TEST_TIMESCALE_URL"), unique_name());
    // The extension is shared by all tests; if the server created it, it would end up in this test's schema.
    let shared = Database::at(&server);
    shared.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public");
    shared.execute(&format!("CREATE SCHEMA {schema}"));
    let mut url = url::Url::parse(&server).unwrap();
    url.set_query(Some(&format!("options=-csearch_path%3D{schema},public")));
    Database::Postgres(url)
}

#[test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
fn the_server_creates_a_hypertable_and_stores_into_it() {
    let database = timescale();
    let sky = Sky::of(100);
    let setup = Setup::embedded().on(&database).watching(&sky);
    let app = setup.start();
    sky.wait_polls(2);
    sky.fail_polls();
    database.wait_rows(&sky.served());
    app.log.wait("the hypertable", |line| line.contains("hypertable: created").then_some(()));
    let hypertables = "SELECT hypertable_name::text, num_dimensions::bigint FROM timescaledb_information.hypertables
        WHERE hypertable_schema = current_schema()";
    assert_eq!(database.pairs("", hypertables), [("state_vectors_scaled".to_owned(), 1)]);
    app.end();
}

/// Records a run of the job that compresses `state_vectors`.
///
/// TimescaleDB's scheduler, which does this otherwise, is not available in the tests.
fn record_run(database: &Database, succeeded: bool) {
    let job = "SELECT job_id FROM timescaledb_information.jobs
        WHERE proc_name LIKE 'policy_co%' AND hypertable_schema = current_schema() AND hypertable_name = 'state_vectors_scaled'";
    let (failed, error) = if succeeded {
        (0, "NULL".to_owned())
    } else {
        (
            1,
            r#"'{"error_data": {"message": "could not find function \"ts_compress\"", "sqlerrcode": "42883"}}'"#
                .to_owned(),
        )
    };
    database.execute(&format!(
        "INSERT INTO _timescaledb_internal.bgw_job_stat AS stat (job_id, last_start, last_finish, next_start,
             last_successful_finish, last_run_success, total_runs, total_duration, total_duration_failures,
             total_successes, total_failures, total_crashes, consecutive_failures, consecutive_crashes)
         SELECT job_id, now(), now(), now(), CASE {failed} WHEN 0 THEN now() ELSE '-infinity' END, {succeeded}, 1, '1s', '0',
             1 - {failed}, {failed}, 0, {failed}, 0 FROM ({job}) AS job
         ON CONFLICT (job_id) DO UPDATE SET last_run_success = {succeeded}, last_finish = now(),
             last_successful_finish = CASE {failed} WHEN 0 THEN now() ELSE stat.last_successful_finish END,
             total_runs = stat.total_runs + 1, total_failures = stat.total_failures + {failed};
         INSERT INTO _timescaledb_internal.bgw_job_stat_history (job_id, pid, execution_start, execution_finish, succeeded, data)
         SELECT job_id, 1, now(), now(), {succeeded}, {error} FROM ({job}) AS job"
    ));
}

#[test]
#[ignore = "needs TimescaleDB: run it by `make test`"]
fn a_failing_timescaledb_job_is_reported_and_logged_once_until_it_succeeds() {
    let (database, sky) = (timescale(), Sky::of(20));
    let app = Setup::embedded().on(&database).watching(&sky).failpoints("jobs-pause=return(500)").start();
    app.wait_actor("db-writer", "reports the jobs", |actor| {
        // Compression and retention of the rows, and refresh and retention of each of the two aggregates.
        actor["observation"]["jobs"].as_array().is_some_and(|jobs| jobs.len() == 6)
    });
    let part = app.part("timescaledb-jobs").unwrap();
    assert_eq!((&part["ready"], &part["needed"]), (&true.into(), &false.into()), "{part}");
    let labels = r#"{policy="compression",table="state_vectors"}"#;
    let failures = || app.sample(&format!("timescaledb_job_failures_total{labels}"));
    assert_eq!(failures(), Some(0.0));

    record_run(&database, false);
    record_run(&database, false);
    eventually("the failures are counted", || (failures() == Some(2.0)).then_some(()));
    let in_a_row = || app.sample(&format!("timescaledb_job_consecutive_failures{labels}"));
    assert_eq!(in_a_row(), Some(2.0));
    let last_success = || app.sample(&format!("timescaledb_job_last_success_timestamp_seconds{labels}"));
    assert_eq!(last_success(), Some(0.0));
    let part = app.part("timescaledb-jobs").unwrap();
    assert_eq!((&part["ready"], &part["needed"]), (&false.into(), &false.into()), "{part}");
    let reason = part["reason"].as_str().unwrap();
    assert!(
        reason.contains("compression of state_vectors failed 2 times in a row: could not find function"),
        "{reason}"
    );
    assert_eq!(app.get("/health/ready").status, 200, "storing and the live stream continue");
    app.wait_actor("db-writer", "shows the error", |actor| {
        let jobs = actor["observation"]["jobs"].as_array().unwrap();
        let job = jobs.iter().find(|job| job["policy"] == "compression").unwrap();
        job["consecutive_failures"] == 2
            && job["last_error"].as_str().is_some_and(|error| error.contains("ts_compress"))
    });

    record_run(&database, false);
    eventually("the third failure is counted", || (failures() == Some(3.0)).then_some(()));
    assert_eq!(app.lines_with("TimescaleDB job failed"), 1);
    record_run(&database, true);
    app.log.wait("the job's success", |line| line.contains("TimescaleDB job has recovered").then_some(()));
    eventually("the success is counted", || (in_a_row() == Some(0.0)).then_some(()));
    assert!(last_success() > Some(1_700_000_000.0));
    eventually("the part is ready", || (app.part("timescaledb-jobs")?["ready"] == true).then_some(()));
    app.end();
}
