//! Emergency squawks raise alerts on Kafka and in the stream.

use std::fs;

use serde_json::{Value, json};

use crate::stream::{Connection, client::StreamClient};
use crate::support::{Setup, Sky, TestApp, Topic, eventually};

/// Returns a row of OpenSky's response for an aircraft over Switzerland.
pub(crate) fn row(icao24: &str, squawk: Option<&str>) -> Value {
    let time = 1_699_999_999;
    json!([
        icao24,
        "SWR123  ",
        "Switzerland",
        time,
        time,
        8.5,
        47.4,
        9000.0,
        false,
        230.0,
        90.0,
        0.0,
        null,
        9100.0,
        squawk,
        false,
        0,
        4
    ])
}

/// Makes the server replay these skies in order with current times, repeating the last one.
pub(crate) fn showing(setup: Setup, skies: &[Vec<Value>]) -> Setup {
    let files: Vec<_> = skies
        .iter()
        .enumerate()
        .map(|(index, rows)| {
            let name = format!("sky-{index}.json");
            let sky = json!({ "time": 1_700_000_000, "states": rows });
            fs::write(setup.directory().join(&name), sky.to_string()).unwrap();
            name
        })
        .collect();
    let arguments: Vec<_> = ["serve", "--replay"].into_iter().chain(files.iter().map(String::as_str)).collect();
    setup.arguments(arguments).set("OPENSKY_POLL_INTERVAL", "1s").failpoints("poll-pause=return(300)")
}

/// Returns the ICAO address and the squawk of each alert on the topic.
fn alerts(topic: &Topic) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    topic
        .records()
        .iter()
        .map(|record| {
            let alert = record.json();
            let key = format!("emergency-squawk/{}", alert["icao24"].as_str().unwrap());
            assert_eq!(record.key.as_deref(), Some(key.as_bytes()));
            assert_eq!(alert["state"]["last_contact"], alert["since"]);
            (text(&alert["icao24"]), text(&alert["squawk"]))
        })
        .collect()
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_emergency_is_published_once_although_the_server_restarts() {
    let setup = showing(Setup::real(), &[vec![row("4b1814", Some("7700")), row("3c6444", Some("1000"))]]);
    let app = setup.start();
    let all_published = |app: &TestApp| {
        // The replay updates both aircraft each second.
        eventually("some polls later", || (app.metric("published_total") > 8.0).then_some(()));
        eventually("the alert is active", || (app.metric("alerts_active") > 0.0).then_some(()));
    };
    all_published(&app);
    let alert = ("4b1814".to_owned(), "7700".to_owned());
    assert_eq!(alerts(&setup.alerts()), std::slice::from_ref(&alert));
    app.kill_9();
    let app = setup.start();
    all_published(&app);
    assert_eq!(alerts(&setup.alerts()), [alert]);
    // The topic ends with the marker of a transaction, which is not a record to read.
    app.wait_actor("kafka-consumer-alerts", "has no lag", |actor| actor["observation"]["lag"] == 0);
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_process_that_only_collects_creates_no_alerts_topic() {
    let sky = Sky::of(1);
    let setup = Setup::real().watching(&sky).arguments(["serve", "--roles", "collect"]);
    let app = setup.start();
    app.wait_ready();
    eventually("states are published", || (app.metric("published_total") > 0.0).then_some(()));
    assert!(!setup.alerts().exists());
}

#[test]
fn every_client_sees_an_alert_and_its_end() {
    // Each sky lasts for at least a second: an emergency, no squawk, another squawk.
    let skies =
        [Some("7600"), None, Some("1000")].map(|squawk| vec![row("4b1814", squawk), row("3c6444", Some("1000"))]);
    let app = showing(Setup::embedded(), &skies).start();
    app.wait_ready();
    for query in ["", "?bbox=-40,-70,-30,-60", "?icao24=000001"] {
        let (mut client, mut connection) = (StreamClient::default(), Connection::open(&app, query, &[]));
        connection.read_until(&mut client, "an alert", |client| !client.alerts.is_empty());
        let [alert] = &client.alerts.clone()[..] else { panic!("{:?}", client.alerts) };
        let members = ["icao24", "squawk", "meaning"].map(|name| alert[name].as_str().unwrap());
        assert_eq!(members, ["4b1814", "7600", "radio failure"]);
        assert_eq!((&alert["state"]["callsign"], &alert["state"]["last_contact"]), (&json!("SWR123"), &alert["since"]));
        connection.read_until(&mut client, "the end of the alert", |client| client.alerts.is_empty());
        connection.read_until(&mut client, "another alert", |client| !client.alerts.is_empty());
        assert!(client.alerts[0]["since"].as_i64() > alert["since"].as_i64());
    }
    // The embedded broker receives the alerts, too.
    eventually("alerts are published", || (app.metric("alerts_total") > 1.0).then_some(()));
}
