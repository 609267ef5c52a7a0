//! A TimescaleDB: the one of the tests has a single backend, so this shows that it works at all.

use crate::support::{Database, Setup, Sky, unique_name, variable};

#[test]
fn the_server_makes_a_hypertable_and_stores_into_it() {
    let (server, schema) = (variable("TEST_TIMESCALE_URL"), unique_name());
    // It is there once for all tests: made by the server, it would be in the schema of this one.
    let shared = Database::at(&server);
    shared.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public");
    shared.execute(&format!("CREATE SCHEMA {schema}"));
    let mut url = url::Url::parse(&server).unwrap();
    url.set_query(Some(&format!("options=-csearch_path%3D{schema},public")));
    let database = Database::Postgres(url);
    let sky = Sky::of(100);
    let setup = Setup::embedded().on(&database).watching(&sky);
    let app = setup.start();
    sky.wait_polls(2);
    sky.fall_silent();
    database.wait_rows(&sky.served());
    app.log.wait("the hypertable", |line| line.contains("hypertable: Made").then_some(()));
    let hypertables = "SELECT hypertable_name::text, num_dimensions::bigint FROM timescaledb_information.hypertables
        WHERE hypertable_schema = current_schema()";
    assert_eq!(database.pairs("", hypertables), [("state_vectors".to_owned(), 1)]);
    app.end();
}
