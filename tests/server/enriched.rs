//! The topic of state vectors with what is known about their aircraft.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Setup, Sky, Topic, eventually, variable};

/// Returns the states of each partition, in order.
fn states(topic: &Topic) -> BTreeMap<i32, Vec<(Vec<u8>, i64)>> {
    let mut states = BTreeMap::<_, Vec<_>>::new();
    for record in topic.records() {
        let at = record.json()["last_contact"].as_i64().unwrap();
        states.entry(record.partition).or_default().push((record.key.unwrap(), at));
    }
    states
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn every_state_is_enriched_once_and_in_order_despite_kills() {
    let sky = Sky::with(200, 50);
    let setup = Setup::real().watching(&sky);
    let name = format!("{}.enriched", setup.topic().name());
    let enriched = Topic::of(&variable("TEST_KAFKA"), &name);
    let collector = setup.clone().arguments(["serve", "--roles", "collect"]).start();
    let known = eventually("states are published", || setup.topic().states().pop_first()).0;
    let table = setup.directory().join("aircraft.csv");
    fs::write(&table, format!("icao24,type,operator\n{known},A320,Testair\n")).unwrap();
    let detecting = setup
        .clone()
        .set("KAFKA_TOPIC_ENRICHED", &name)
        .set("ENRICHMENT_AIRCRAFT_TABLE", table.to_str().unwrap())
        .arguments(["serve", "--roles", "detect"]);
    let [first, second] = [detecting.start(), detecting.start()];
    eventually("states are enriched", || (enriched.exists() && enriched.records().len() > 250).then_some(()));
    first.kill_9();
    sky.wait_polls(3);
    let third = detecting.start();
    sky.wait_polls(3);
    second.end();
    sky.wait_polls(3);
    sky.fail_polls();
    collector.wait_actor("kafka-producer", "everything is published", |actor| actor["observation"]["held"] == 0);
    let expected = states(&setup.topic());
    eventually("every state is enriched", || (states(&enriched) == expected).then_some(()));
    for record in enriched.records() {
        let aircraft = &record.json()["aircraft"];
        let icao24 = aircraft["icao24"].as_str().unwrap().to_owned();
        assert_eq!(record.key.as_deref(), Some(icao24.as_bytes()));
        assert_eq!(record.headers["content-type"], "application/json");
        let is_known = icao24 == known;
        assert_eq!(aircraft["operator"] == "Testair", is_known, "{aircraft}");
        assert_eq!(aircraft["sources"]["operator"] == "table", is_known, "{aircraft}");
    }
    assert!(third.metric("enriched_total") > 0.0);
    third.end();
}
