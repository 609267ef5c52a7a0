//! Alerts are delivered to the endpoints of notifications, whatever these and the processes do.

mod failures;
mod hook;
mod mqtt;
mod security;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use crate::alerts::{row, showing};
use crate::support::{ADMIN_TOKEN, Setup, Sky, TestApp, Topic, eventually, variable};
use hook::{Delivery, Hook, Response};

const OK: Response = Response::Status(204, "");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Adds a webhook to a setup.
fn with_webhook(setup: Setup, name: &str, url: &str) -> Setup {
    let name = name.to_uppercase();
    setup
        .set(&format!("NOTIFY_{name}_KIND"), "webhook")
        .set(&format!("NOTIFY_{name}_URL"), url)
        .set(&format!("NOTIFY_{name}_ALLOW_PRIVATE"), "true")
        .set(&format!("NOTIFY_{name}_TIMEOUT"), "1s")
        .set(&format!("NOTIFY_{name}_SECRET"), SECRET)
}

/// Returns the setup of a process that only detects and delivers.
fn delivering() -> Setup {
    Setup::embedded().on_kafka(&variable("TEST_KAFKA")).arguments(["serve", "--roles", "detect"])
}

/// Sends a test message to an endpoint and returns the outcome.
fn test_message(app: &TestApp, endpoint: &str) -> Value {
    let token = format!("Bearer {ADMIN_TOKEN}");
    let answer = app.ask("POST", &format!("/admin/notify/{endpoint}/test"), &[("Authorization", &token)]);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

/// Waits until the processes together deliver these many partitions to an endpoint.
fn wait_for_partitions(apps: &[&TestApp], endpoint: &str, count: u64) {
    let name = format!("notify-{endpoint}");
    let partitions = |app: &&TestApp| app.actor(&name)["observation"]["partitions"].as_u64().unwrap_or(0);
    eventually("the partitions are assigned", || {
        let each: Vec<_> = apps.iter().map(partitions).collect();
        (each.iter().sum::<u64>() == count && each.iter().all(|&some| some > 0)).then_some(())
    });
}

/// Waits until an endpoint is in this state, and returns the reason.
fn wait_for_state(app: &TestApp, endpoint: &str, state: &str) -> String {
    let actor = app.wait_actor(&format!("notify-{endpoint}"), state, |actor| actor["observation"]["state"] == state);
    actor["observation"]["reason"].as_str().unwrap_or_default().to_owned()
}

/// Publishes alerts of five aircraft that have ended, so that no detector changes them, and returns the ids of their
/// notifications.
fn publish(topic: &Topic, numbers: std::ops::Range<i64>) -> BTreeSet<String> {
    let (mut ids, mut partitions) = (BTreeSet::new(), [const { Vec::new() }; 3]);
    for number in numbers {
        let aircraft = number % 5;
        let icao24 = format!("{aircraft:06x}");
        ids.insert(format!("noise-{icao24}-{number}-ended"));
        partitions[usize::try_from(aircraft % 3).unwrap()].push(record(&icao24, number, Some(number + 1)));
    }
    for (partition, records) in partitions.iter().enumerate() {
        let records: Vec<_> = records.iter().map(|(key, value)| (Some(&**key), Some(value.clone()))).collect();
        topic.write(i32::try_from(partition).ok(), &records);
    }
    ids
}

fn alert(topic: &Topic, partition: i32, icao24: &str, since: i64, ended: Option<i64>) {
    let (key, value) = record(icao24, since, ended);
    topic.write(Some(partition), &[(Some(&key), Some(value))]);
}

/// Returns the key and the value of an alert's record.
fn record(icao24: &str, since: i64, ended: Option<i64>) -> (String, Vec<u8>) {
    let state = json!({ "icao24": icao24, "callsign": "SWR123", "lat": 47.5, "lon": 8.5, "last_contact": since });
    let alert = json!({ "icao24": icao24, "squawk": null, "meaning": "low", "since": since, "state": state,
                        "rule": "noise", "ended": ended, "detail": "low" });
    (format!("noise/{icao24}"), alert.to_string().into_bytes())
}

/// Checks that the first deliveries of each aircraft's alerts are in their order.
fn assert_in_order(deliveries: &[Delivery]) {
    let mut newest: BTreeMap<String, i64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for delivery in deliveries {
        let alert = delivery.json();
        if alert["event"] == "alert.test" || !seen.insert(alert["id"].to_string()) {
            continue;
        }
        let (icao24, since) = (alert["icao24"].as_str().unwrap().to_owned(), alert["since"].as_i64().unwrap());
        let before = newest.insert(icao24.clone(), since);
        assert!(before.is_none_or(|before| before < since), "{icao24}: {since} after {before:?}");
    }
}

#[test]
fn a_test_message_is_signed_as_other_programs_verify_it() {
    let hook = Hook::start(OK);
    let sky = Sky::of(5);
    let app = with_webhook(Setup::embedded().watching(&sky), "hook", &hook.url()).start();
    let outcome = test_message(&app, "hook");
    assert_eq!((&outcome["delivered"], &outcome["error"]), (&json!(true), &Value::Null), "{outcome}");
    let [delivery] = &hook.deliveries()[..] else { panic!("{:?}", hook.deliveries()) };
    assert_eq!(delivery.json()["event"], "alert.test");
    assert_eq!(delivery.json()["id"], outcome["id"]);
    assert_eq!(Some(delivery.header("webhook-id")), outcome["id"].as_str());

    let verify = "import base64, hashlib, hmac, sys\n\
                  secret, id, timestamp, body = sys.argv[1:]\n\
                  key = base64.b64decode(secret.removeprefix('whsec_'))\n\
                  mac = hmac.new(key, f'{id}.{timestamp}.{body}'.encode(), hashlib.sha256)\n\
                  print('v1,' + base64.b64encode(mac.digest()).decode())";
    let (id, timestamp) = (delivery.header("webhook-id"), delivery.header("webhook-timestamp"));
    let output = Command::new("python3").args(["-c", verify, SECRET, id, timestamp, &delivery.body]).output().unwrap();
    let expected = String::from_utf8(output.stdout).unwrap();
    assert_eq!(delivery.header("webhook-signature"), expected.trim());
}

#[test]
fn an_emergency_is_delivered_when_it_starts_and_when_it_ends() {
    let (all, other) = (Hook::start(OK), Hook::start(OK));
    let skies = [Some("7600"), Some("1000")].map(|squawk| vec![row("4b1814", squawk)]);
    let setup = with_webhook(showing(Setup::embedded(), &skies), "all", &all.url())
        .set("NOTIFY_ALL_PAGE_URL", "https://flights.example.org/");
    let app = with_webhook(setup, "other", &other.url()).set("NOTIFY_OTHER_RULES", "noise-*").start();
    let deliveries = eventually("it has ended", || Some(all.deliveries()).filter(|deliveries| deliveries.len() > 1));
    let (started, ended) = (deliveries[0].json(), deliveries[1].json());
    assert_eq!((&started["event"], &ended["event"]), (&json!("alert.started"), &json!("alert.ended")));
    assert_eq!((&started["rule"], &started["state"]["callsign"]), (&json!("emergency-squawk"), &json!("SWR123")));
    assert_eq!(started["url"], "https://flights.example.org/#icao24=4b1814");
    assert_eq!((&started["since"], &started["ended"]), (&ended["since"], &Value::Null));
    let since = &started["since"];
    assert_eq!(deliveries[0].header("webhook-id"), format!("emergency-squawk-4b1814-{since}-started"));
    assert_eq!(deliveries[1].header("webhook-id"), format!("emergency-squawk-4b1814-{since}-ended"));

    app.wait_actor("notify-other", "passes over other rules", |actor| {
        actor["observation"]["passed_over"].as_u64().is_some_and(|passed_over| passed_over >= 2)
    });
    assert_eq!(other.attempts(), 0);
    assert!(app.sample("notify_delivered_total{endpoint=\"all\"}").unwrap() >= 2.0);
    assert_eq!(app.sample("notify_failing_since_timestamp_seconds{endpoint=\"all\"}"), Some(0.0));
    app.end();
}

#[test]
fn an_orderly_shutdown_delivers_what_is_left_on_the_embedded_kafka() {
    let hook = Hook::start(Response::Status(503, ""));
    let skies = [Some("7600"), Some("1000")].map(|squawk| vec![row("4b1814", squawk)]);
    let mut app = with_webhook(showing(Setup::embedded(), &skies), "hook", &hook.url()).start();
    app.wait_actor("notify-hook", "two wait", |actor| actor["observation"]["waiting"].as_u64() >= Some(2));
    app.terminate();
    hook.respond(OK);
    assert_eq!(app.wait_exit(), Some(0));
    assert!(hook.ids().len() >= 2, "{:?}", hook.ids());
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn processes_share_an_endpoint_and_take_over_from_each_other() {
    let hook = Hook::start(OK);
    let setup = with_webhook(delivering(), "hook", &hook.url());
    let alerts = setup.alerts();
    let (one, other) = (setup.start(), setup.start());
    wait_for_partitions(&[&one, &other], "hook", 3);
    let mut ids = publish(&alerts, 0..30);
    hook.wait_for(&ids);
    assert_eq!(hook.deliveries().len(), ids.len(), "each was delivered by one of them");
    one.kill_9();
    ids.extend(publish(&alerts, 30..60));
    hook.wait_for(&ids);
    assert_in_order(&hook.deliveries());
    let failed = other.log.lines().iter().filter(|line| line.contains("failed to read")).count();
    assert_eq!(failed, 0, "nothing failed, also not at the ends of the partitions");
    other.end();
}
