//! The record of every poll, and what it says about the history.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use simulator::FaultKind::{Html, NullStates, Status};
use simulator::{Fault, FaultKind, Target};

use crate::support::{ADMIN_TOKEN, Database, Setup, Sky, TestApp, eventually, now, sleep};

const SQLITE: &str = "SELECT outcome AS text, sum(polls) AS number FROM source_polls GROUP BY outcome";
const POSTGRES: &str = "SELECT outcome, sum(polls)::bigint FROM source_polls GROUP BY outcome";

/// Returns the number of stored polls by outcome.
fn stored(database: &Database) -> BTreeMap<String, i64> {
    database.pairs(SQLITE, POSTGRES).into_iter().collect()
}

/// Returns the keys of the stored records.
fn keys(database: &Database) -> BTreeSet<(String, i64)> {
    let sqlite = "SELECT source || ' ' || process AS text, started AS number FROM source_polls";
    let postgres = "SELECT source || ' ' || process, (extract(epoch FROM started) * 1000)::bigint FROM source_polls";
    database.pairs(sqlite, postgres).into_iter().collect()
}

fn set_polling(app: &TestApp, change: &str) {
    let token = format!("Bearer {ADMIN_TOKEN}");
    let answer = app.ask("POST", &format!("/admin/polling/{change}"), &[("Authorization", &token)]);
    assert_eq!(answer.status, 202, "{}", answer.text());
}

fn wait_source(app: &TestApp, source: &str) {
    app.wait_actor("poller", source, |actor| actor["observation"]["source"] == source);
}

/// Returns the number of polls of the process by the name of their outcome in the metrics.
fn counted(app: &TestApp) -> BTreeMap<String, i64> {
    let text = app.get("/metrics").text();
    let samples = text.lines().filter_map(|line| line.strip_prefix("flight_monitor_polls_total{")?.split_once("} "));
    let mut counted = BTreeMap::new();
    for (labels, count) in samples {
        let (_, kind) = labels.split_once("kind=\"").unwrap();
        let count: f64 = count.parse().unwrap();
        if count > 0.0 {
            counted.insert(kind.trim_end_matches('"').to_owned(), count as i64);
        }
    }
    counted
}

/// Pauses polling, and returns the number of polls by outcome until then.
fn counted_until_paused(app: &TestApp) -> BTreeMap<String, i64> {
    set_polling(app, "pause");
    // A poll in flight is still counted.
    app.wait_actor("poller", "paused", |actor| {
        actor["phase"] == "paused" && actor["observation"]["next_poll_at"].is_null()
    });
    counted(app)
}

/// Waits until the stored polls are those that were counted.
fn wait_stored(database: &Database, counted: &BTreeMap<String, i64>) {
    let total: i64 = counted.values().sum();
    eventually(&format!("{total} polls are stored"), || {
        (stored(database).values().sum::<i64>() >= total).then_some(())
    });
    let mut by_kind: BTreeMap<String, i64> = BTreeMap::new();
    for (outcome, polls) in stored(database).into_iter().filter(|(outcome, _)| outcome != "paused") {
        let kind = if ["live", "quiet", "stale"].contains(&&*outcome) { "ok".to_owned() } else { outcome };
        *by_kind.entry(kind).or_default() += polls;
    }
    assert_eq!(&by_kind, counted);
}

