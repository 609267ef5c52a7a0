//! The compacted topic with the newest state of each aircraft.

use std::collections::BTreeMap;

use crate::support::{Setup, Sky, Topic, eventually, variable};

fn setup_with_topic(sky: &Sky) -> (Setup, Topic) {
    let setup = Setup::real().watching(sky);
    let name = format!("{}.latest", setup.topic().name());
    let topic = Topic::of(&variable("TEST_KAFKA"), &name);
    (setup.set("KAFKA_TOPIC_LATEST", &name), topic)
}

/// Returns the newest `last_contact` of each aircraft, as a reader of the whole topic sees it.
fn latest(topic: &Topic) -> BTreeMap<String, i64> {
    let mut latest = BTreeMap::new();
    for record in topic.records() {
        let icao24 = String::from_utf8(record.key.clone().unwrap()).unwrap();
        match &record.value {
            None => drop(latest.remove(&icao24)),
            Some(_) => {
                let state = record.json();
                assert_eq!(state["icao24"], icao24.as_str());
                assert_eq!(record.headers["content-type"], "application/json");
                let at = state["last_contact"].as_i64().unwrap();
                let last = latest.insert(icao24, at);
                assert!(last.is_none_or(|last| last <= at), "an older state follows a newer one");
            }
        }
    }
    latest
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn the_newest_state_of_each_aircraft_is_published_despite_a_kill() {
    let sky = Sky::with(200, 50);
    let (setup, topic) = setup_with_topic(&sky);
    let doomed = setup.start();
    eventually("every aircraft has a state", || (topic.exists() && latest(&topic).len() == 200).then_some(()));
    sky.wait_polls(2);
    doomed.kill_9();
    let app = setup.start();
    sky.wait_polls(4);
    sky.fail_polls();
    app.wait_actor("kafka-producer", "everything is published", |actor| actor["observation"]["held"] == 0);
    let mut expected = BTreeMap::new();
    for (icao24, last_contact) in setup.topic().states() {
        let newest = expected.entry(icao24).or_insert(last_contact);
        *newest = last_contact.max(*newest);
    }
    eventually("the newest states are published", || (latest(&topic) == expected).then_some(()));
    app.wait_actor("sink-latest", "has no lag", |actor| actor["observation"]["lag"] == 0);
    // Both topics have the same partition for an aircraft.
    let places = |topic: &Topic| -> BTreeMap<_, _> {
        topic.records().into_iter().map(|record| (record.key.unwrap(), record.partition)).collect()
    };
    assert_eq!(places(&topic), places(&setup.topic()));
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_aircraft_that_leaves_the_picture_gets_a_tombstone_even_after_a_restart() {
    let sky = Sky::of(20);
    let (setup, topic) = setup_with_topic(&sky);
    let app = setup.start();
    eventually("every aircraft has a state", || (topic.exists() && latest(&topic).len() == 20).then_some(()));
    sky.fail_polls();
    app.kill_9();
    let app = setup.set("SSE_AIRCRAFT_TIMEOUT", "1s").start();
    eventually("every aircraft has a tombstone", || latest(&topic).is_empty().then_some(()));
    app.end();
}
