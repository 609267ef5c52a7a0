//! Every state that the source serves reaches every client and the database exactly once.

use crate::support::{Setup, Sky, eventually};

fn everything_served_arrives_once_everywhere(setup: Setup, polls: u64) {
    let sky = Sky::of(300);
    // States served before the clients connect would not be sent to them.
    sky.start_failing_polls();
    let setup = setup.watching(&sky);
    let app = setup.start();
    app.wait_ready();
    let clients = [app.sse(), app.sse(), app.sse()];
    sky.clear_faults();
    sky.wait_polls(polls);
    sky.fail_polls();

    let served = sky.served();
    assert!(served.len() as u64 >= 300 * polls, "{} of {polls} polls", served.len());
    setup.database().wait_rows(&served);
    for client in &clients {
        let mut states = client.wait_states(served.len());
        states.sort();
        assert!(states.iter().eq(&served), "a client got {} states instead of {}", states.len(), served.len());
    }
    // A record can be consumed before its delivery report arrives at the producer.
    eventually("everything is acknowledged", || (app.metric("published_total") >= served.len() as f64).then_some(()));
    assert_eq!(app.metric("published_total"), served.len() as f64);
    assert_eq!(app.actor("db-writer")["observation"]["duplicates"], 0);
    assert_eq!(app.metric("lost_offsets_total"), 0.0);
    app.end();
    assert_eq!(setup.database().rows(), served);
}

#[test]
fn everything_served_arrives_once_on_embedded_services() {
    everything_served_arrives_once_everywhere(Setup::embedded(), 10);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn everything_served_arrives_once_on_kafka_and_postgresql() {
    everything_served_arrives_once_everywhere(Setup::real(), 10);
}
