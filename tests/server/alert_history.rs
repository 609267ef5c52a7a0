//! Alerts on Kafka are stored once, and listed by the API.

use serde_json::{Value, json};

use crate::stream::{Connection, client::StreamClient};
use crate::support::{Setup, TestApp, eventually, now};

type Record = (Option<&'static str>, Option<Vec<u8>>);

fn alert(icao24: &str, since: i64, ended: Option<i64>) -> Value {
    json!({
        "icao24": icao24, "squawk": "7700", "meaning": "emergency", "since": since,
        "state": { "icao24": icao24, "callsign": "SWR123", "lat": 47.45, "lon": 8.55, "squawk": "7700",
            "last_contact": since },
        "rule": "emergency-squawk", "ended": ended, "detail": "emergency", "later": "ignored",
    })
}

fn record(key: &'static str, alert: &Value) -> Record {
    (Some(key), Some(alert.to_string().into_bytes()))
}

fn wait_for_partitions(app: &TestApp) {
    app.wait_actor("kafka-consumer-alert-history", "has its partitions", |actor| {
        actor["observation"]["partitions"].as_array().is_some_and(|partitions| !partitions.is_empty())
    });
}

/// Returns aircraft, beginning and end of the listed alerts.
fn listed(app: &TestApp, query: &str) -> Vec<(String, i64, Option<i64>)> {
    let answer = app.get(&format!("/api/v1/alerts{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let of = |alert: &Value| {
        let icao24 = alert["icao24"].as_str().unwrap().to_owned();
        (icao24, alert["since"].as_i64().unwrap(), alert["ended"].as_i64())
    };
    answer.json()["alerts"].as_array().unwrap().iter().map(of).collect()
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn alerts_are_stored_once_and_garbage_goes_to_the_dead_letters() {
    let setup = Setup::real().arguments(["--roles", "store,live"]);
    let app = setup.start();
    wait_for_partitions(&app);
    let (one, other) = ("emergency-squawk/4b1814", "emergency-squawk/3c6444");
    let since = now() - 100;
    let mut earlier = alert("4b1814", since, None);
    earlier.as_object_mut().unwrap().remove("rule");
    let records = [
        record("4b1814", &earlier),
        record(one, &alert("4b1814", since, None)),
        (Some("garbage"), Some(b"not JSON".to_vec())),
        record(other, &alert("3c6444", since + 1, None)),
        record(one, &alert("4b1814", since, Some(since + 60))),
        // Published again, as without transactions.
        record(one, &alert("4b1814", since, None)),
        record(one, &alert("4b1814", since, Some(since + 60))),
        (Some("emergency-squawk/4b1817"), None),
    ];
    setup.alerts().write(Some(0), &records);
    let expected = [("3c6444".to_owned(), since + 1, None), ("4b1814".to_owned(), since, Some(since + 60))];
    eventually("the alerts are stored", || (listed(&app, "") == expected).then_some(()));
    assert_eq!(listed(&app, "?active=true"), expected[..1]);
    assert_eq!(listed(&app, "?icao24=4b1814&rule=emergency-squawk"), expected[1..]);
    assert_eq!(listed(&app, "?bbox=-10,-10,0,0"), []);
    let letters = eventually("the garbage is a dead letter", || {
        let letters = setup.dead_letters().records();
        (!letters.is_empty()).then_some(letters)
    });
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].value.as_deref(), Some(&b"not JSON"[..]));
    let stored = eventually("the repetitions are counted", || {
        let counted = |kind| app.sample(&format!("alert_records_total{{kind=\"{kind}\"}}")).unwrap_or(0.0);
        (counted("stored") + counted("duplicate") == 5.0).then(|| counted("stored"))
    });
    assert_eq!(stored, 3.0);
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_killed_process_neither_loses_nor_repeats_alerts() {
    let setup = Setup::real();
    let start = |setup: &Setup| setup.clone().arguments(["serve", "--roles", "store"]).start();
    let since = now() - 1_000;
    let mut written = 0;
    let mut write = |count: i64| {
        let records: Vec<Record> = (written..written + count)
            .map(|i| record("emergency-squawk/4b1814", &alert("4b1814", since + i, Some(since + i + 1))))
            .collect();
        setup.alerts().write(Some(0), &records);
        written += count;
        written
    };
    for failpoint in ["store-alerts-sent", "store-alerts-committed"] {
        let mut doomed = start(&setup.clone().failpoints(&format!("{failpoint}=1*off->return")));
        wait_for_partitions(&doomed);
        while doomed.is_running() {
            write(3);
        }
        assert_eq!(doomed.wait_exit(), None, "exited instead of being killed");
    }
    let app = start(&setup);
    wait_for_partitions(&app);
    let count = usize::try_from(write(3)).unwrap();
    eventually("every alert is stored", || {
        (listed(&app, "?limit=1000&from=0&to=9999999999").len() >= count.min(1_000)).then_some(())
    });
    let rows = "SELECT icao24, count(*) FROM alerts GROUP BY 1";
    let expected = [("4b1814".to_owned(), i64::try_from(count).unwrap())];
    eventually("as many rows as alerts", || (setup.database().pairs(rows, rows) == expected).then_some(()));
    let position = "SELECT 'position', next_offset FROM ingest_position WHERE topic LIKE '%.alerts' AND partition = 0";
    assert_eq!(setup.database().pairs("", position), [("position".to_owned(), i64::try_from(count).unwrap())]);
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn alerts_that_are_published_again_after_a_rebalance_are_not_stored_again() {
    let setup = Setup::real().arguments(["serve", "--roles", "store"]);
    let (first, since) = (setup.start(), now() - 1_000);
    wait_for_partitions(&first);
    let write = |aircraft: &[&str]| {
        for (partition, icao24) in (0..).zip(aircraft) {
            let (begun, ended) = (alert(icao24, since, None), alert(icao24, since, Some(since + 60)));
            setup.alerts().write(Some(partition), &[record("a", &begun), record("a", &ended)]);
        }
    };
    let counted = |apps: &[&TestApp]| {
        let kinds = ["stored", "duplicate"].map(|kind| format!("alert_records_total{{kind=\"{kind}\"}}"));
        kinds.map(|sample| apps.iter().map(|app| app.sample(&sample).unwrap_or(0.0)).sum::<f64>())
    };
    write(&["4b1814", "4b1815", "4b1816"]);
    eventually("the alerts are stored", || (counted(&[&first]) == [6.0, 0.0]).then_some(()));
    let second = setup.start();
    wait_for_partitions(&second);
    write(&["4b1814", "4b1815", "4b1816"]);
    eventually("the repetitions are read", || (counted(&[&first, &second]) == [6.0, 6.0]).then_some(()));
    first.end();
    write(&["4b1814", "4b1815", "4b1817"]);
    eventually("the last alert is stored", || (listed(&second, "").len() == 4).then_some(()));
    let ended: Vec<_> =
        ["4b1817", "4b1816", "4b1815", "4b1814"].map(|icao24| (icao24.to_owned(), since, Some(since + 60))).into();
    assert_eq!(listed(&second, ""), ended);
    second.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_alert_that_the_database_rejects_is_a_dead_letter_and_can_be_resent() {
    let setup = Setup::real().arguments(["--roles", "store,live"]);
    let app = setup.start();
    wait_for_partitions(&app);
    let database = setup.database();
    database.execute("ALTER TABLE alerts ADD CONSTRAINT no_tests CHECK (detail <> 'a test')");
    let since = now() - 100;
    let mut rejected = alert("4b1814", since, None);
    rejected["detail"] = json!("a test");
    let ended = alert("4b1814", since + 50, Some(since + 60));
    let key = "emergency-squawk/4b1814";
    setup.alerts().write(Some(0), &[record(key, &rejected), record(key, &ended)]);
    eventually("the other alert is stored", || (listed(&app, "").len() == 1).then_some(()));
    let letters = eventually("the alert is a dead letter", || {
        Some(setup.dead_letters().records()).filter(|letters| !letters.is_empty())
    });
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].key.as_deref(), Some(key.as_bytes()));
    assert!(letters[0].headers["reason"].contains("no_tests"), "{:?}", letters[0].headers);

    database.execute("ALTER TABLE alerts DROP CONSTRAINT no_tests");
    let resend = setup.clone().arguments(["dead-letters", "--resend"]).run();
    assert_eq!(resend.code, Some(0), "{:?}", resend.log);
    let expected = [("4b1814".to_owned(), since + 50, Some(since + 60)), ("4b1814".to_owned(), since, None)];
    eventually("the resent alert is stored", || (listed(&app, "") == expected).then_some(()));
    // The stream still says that the aircraft's alert has ended.
    setup.alerts().write(Some(0), &[record("emergency-squawk/4b1815", &alert("4b1815", since, None))]);
    app.wait_actor("kafka-consumer-alerts", "has read the topic", |actor| actor["observation"]["records"] == 4);
    let (mut client, mut connection) = (StreamClient::default(), Connection::open(&app, "", &[]));
    connection.read_until(&mut client, "the active alert", |client| !client.alerts.is_empty());
    let active: Vec<_> = client.alerts.iter().map(|alert| alert["icao24"].clone()).collect();
    assert_eq!(active, ["4b1815"]);
    app.end();
}
