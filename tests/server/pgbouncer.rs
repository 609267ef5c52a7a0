//! A database behind PgBouncer.

use crate::support::{Database, Service, Setup, Sky, eventually};

/// Returns the database with the address of the pooler.
fn through(pooler: &Service, database: &Database) -> Database {
    let Database::Postgres(mut url) = database.clone() else { unreachable!() };
    url.set_port(url::Url::parse(&pooler.address).unwrap().port()).unwrap();
    Database::Postgres(url)
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn transaction_pooling_is_refused_with_the_reason_and_session_pooling_works() {
    let server = crate::support::variable("TEST_DATABASE_URL");
    let direct = Database::postgres();
    let mut pooler = Service::pgbouncer(&server, "transaction");
    let pooled = through(&pooler, &direct);
    let sky = Sky::of(100);
    let setup = Setup::embedded().on(&pooled).watching(&sky);

    let refused = setup.clone().arguments(["migrate"]).run();
    assert_eq!(refused.code, Some(1));
    assert!(refused.last_line().contains("pool_mode=session"), "{}", refused.last_line());

    let app = setup.start();
    let reason = app.wait_storing_refused();
    assert!(
        reason.contains("each transaction a different server connection") && reason.contains("pool_mode=session"),
        "{reason}"
    );
    app.log.wait("the reason", |line| line.contains("pool_mode=session").then_some(())).unwrap();
    app.sse().wait_states(100);
    let tables = "SELECT 'tables', count(*) FROM pg_class WHERE relname = 'state_vectors'";
    assert_eq!(direct.pairs("", tables), [("tables".to_owned(), 0)], "the schema was created through the pooler");

    pooler.stop();
    pooler.set("PGBOUNCER_POOL_MODE", "session");
    pooler.start_again();
    direct.wait_more_than(0);
    let aircraft = direct.rows().into_iter().next().unwrap().0;
    for _ in 0..20 {
        eventually("the API answers", || {
            let answer = app.get(&format!("/api/v1/flights/{aircraft}/track"));
            (answer.status == 200).then_some(())
        });
    }
    sky.fail_polls();
    direct.wait_rows(&sky.served());
    app.end();
}
