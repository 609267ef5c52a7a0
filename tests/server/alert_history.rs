//! Alerts on Kafka are stored once, and listed by the API.

use serde_json::{Value, json};

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
