//! During an outage of Kafka or the database, the other parts continue, and no state is lost.

use crate::support::{Database, Proxy, Service, Setup, Sky, eventually};

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_hung_database_stops_only_storing() {
    let sky = Sky::of(300);
    let Database::Postgres(direct) = Database::postgres() else { unreachable!() };
    let proxy = Proxy::in_front_of(&format!("{}:{}", direct.host_str().unwrap(), direct.port().unwrap()));
    let mut url = direct.clone();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port)).unwrap();
    let setup = Setup::real().set("DATABASE_URL", url.as_str()).watching(&sky);
    let database = Database::Postgres(direct);
    let app = setup.start();
    let client = app.sse();
    database.wait_more_than(0);
    proxy.silent(true);
    let before = client.seen().states().len();
    client.wait_states(before + 3_000);
    let part = app.wait_actor("db-writer", "reports the failure", |actor| actor["phase"] == "backing_off");
    assert!(part["last_error"]["message"].as_str().unwrap().contains("database unavailable"), "{part}");
    let ready = app.get("/health/ready");
    assert_eq!(ready.status, 200, "the live stream is unaffected");
    let parts = ready.json()["parts"].clone();
    let writer = parts.as_array().unwrap().iter().find(|part| part["part"] == "db-writer").unwrap();
    assert_eq!((&writer["ready"], &writer["needed"]), (&false.into(), &false.into()), "{writer}");
    let before = client.seen().states().len();
    client.wait_states(before + 900);
    let lag = r#"consumer_lag_records{kind="store",partition="0"}"#;
    eventually("the lag is reported", || (app.sample(lag)? > 100.0).then_some(()));

    proxy.silent(false);
    sky.fail_polls();
    let served = sky.served();
    database.wait_rows(&served);
    client.wait_states(served.len() - 300);
    app.wait_actor("db-writer", "works again", |actor| actor["phase"] == "running");
    // Each failed poll is a record of its own, so the lag may be 1 for a moment.
    eventually("all routes have caught up", || (app.metric("consumer_lag_records") == 0.0).then_some(()));
    for path in ["store", "live"] {
        let actor = format!("kafka-consumer-{path}");
        app.wait_actor(&actor, "has caught up", |actor| actor["observation"]["lag"] == 0);
    }
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_server_waits_for_its_database_and_survives_its_crash() {
    let service = Service::postgres();
    let database = Database::postgres_on(&service.address);
    service.stop();
    let sky = Sky::of(100);
    let setup = Setup::real().on(&database).watching(&sky);
    let app = setup.start();
    app.wait_ready();
    let client = app.sse();
    client.wait_states(300);
    app.wait_actor("db-writer", "reports the failure", |actor| actor["phase"] == "backing_off");
    service.start_again();
    database.wait_more_than(0);

    service.crash();
    sky.wait_polls(3);
    service.start_again();
    sky.fail_polls();
    database.wait_rows(&setup.topic().states());
    assert_eq!(setup.topic().states(), sky.served());
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn no_poll_is_lost_while_kafka_is_unavailable() {
    let kafka = Service::kafka();
    kafka.stop();
    let sky = Sky::of(100);
    let setup = Setup::real().on_kafka(&kafka.address).watching(&sky);
    let app = setup.start();
    // Nothing is published to its topic, so it must detect on its own that Kafka is available again.
    let idle = Setup::embedded().on_kafka(&kafka.address).arguments(["--roles", "live"]).start();
    sky.wait_polls(3);
    assert_eq!(idle.get("/health/ready").status, 503);
    let ready = app.get("/health/ready");
    assert_eq!(ready.status, 503);
    let parts = ready.json()["parts"].clone();
    let live = parts.as_array().unwrap().iter().find(|part| part["part"] == "kafka-consumer-live").unwrap();
    assert_eq!((&live["ready"], &live["needed"]), (&false.into(), &true.into()), "{live}");
    let client = app.sse();
    kafka.start_again();
    app.wait_ready();
    idle.wait_ready();
    client.wait_states(100);
    setup.database().wait_more_than(100);

    kafka.stop();
    app.wait_actor("kafka-producer", "reports the failure", |actor| actor["observation"]["held"].as_u64() > Some(300));
    for app in [&app, &idle] {
        eventually("the server is not ready", || (app.get("/health/ready").status == 503).then_some(()));
    }
    // Polling continues, and the states are held for a quarter of a minute.
    sky.wait_polls(45);
    kafka.start_again();
    app.wait_ready();
    idle.wait_ready();
    sky.wait_polls(2);
    sky.fail_polls();
    app.wait_actor("kafka-producer", "everything is published", |actor| actor["observation"]["held"] == 0);
    let served = sky.served();
    setup.database().wait_rows(&served);
    let mut states = client.wait_states(served.len());
    states.sort();
    assert!(states.iter().eq(&served), "the client got {} states instead of {}", states.len(), served.len());
    assert_eq!(app.metric("states_dropped_total"), 0.0);
    // The number of lines does not depend on the number of connection attempts.
    let lines = app.log.lines().iter().filter(|line| line.contains("kafka") && !line.contains(" INFO ")).count();
    assert!(lines < 150, "{lines} lines for an outage of half a minute");
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_topic_recreated_after_a_kafka_restart_is_read_from_its_beginning() {
    let kafka = Service::kafka();
    let sky = Sky::of(100);
    let setup = Setup::real().on_kafka(&kafka.address).watching(&sky);
    let app = setup.start();
    setup.database().wait_more_than(0);
    // Each start of Kafka increases the leader epoch, while the recreated topic starts again at epoch 0.
    kafka.stop();
    kafka.start_again();
    app.wait_ready();
    setup.database().wait_more_than(setup.database().rows().len());

    setup.topic().delete();
    let stored = setup.database().rows().len();
    // More than can have been in flight before the topic was deleted.
    app.sse().wait_states(300);
    setup.database().wait_more_than(stored + 300);
    app.end();
}

fn refuses_a_newer_schema(setup: &Setup) {
    assert_eq!(setup.clone().arguments(["migrate"]).run().code, Some(0));
    setup.database().execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000001')");
    let ended = setup.clone().arguments(["migrate"]).run();
    assert_eq!(ended.code, Some(1));
    let last = ended.last_line();
    assert!(last.contains("newer than this program") && last.contains("29990101000001"), "{last}");
    let app = setup.start();
    let reason = app.wait_storing_refused();
    assert!(reason.contains("newer than this program") && reason.contains("29990101000001"), "{reason}");
    app.sse().wait_states(10);
    assert!(setup.database().rows().is_empty());
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_newer_schema_is_refused_and_the_live_stream_continues() {
    let sky = Sky::of(10);
    refuses_a_newer_schema(&Setup::real().watching(&sky));
    refuses_a_newer_schema(&Setup::embedded().watching(&sky));
}
