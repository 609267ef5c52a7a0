//! Alerts are delivered to the endpoints of notifications, whatever these and the processes do.

mod hook;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{ADMIN_TOKEN, Service, Setup, Sky, TestApp, Topic, eventually, variable};
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

/// Publishes alerts of five aircraft that start, and returns the ids of their notifications.
fn publish(topic: &Topic, numbers: std::ops::Range<i64>) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for number in numbers {
        let aircraft = number % 5;
        let icao24 = format!("{aircraft:06x}");
        alert(topic, i32::try_from(aircraft % 3).unwrap(), &icao24, number, None);
        ids.insert(format!("noise-{icao24}-{number}-started"));
    }
    ids
}

fn alert(topic: &Topic, partition: i32, icao24: &str, since: i64, ended: Option<i64>) {
    let state = json!({ "icao24": icao24, "callsign": "SWR123", "lat": 47.5, "lon": 8.5, "last_contact": since });
    let alert = json!({ "icao24": icao24, "squawk": null, "meaning": "low", "since": since, "state": state,
                        "rule": "noise", "ended": ended, "detail": "low" });
    let key = format!("noise/{icao24}");
    topic.write(Some(partition), &[(Some(&key), Some(alert.to_string().into_bytes()))]);
}

/// Checks that the first deliveries of each aircraft's alerts are in their order.
fn assert_in_order(deliveries: &[Delivery]) {
    let mut newest: BTreeMap<String, i64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for delivery in deliveries {
        let alert = delivery.json();
        if !seen.insert(alert["id"].to_string()) {
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
fn a_name_that_resolves_to_this_machine_is_refused_without_a_connection() {
    let hook = Hook::start(OK);
    let url = format!("http://localhost:{}/hook", hook.port());
    let sky = Sky::of(5);
    let app =
        with_webhook(Setup::embedded().watching(&sky), "hook", &url).set("NOTIFY_HOOK_ALLOW_PRIVATE", "false").start();
    let outcome = test_message(&app, "hook");
    let error = outcome["error"].as_str().unwrap();
    assert!(error.contains("which is loopback; set allow_private: true"), "{error}");
    assert_eq!((&outcome["delivered"], hook.attempts()), (&json!(false), 0));
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Hook::start(OK);
    let location = format!("Location: {}\r\n", target.url()).leak();
    let hook = Hook::start(Response::Status(307, location));
    let sky = Sky::of(5);
    let app = with_webhook(Setup::embedded().watching(&sky), "hook", &hook.url()).start();
    let error = test_message(&app, "hook")["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("rejected: responded with 307") && error.contains("redirects to"), "{error}");
    assert_eq!((hook.attempts(), target.attempts()), (1, 0));
}

#[test]
fn failures_of_a_webhook_are_classified_by_who_can_act() {
    let hook = Hook::start(OK);
    let sky = Sky::of(5);
    let app = with_webhook(Setup::embedded().watching(&sky), "hook", &hook.url()).start();
    for (response, expected) in [
        (Response::Status(503, ""), "unavailable: responded with 503"),
        (Response::Status(429, "Retry-After: 9\r\n"), "unavailable: responded with 429"),
        (Response::Status(425, ""), "unavailable: responded with 425"),
        (Response::Status(408, ""), "unavailable: responded with 408"),
        (Response::Status(410, ""), "rejected: responded with 410"),
        (Response::Status(401, ""), "rejected: responded with 401"),
        (Response::Hang, "unavailable: no response within 1s"),
    ] {
        hook.respond(response.clone());
        let error = test_message(&app, "hook")["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with(expected), "{response:?}: {error}");
    }
    let unknown = app.ask("POST", "/admin/notify/nobody/test", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))]);
    unknown.problem(404);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_endpoint_that_fails_holds_up_nobody_and_receives_everything_afterwards() {
    let (good, bad) = (Hook::start(OK), Hook::start(Response::Hang));
    let setup = with_webhook(with_webhook(delivering(), "good", &good.url()), "bad", &bad.url());
    let alerts = setup.alerts();
    let app = setup.start();
    wait_for_partitions(&[&app], "good", 3);
    wait_for_partitions(&[&app], "bad", 3);
    let mut ids = publish(&alerts, 0..20);
    good.wait_for(&ids);
    let failing = app.wait_actor("notify-bad", "it fails", |actor| actor["observation"]["state"] == "retrying");
    assert!(failing["observation"]["reason"].as_str().unwrap().contains("no response within 1s"), "{failing}");
    bad.respond(Response::Status(503, ""));
    ids.extend(publish(&alerts, 20..40));
    good.wait_for(&ids);
    assert_eq!(bad.ids(), BTreeSet::new());
    app.kill_9();

    bad.respond(OK);
    let app = setup.start();
    bad.wait_for(&ids);
    assert_in_order(&bad.deliveries());
    assert_in_order(&good.deliveries());
    app.wait_actor("notify-bad", "it recovers", |actor| actor["observation"]["state"] == "delivering");
    assert_eq!(setup.dead_letters().records().len(), 0);

    bad.respond(Response::Status(410, ""));
    alert(&alerts, 0, "00000a", 99, None);
    let letter = eventually("a dead letter", || setup.dead_letters().records().pop());
    let reason = &letter.headers["reason"];
    assert!(reason.starts_with("notify bad: responded with 410"), "{reason}");
    assert_eq!(letter.json()["icao24"], "00000a");
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
    other.end();
}

/// Returns the retained messages of a broker with the login of these tests, by topic.
fn retained(broker: &Service) -> BTreeMap<String, String> {
    let url = url::Url::parse(&broker.address).unwrap();
    let port = url.port().unwrap().to_string();
    let mut command = Command::new("mosquitto_sub");
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-u",
        "flights",
        "-P",
        "hunter2",
        "-t",
        "#",
        "-v",
        "--retained-only",
        "-W",
        "1",
    ]);
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let message = |line: &str| line.split_once(' ').map(|(topic, text)| (topic.to_owned(), text.to_owned()));
    output.lines().filter_map(message).collect()
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn alerts_are_retained_on_an_mqtt_broker_until_they_end() {
    let broker = Service::mosquitto("flights:hunter2");
    let setup = delivering()
        .set("NOTIFY_HOME_KIND", "mqtt")
        .set("NOTIFY_HOME_URL", &broker.address)
        .set("NOTIFY_HOME_ALLOW_PRIVATE", "true")
        .set("NOTIFY_HOME_TIMEOUT", "2s")
        .set("NOTIFY_HOME_USER", "flights")
        .set("NOTIFY_HOME_PASSWORD", "hunter2");
    let app = setup.start();
    wait_for_partitions(&[&app], "home", 3);
    let alerts = setup.alerts();
    alert(&alerts, 1, "4b1814", 7, None);
    let tracker = "homeassistant/device_tracker/flight-monitor/4b1814/config";
    let messages = eventually("the alert is retained", || {
        Some(retained(&broker)).filter(|messages| messages.contains_key("flight-monitor/active/noise/4b1814"))
    });
    assert_eq!(messages["flight-monitor/status"], "online");
    assert_eq!(messages["flight-monitor/rules/noise/state"], "ON");
    let json = |topic: &str| serde_json::from_str::<Value>(&messages[topic]).unwrap();
    assert_eq!(json(tracker)["json_attributes_topic"], "flight-monitor/aircraft/4b1814");
    assert_eq!(json("flight-monitor/aircraft/4b1814")["latitude"], 47.5);
    let sensor = json("homeassistant/binary_sensor/flight-monitor/noise/config");
    assert_eq!(sensor["state_topic"], "flight-monitor/rules/noise/state");

    broker.stop();
    alert(&alerts, 1, "4b1814", 7, Some(60));
    app.wait_actor("notify-home", "it fails", |actor| actor["observation"]["state"] == "retrying");
    broker.start_again();
    let messages = eventually("the alert has ended", || {
        Some(retained(&broker)).filter(|messages| !messages.contains_key("flight-monitor/active/noise/4b1814"))
    });
    assert_eq!(messages["flight-monitor/rules/noise/state"], "OFF");
    assert!(!messages.contains_key(tracker) && !messages.contains_key("flight-monitor/aircraft/4b1814"));

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
