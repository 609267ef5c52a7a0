//! An actor that panics is restarted, and nothing else is affected.

use std::time::SystemTime;

use crate::support::{Setup, Sky, TestApp};

/// The actors in the order of the data flow. The hub is last, because its clients have to reconnect.
const ACTORS: [&str; 10] = [
    "poller",
    "kafka-producer",
    "kafka-consumer-store",
    "kafka-consumer-polls",
    "kafka-consumer-alert-history",
    "db-writer",
    "detector",
    "kafka-consumer-live",
    "kafka-consumer-alerts",
    "sse-hub",
];

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Stops the polls until [`Sky::clear_faults`], waits until everything is published, and returns the number of states that
/// Kafka has acknowledged.
fn published_while_polls_fail(app: &TestApp, sky: &Sky) -> usize {
    sky.fail_polls();
    app.wait_actor("kafka-producer", "everything is published", |actor| actor["observation"]["held"] == 0);
    app.metric("published_total") as usize
}

fn each_actor_survives_a_panic(setup: Setup) {
    let sky = Sky::of(300);
    sky.start_failing_polls();
    let setup = setup.watching(&sky);
    let app = setup.start();
    app.wait_ready();
    let client = app.sse();
    let panic = |name: &str| {
        sky.wait_polls(1);
        let began = now();
        app.panic(name);
        let actor = app.wait_actor(name, "restarted, with progress", |actor| {
            let progressed = actor["last_progress"].as_f64().is_some_and(|at| at > began + 0.1);
            // No alert begins or ends here.
            let is_idle = name == "kafka-consumer-alert-history" && actor["phase"] == "running";
            actor["restarts"] == 1 && (progressed || is_idle)
        });
        assert!(actor["last_error"]["message"].as_str().unwrap().contains("injected"), "{actor}");
        sky.wait_polls(1);
    };
    sky.clear_faults();
    panic("poller");
    // Only a panic of the poller may lose states: those of the response that it was awaiting or processing.
    let lost = sky.served().len() - published_while_polls_fail(&app, &sky);
    assert!(lost == 0 || lost == 300, "{lost} states of polls of 300");

    sky.clear_faults();
    ACTORS[1..ACTORS.len() - 1].iter().for_each(|name| panic(name));
    let published = published_while_polls_fail(&app, &sky);
    let served = sky.served();
    assert_eq!(published, served.len() - lost, "a served state was not published");
    let seen = client.wait_states(published);
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((once.len(), seen.len()), (published, published), "a client received a state twice");
    assert!(!client.seen().closed, "a client was disconnected");

    sky.clear_faults();
    app.panic("sse-hub");
    client.wait("the end of the stream", |seen| seen.ended);
    app.wait_actor("sse-hub", "restarted", |actor| actor["restarts"] == 1);
    let client = app.sse();
    client.wait_states(600);
    let published = published_while_polls_fail(&app, &sky);
    let served = sky.served();
    assert_eq!(published, served.len() - lost);
    setup.database().wait_more_than(published - 1);
    let rows = setup.database().rows();
    assert!(rows.len() == published && rows.is_subset(&served), "{} rows of {published} messages", rows.len());
    if setup.has_kafka() {
        assert_eq!(rows, setup.topic().states());
    }
    for name in ACTORS {
        assert_eq!(app.actor(name)["restarts"], 1, "{name}");
    }
    assert_eq!(app.metric("actor_restarts_total"), ACTORS.len() as f64);
    app.end();
}

#[test]
fn each_actor_survives_a_panic_on_embedded_services() {
    each_actor_survives_a_panic(Setup::embedded());
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn each_actor_survives_a_panic_on_kafka_and_postgresql() {
    each_actor_survives_a_panic(Setup::real());
}

#[test]
fn too_many_panics_end_the_process_with_the_reason() {
    let sky = Sky::of(10);
    let mut app = Setup::embedded().watching(&sky).start();
    // One more than the maximum number of failures per minute.
    for _ in 0..21 {
        app.panic("db-writer");
    }
    assert_eq!(app.wait_exit(), Some(3));
    let log = app.log.wait_for_end();
    let reason = "db-writer failed too often; last error: injected";
    assert!(log.last().unwrap().contains(reason), "{:?}", log.last());
    assert!(log.last().unwrap().contains("ERROR"));
}
