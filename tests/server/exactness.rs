//! The values of recorded answers, compared in every place that they can be read from.

use crate::archive;
use crate::import::{assert_rows_of, recorded_answers};
use crate::support::{Database, Setup, eventually};
use crate::timescale::timescale;

#[test]
#[ignore = "needs Kafka, PostgreSQL and TimescaleDB: run it by `make test`"]
fn recorded_values_are_published_stored_and_archived_to_the_last_decimal() {
    for answer in recorded_answers() {
        for database in [Database::postgres(), timescale()] {
            let setup = Setup::real()
                .on(&database)
                .set("SERVER_ROLES", "store,archive")
                .set("ARCHIVE_URL", "archive")
                .set("ARCHIVE_MAX_DELAY", "1s")
                .set("DATABASE_RETENTION", "36500d");
            let topic = setup.topic();
            let app = setup.start();
            app.wait_ready();
            let replay = setup.clone().arguments(["replay", "--original-times", answer.to_str().unwrap()]).run();
            assert_eq!(replay.code, Some(0), "{:?}", replay.log);

            let published: Vec<_> = topic.records().iter().map(|record| record.json().to_string()).collect();
            assert_rows_of(&answer, published.join("\n").as_bytes());

            database.wait_rows(&topic.states());
            let stored = app.get("/api/v1/history?from=0&to=4000000000").text();
            assert_eq!(stored.lines().count(), published.len());
            assert_rows_of(&answer, stored.as_bytes());

            eventually("every record is in the archive", || {
                (archive::rows(&setup).len() >= published.len()).then_some(())
            });
            let archived = archive::rows(&setup);
            assert_eq!(archived.len(), published.len());
            assert_rows_of(&answer, archived.join("\n").as_bytes());
            app.end();
        }
    }
}
