//! A panic in an actor costs a restart, and nothing else.

use std::time::SystemTime;

use crate::support::{Setup, Sky};

/// In the order of the data. The hub comes last: its clients have to come back.
const ACTORS: [&str; 6] =
    ["poller", "kafka-producer", "kafka-consumer-store", "db-writer", "kafka-consumer-live", "sse-hub"];

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

fn each_actor_survives_a_panic(setup: Setup) {
    let sky = Sky::of(300);
    sky.fall_silent_at_once();
    let setup = setup.watching(&sky);
    let app = setup.start();
    app.wait_ready();
    let client = app.sse();
    sky.clear_up();
    sky.wait_polls(1);
    for name in &ACTORS[..5] {
        let began = now();
        app.panic(name);
        let actor = app.wait_actor(name, "restarted, with progress", |actor| {
            actor["restarts"] == 1 && actor["last_progress"].as_f64().is_some_and(|at| at > began + 0.1)
        });
        assert!(actor["last_error"]["message"].as_str().unwrap().contains("injected"), "{actor}");
        sky.wait_polls(1);
    }
    sky.fall_silent();
    app.wait_actor("kafka-producer", "all is published", |actor| actor["observation"]["held"] == 0);
    let served = sky.served();
    // The answer that the Poller was waiting for, or working on, is the one thing that may be lost with it.
    setup.database().wait_more_than(served.len() - 301);
    let seen = client.wait_states(served.len() - 300);
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "a client got a state twice");
    assert!(!client.seen().closed, "a client had to come back");

    sky.clear_up();
    app.panic("sse-hub");
    client.wait("the end of the stream", |seen| seen.ended);
    app.wait_actor("sse-hub", "restarted", |actor| actor["restarts"] == 1);
    let client = app.sse();
    client.wait_states(600);
    sky.fall_silent();
    let served = sky.served();
    setup.database().wait_more_than(served.len() - 301);
    let rows = setup.database().rows();
    assert!(rows.is_subset(&served));
    for name in ACTORS {
        assert_eq!(app.actor(name)["restarts"], 1, "{name}");
    }
    assert_eq!(app.metric("actor_restarts_total"), 6.0);
    app.end();
}

#[test]
fn each_actor_survives_a_panic_on_the_embedded_parts() {
    each_actor_survives_a_panic(Setup::embedded());
}

#[test]
fn each_actor_survives_a_panic_on_kafka_and_postgresql() {
    each_actor_survives_a_panic(Setup::real());
}

#[test]
fn after_too_many_panics_the_process_ends_and_says_why() {
    let sky = Sky::of(10);
    let mut app = Setup::embedded().watching(&sky).start();
    // One more than a minute may have.
    for _ in 0..21 {
        app.panic("db-writer");
    }
    assert_eq!(app.wait_exit(), Some(3));
    let log = app.log.to_its_end();
    let reason = "db-writer failed again and again, the last time with: injected";
    assert!(log.last().unwrap().contains(reason), "{:?}", log.last());
    assert!(log.last().unwrap().contains("ERROR"));
}
