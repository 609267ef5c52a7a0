//! Alerts on an MQTT broker, for Home Assistant.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use super::{alert, delivering, test_message, wait_for_partitions, wait_for_state};
use crate::alerts::{row, showing};
use crate::support::{Service, Setup, TestApp, eventually};

/// Returns the setup of a process that only detects and delivers to the endpoint `home`, this broker.
fn delivering_to(broker: &Service) -> Setup {
    with_broker(delivering(), broker)
}

fn with_broker(setup: Setup, broker: &Service) -> Setup {
    setup
        .set("NOTIFY_HOME_KIND", "mqtt")
        .set("NOTIFY_HOME_URL", &broker.address)
        .set("NOTIFY_HOME_ALLOW_PRIVATE", "true")
        .set("NOTIFY_HOME_TIMEOUT", "2s")
        .set("NOTIFY_HOME_USER", "flights")
        .set("NOTIFY_HOME_PASSWORD", "hunter2")
}

/// Waits until the process delivers to the endpoint, and its detector has read the active alerts: it would end those of
/// these tests, whose aircraft no source reports.
fn wait_until_delivering(app: &TestApp) {
    wait_for_partitions(&[app], "home", 3);
    app.wait_actor("detector", "has its partitions", |actor| {
        actor["observation"]["partitions"].as_array().is_some_and(|partitions| partitions.len() == 3)
    });
}

/// Subscribes to a broker with the login of these tests, and returns what `mosquitto_sub` prints.
fn subscribe(broker: &Service, arguments: &[&str]) -> String {
    let url = url::Url::parse(&broker.address).unwrap();
    let port = url.port().unwrap().to_string();
    let login = ["-h", "127.0.0.1", "-p", &port, "-u", "flights", "-P", "hunter2"];
    let output = Command::new("mosquitto_sub").args(login).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the retained messages of a broker, by topic.
fn retained(broker: &Service) -> BTreeMap<String, String> {
    let output = subscribe(broker, &["-t", "#", "-v", "--retained-only", "-W", "1"]);
    let message = |line: &str| line.split_once(' ').map(|(topic, text)| (topic.to_owned(), text.to_owned()));
    output.lines().filter_map(message).collect()
}

/// Waits until the broker retains active alerts of exactly these aircraft, and returns all retained messages.
fn wait_for_active(broker: &Service, aircraft: &[&str]) -> BTreeMap<String, String> {
    let attributes = json!({ "active": aircraft.len(), "aircraft": aircraft }).to_string();
    let messages = eventually(&attributes, || {
        Some(retained(broker)).filter(|messages| {
            // It is published after the active alerts and before the trackers.
            let is_tracked = |icao24: &&str| messages.contains_key(&format!("flight-monitor/aircraft/{icao24}"));
            messages.get("flight-monitor/rules/noise/attributes") == Some(&attributes)
                && messages.keys().filter(|topic| topic.starts_with("flight-monitor/aircraft/")).count()
                    == aircraft.len()
                && aircraft.iter().all(is_tracked)
        })
    });
    let active = messages.keys().filter_map(|topic| topic.strip_prefix("flight-monitor/active/noise/"));
    assert_eq!(active.collect::<Vec<_>>(), aircraft);
    messages
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn alerts_are_retained_on_an_mqtt_broker_until_they_end() {
    let broker = Service::mosquitto("flights:hunter2");
    let setup = delivering_to(&broker);
    let app = setup.start();
    wait_until_delivering(&app);
    let alerts = setup.alerts();
    alert(&alerts, 1, "4b1814", 7, None);
    let tracker = "homeassistant/device_tracker/flight-monitor/4b1814/config";
    let messages = wait_for_active(&broker, &["4b1814"]);
    assert_eq!(messages["flight-monitor/status"], "online");
    assert_eq!(messages["flight-monitor/rules/noise/state"], "ON");
    let json = |topic: &str| serde_json::from_str::<Value>(&messages[topic]).unwrap();
    assert_eq!(json(tracker)["json_attributes_topic"], "flight-monitor/aircraft/4b1814");
    assert_eq!(json("flight-monitor/aircraft/4b1814")["latitude"], 47.5);
    let sensor = json("homeassistant/binary_sensor/flight-monitor/noise/config");
    assert_eq!(sensor["state_topic"], "flight-monitor/rules/noise/state");

    broker.stop();
    alert(&alerts, 1, "4b1814", 7, Some(60));
    wait_for_state(&app, "home", "retrying");
    broker.start_again();
    let messages = wait_for_active(&broker, &[]);
    assert_eq!(messages["flight-monitor/rules/noise/state"], "OFF");
    assert!(!messages.contains_key(tracker));

    let probe = setup.clone().arguments(["check-config", "--probe", "--roles", "detect"]).run();
    assert!(
        probe.output.contains("# endpoint home (mqtt): reachable: the broker accepts the login"),
        "{}",
        probe.output
    );
    assert_eq!(retained(&broker)["flight-monitor/status"], "online", "a probe publishes nothing");

    app.kill_9();
    eventually("the last will is published", || {
        (retained(&broker).get("flight-monitor/status").map(String::as_str) == Some("offline")).then_some(())
    });
    let refused = setup.set("NOTIFY_HOME_PASSWORD", "wrong").start();
    eventually("the login is refused", || {
        let error = test_message(&refused, "home")["error"].as_str()?.to_owned();
        error.starts_with("refused: the broker refused the connection").then_some(())
    });
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_tracker_follows_its_aircraft() {
    let broker = Service::mosquitto("flights:hunter2");
    let skies = [47.4, 47.5, 47.6].map(|lat| {
        let mut aircraft = row("4b1814", Some("7700"));
        aircraft[6] = lat.into();
        vec![aircraft]
    });
    let app = with_broker(showing(Setup::embedded(), &skies), &broker).start();
    let message = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let moved = eventually("the position is published again", || {
        // The retained message is the first one.
        let output = subscribe(&broker, &["-t", "flight-monitor/aircraft/4b1814", "-C", "2", "-W", "10"]);
        output.lines().nth(1).map(message).filter(|message| message["latitude"] == 47.6)
    });
    assert_eq!(
        (&moved["detail"], &moved["callsign"], &moved["longitude"]),
        (&json!("emergency"), &json!("SWR123"), &json!(8.5))
    );
    assert!(moved["last_contact"].as_i64() > moved["since"].as_i64(), "{moved}");
    let kept = &retained(&broker)["flight-monitor/aircraft/4b1814"];
    assert_ne!(message(kept)["latitude"], 47.6, "only the position at the start is retained");
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_broker_that_does_not_respond_receives_the_alerts_afterwards() {
    let broker = Service::mosquitto("flights:hunter2");
    let setup = delivering_to(&broker);
    let app = setup.start();
    wait_until_delivering(&app);
    let alerts = setup.alerts();
    alert(&alerts, 1, "4b1814", 7, None);
    wait_for_active(&broker, &["4b1814"]);

    broker.pause();
    alert(&alerts, 1, "4b1814", 7, Some(60));
    alert(&alerts, 2, "3c6444", 8, None);
    let reason = wait_for_state(&app, "home", "retrying");
    assert!(reason.contains("did not acknowledge within 2s"), "{reason}");
    broker.resume();
    wait_for_state(&app, "home", "delivering");
    wait_for_active(&broker, &["3c6444"]);
    app.end();
}