/// Returns the spans of the only source, and asserts that they are consecutive.
fn spans(coverage: &Value) -> Vec<(String, i64, i64)> {
    let sources = coverage["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 1, "{coverage}");
    let spans = sources[0]["spans"].as_array().unwrap().iter();
    let time = |time: &Value| time.as_i64().unwrap();
    let spans: Vec<_> = spans
        .map(|span| (span["outcome"].as_str().unwrap().to_owned(), time(&span["from"]), time(&span["to"])))
        .collect();
    assert_eq!(spans.first().map(|span| span.1), coverage["from"].as_i64());
    assert_eq!(spans.last().map(|span| span.2), coverage["to"].as_i64());
    assert!(spans.windows(2).all(|pair| pair[0].2 == pair[1].1), "{spans:?}");
    spans
}

fn each_outcome_is_recorded(setup: &Setup) {
    let sky = Sky::of(20);
    let began = now();
    let app = setup.clone().watching(&sky).start();
    sky.wait_polls(3);
    // Each state lasts longer than the resolution of the response.
    let last = || sleep(Duration::from_millis(2_500));
    last();
    let fault = |kind: FaultKind, status: Option<u16>| {
        let fault = Fault::new(Target::States, kind);
        sky.fault(match status {
            Some(status) => fault.status(status),
            None => fault,
        });
    };
    let mut expected = vec!["unknown", "live"];
    for (kind, status, outcome) in [
        (Status, Some(429), "rate_limited"),
        (Status, Some(500), "unavailable"),
        (Status, Some(403), "refused"),
        (Html, None, "malformed"),
        (NullStates, None, "quiet"),
    ] {
        fault(kind, status);
        wait_source(&app, outcome);
        last();
        sky.clear_faults();
        wait_source(&app, "live");
        last();
        expected.extend([outcome, "live"]);
    }
    let counted = counted_until_paused(&app);
    wait_stored(&setup.database(), &counted);
    assert_eq!(
        stored(&setup.database()).get("live").copied(),
        i64::try_from(sky.polls() - quiet(&setup.database())).ok()
    );
    expected.push("paused");
    last();

    let to = now();
    let coverage = app.get(&format!("/api/v1/coverage?from={}&to={to}", began - 5)).json();
    let outcomes: Vec<_> = spans(&coverage).into_iter().map(|(outcome, ..)| outcome).collect();
    assert_eq!(outcomes, expected, "{coverage}");
    let source = &coverage["sources"][0];
    assert_eq!(
        (&source["source"], &source["kind"], &source["area"]),
        (&"opensky".into(), &"opensky".into(), &Value::Null)
    );
    assert_eq!(source["polls"].as_i64(), Some(counted.values().sum()));
    assert_eq!(source["answered"].as_i64(), counted.get("ok").copied());
    // Four kinds of failure and the pause are gaps; a quiet source covers the sky.
    let gaps = coverage["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 5, "{coverage}");
    let sum: f64 = ["covered", "gap", "unknown"].iter().map(|part| coverage[part].as_f64().unwrap()).sum();
    assert!((sum - (to - began + 5) as f64).abs() < 0.01, "{coverage}");
    let fraction = coverage["fraction"].as_f64().unwrap();
    assert!(fraction > 0.2 && fraction < 0.9, "{coverage}");
    let coarse = app.get(&format!("/api/v1/coverage?from={}&to={to}&resolution=86400", began - 5)).json();
    assert_eq!((spans(&coarse).len(), &coarse["covered"]), (1, &coverage["covered"]));
    let until_now = app.get(&format!("/api/v1/coverage?from={began}")).json();
    assert!((to..=now()).contains(&until_now["to"].as_i64().unwrap()), "{until_now}");

    set_polling(&app, "resume");
    let polls = sky.polls();
    eventually("the server polls", || (sky.polls() > polls).then_some(()));
    app.end();
}

/// Returns the number of polls without aircraft, which the simulator counts as answered.
fn quiet(database: &Database) -> u64 {
    stored(database).get("quiet").map_or(0, |polls| u64::try_from(*polls).unwrap())
}

#[test]
fn each_outcome_is_recorded_in_sqlite() {
    each_outcome_is_recorded(&Setup::embedded());
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn each_outcome_is_recorded_in_postgresql() {
    each_outcome_is_recorded(&Setup::real());
}

#[test]
fn a_coverage_request_is_checked() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky);
    let app = setup.start();
    sky.wait_polls(1);
    eventually("a poll is stored", || (!stored(&setup.database()).is_empty()).then_some(()));
    for query in [
        "from=soon",
        "from=2&to=1",
        "from=0&to=2678401",
        "resolution=0",
        "resolution=86401",
        "resolution=x",
        "limit=1",
        "source=a&source=b",
        "format=geojson",
    ] {
        let status = app.get(&format!("/api/v1/coverage?{query}")).status;
        assert!(status == 400 || (query == "format=geojson" && status == 406), "{query}: {status}");
    }
    let nothing = app.get("/api/v1/coverage?source=roof").json();
    assert_eq!((&nothing["sources"], &nothing["gaps"], &nothing["fraction"]), (&json!([]), &json!([]), &Value::Null));
    let before = app.get("/api/v1/coverage?from=0&to=1000").json();
    assert_eq!(spans(&before), [("unknown".to_owned(), 0, 1_000)]);
    let moment = app.get("/api/v1/coverage?from=1000&to=1000").json();
    assert_eq!(moment["sources"][0]["spans"], json!([]));
    app.end();
}

#[test]
fn a_process_that_was_down_leaves_a_gap() {
    let sky = Sky::of(20);
    let setup = Setup::embedded().watching(&sky);
    let app = setup.start();
    eventually("a sum of polls is stored", || (stored(&setup.database()).values().sum::<i64>() > 5).then_some(()));
    app.kill_9();
    let killed = now();
    sleep(Duration::from_secs(5));
    let restarted = now();
    let app = setup.start();
    let polls = stored(&setup.database()).values().sum::<i64>();
    eventually("a sum of polls is stored", || {
        (stored(&setup.database()).values().sum::<i64>() > polls + 5).then_some(())
    });
    let coverage = app.get(&format!("/api/v1/coverage?from={}", killed - 60)).json();
    let spans = spans(&coverage);
    let gap = spans.iter().find(|(outcome, ..)| outcome == "no_record");
    let (_, from, to) = gap.unwrap_or_else(|| panic!("{spans:?}"));
    // Up to ten seconds of frequent polls were not recorded yet.
    assert!((killed - 12..=killed + 2).contains(from) && *to >= restarted, "{killed}..{restarted}: {spans:?}");
    assert!(spans.iter().filter(|(outcome, ..)| outcome == "live").count() >= 2, "{spans:?}");
    assert_eq!(coverage["gaps"], json!([{ "from": from, "to": to }]));
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn each_poll_is_stored_once_despite_kills_of_the_storing_process() {
    let sky = Sky::of(20);
    let setup = Setup::real().watching(&sky);
    let start = |setup: &Setup, role: &str| setup.clone().arguments(["serve", "--roles", role]).start();
    let collect = start(&setup, "collect");
    // Each change of the outcome is a record.
    let change_twice = || {
        sky.fault(Fault::new(Target::States, Status));
        wait_source(&collect, "unavailable");
        sky.clear_faults();
        wait_source(&collect, "live");
    };
    for failpoint in ["store-polls-sent", "store-polls-committed"] {
        let mut doomed = start(&setup.clone().failpoints(&format!("{failpoint}=1*off->return")), "store");
        while doomed.is_running() {
            change_twice();
        }
        assert_eq!(doomed.wait_exit(), None, "exited instead of being killed");
    }
    let store = start(&setup, "store");
    change_twice();
    store.kill_9();
    change_twice();
    let counted = counted_until_paused(&collect);
    let (store, live) = (start(&setup, "store"), start(&setup, "live"));
    wait_stored(&setup.database(), &counted);
    assert_eq!(counted.get("ok").copied(), i64::try_from(sky.polls()).ok());

    // Each record on Kafka is a row, and no other.
    let records = setup.polls().records();
    let key = |record: &Value| {
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        (format!("{} {}", text("source"), text("process")), record["started"].as_i64().unwrap())
    };
    assert!(records.iter().all(|record| record.key.as_deref() == Some(b"opensky") && record.partition == 0));
    let published: BTreeSet<_> = records.iter().map(|record| key(&record.json())).collect();
    eventually("every record is stored", || (keys(&setup.database()).len() >= published.len()).then_some(()));
    assert_eq!(keys(&setup.database()), published);
    assert!(records[0].headers.contains_key("schema-version"), "{:?}", records[0].headers);

    // Any process with the database serves them.
    let query = format!("/api/v1/coverage?to={}", now());
    let [stored, lived] = [&store, &live].map(|app| app.get(&query).json());
    assert_eq!(stored["sources"][0]["polls"].as_i64(), Some(counted.values().sum()));
    assert_eq!(
        stored["sources"][0]["spans"].as_array().map(Vec::len),
        lived["sources"][0]["spans"].as_array().map(Vec::len)
    );
    collect.get("/api/v1/coverage").problem(404);
    [collect, store, live].into_iter().for_each(TestApp::end);
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_invalid_record_of_a_poll_goes_to_the_dead_letters() {
    let setup = Setup::real().arguments(["--roles", "store"]);
    let app = setup.start();
    app.wait_actor("kafka-consumer-polls", "has its partition", |actor| {
        actor["observation"]["partitions"] == json!([0])
    });
    let record = |started: i64| {
        let record = json!({ "source": "roof", "kind": "readsb", "process": "a", "outcome": "live", "started": started,
            "ended": started, "polls": 1, "later": "ignored" });
        (Some("roof"), Some(record.to_string().into_bytes()))
    };
    let garbage = [Some(b"not JSON".to_vec()), None, Some(br#"{"source":"roof"}"#.to_vec())];
    let mut records = vec![record(1_000)];
    records.extend(garbage.iter().map(|value| (Some("garbage"), value.clone())));
    records.extend([record(2_000), record(1_000)]);
    setup.polls().write(Some(0), &records);
    eventually("the valid records are stored", || (keys(&setup.database()).len() == 2).then_some(()));
    let letters = eventually("each invalid record is a dead letter", || {
        let letters = setup.dead_letters().records();
        (letters.len() >= 3).then_some(letters)
    });
    let found: BTreeSet<_> = letters.iter().map(|letter| letter.value.clone()).collect();
    assert_eq!(found, garbage.into_iter().collect());
    assert!(letters.iter().all(|letter| letter.headers["source.topic"] == setup.polls().name()));
    app.wait_actor("kafka-consumer-polls", "counts them", |actor| {
        actor["observation"]["dead_letters"] == 3 && actor["observation"]["lag"] == 0
    });
    assert_eq!(app.sample("poll_records_total{kind=\"duplicate\"}"), Some(1.0));
    app.end();
}
