//! Alerts, dashboard and documentation refer only to metrics that `/metrics` serves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use simulator::{Fault, FaultKind, Target};

use crate::support::{Setup, Sky, SseClient, TestApp, eventually};
use crate::timescale::timescale;

const ALERTS: &str = include_str!("../../deploy/prometheus/alerts.yml");
const DASHBOARD: &str = include_str!("../../deploy/grafana/flight-monitor.json");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Returns the types of all served metrics by the names used in queries. Combines two servers with every role, one on
/// SQLite with an aircraft table and a webhook, and one on TimescaleDB.
fn served() -> BTreeMap<String, &'static str> {
    let sky = Sky::of(5);
    let table = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&table, "icao24,registration\n4b1814,HB-JCA\n").unwrap();
    let table = table.path().to_str().unwrap();
    let app = Setup::embedded()
        .watching(&sky)
        .set("ENRICHMENT_AIRCRAFT_TABLE", table)
        .set("NOTIFY_HOOK_KIND", "webhook")
        .set("NOTIFY_HOOK_URL", "https://hook.invalid/")
        .start();
    for path in ["store", "live"] {
        let actor = format!("kafka-consumer-{path}");
        app.wait_actor(&actor, "reports its lag", |actor| actor["observation"]["lag"].is_u64());
    }
    let with_timescale = Setup::embedded().on(&timescale()).watching(&sky).failpoints("jobs-pause=return(500)").start();
    with_timescale.wait_actor("db-writer", "reports the jobs", |actor| {
        actor["observation"]["jobs"].as_array().is_some_and(|jobs| !jobs.is_empty())
    });
    let text = app.get("/metrics").text() + &with_timescale.get("/metrics").text();
    let mut served = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        match kind {
            "counter" => drop(served.insert(name.to_owned(), "counter")),
            "gauge" => drop(served.insert(name.to_owned(), "gauge")),
            "histogram" => {
                for suffix in ["bucket", "sum", "count"] {
                    served.insert(format!("{name}_{suffix}"), "histogram");
                }
            }
            other => panic!("{name} is a {other}"),
        }
    }
    served
}

/// Returns every metric of this project that a text mentions.
fn named(text: &str) -> BTreeSet<&str> {
    let letters = |text: &str| text.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(text.len());
    text.match_indices("flight_monitor_").map(|(at, _)| &text[at..at + letters(&text[at..])]).collect()
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn every_monitored_metric_is_served_and_named_by_convention() {
    let served = served();
    for (file, text) in [("alerts.yml", ALERTS), ("the dashboard", DASHBOARD), ("operations.md", OPERATIONS)] {
        let named = named(text);
        let unknown: Vec<_> = named.iter().filter(|name| !served.contains_key(**name)).collect();
        assert!(unknown.is_empty(), "{file} uses metrics that are not served: {unknown:?}");
        assert!(file == "operations.md" || named.len() > 8, "{file} uses only {named:?}");
    }
    for (name, kind) in &served {
        assert!(name.starts_with("flight_monitor_"), "{name}");
        assert!(*kind != "histogram" || name.contains("_seconds_"), "{name} has no unit");
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
    }
    // A counter only increases, so an alert on its plain value is meaningless.
    let rules = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    for rule in rules {
        for name in named(rule).into_iter().filter(|name| served.get(*name) == Some(&"counter")) {
            assert!(rule.contains("increase(") || rule.contains("rate("), "{name} in {rule}");
        }
    }
}

#[test]
fn every_alert_is_documented() {
    let alerts: BTreeSet<_> = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    let (_, section) = OPERATIONS.split_once("\n## Alerts\n").unwrap();
    let explained: BTreeSet<_> = section
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('|').nth(1).unwrap().split(", "))
        .map(|name| name.trim().trim_matches('`'))
        .collect();
    assert_eq!(alerts, explained, "alerts, and the alerts that docs/operations.md documents");
}

#[test]
fn the_dashboard_is_valid() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "duplicate panel id: {}", panel["title"]);
        let place = &panel["gridPos"];
        for (x, y) in cells(place) {
            assert!(places.insert((x, y)), "{} overlaps another panel", panel["title"]);
        }
        for target in panel["targets"].as_array().unwrap() {
            assert!(target["expr"].as_str().unwrap().contains("$instance"), "{}", panel["title"]);
        }
    }
    let all: BTreeSet<_> = dashboard["panels"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert!(all.iter().any(|panel| panel.contains("flight_monitor_consumer_lag_records")));
}

fn cells(place: &Value) -> impl Iterator<Item = (u64, u64)> {
    let number = |name: &str| place[name].as_u64().unwrap();
    let (x, y, w, h) = (number("x"), number("y"), number("w"), number("h"));
    (x..x + w).flat_map(move |x| (y..y + h).map(move |y| (x, y)))
}

/// Returns the name and labels of each counter sample.
fn counters(app: &TestApp) -> BTreeSet<String> {
    let text = app.get("/metrics").text();
    let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    samples
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.split('{').next().unwrap().ends_with("_total"))
        .collect()
}

#[test]
fn every_counter_is_served_from_the_start() {
    let sky = Sky::of(20);
    let app = Setup::embedded().watching(&sky).start();
    let from_the_start = counters(&app);
    assert!(
        from_the_start.contains("flight_monitor_bad_rows_total{source=\"opensky\",kind=\"lat\"}"),
        "{from_the_start:?}"
    );
    let count = |name: &str| app.metric(name);
    sky.fault(Fault::new(Target::States, FaultKind::BadRows));
    eventually("a bad row is counted", || (count("bad_rows_total") > 0.0).then_some(()));
    sky.fault(Fault::new(Target::States, FaultKind::Html));
    let malformed = || app.sample("polls_total{source=\"opensky\",kind=\"malformed\"}");
    eventually("a malformed answer is counted", || (malformed() > Some(0.0)).then_some(()));
    sky.clear_faults();
    let _clients = ["gzip", "zstd"].map(|encoding| {
        ["/sse/flights", "/api/v1/stream"]
            .map(|path| SseClient::ask_for(path, &app.address, &[("Accept-Encoding", encoding)]))
    });
    let kinds = ["telemetry", "delta", "snapshot"];
    eventually("events of each kind are encoded", || {
        let encoded = |kind: &&str| app.sample(&format!("sse_encodings_total{{kind=\"{kind}\"}}")) > Some(0.0);
        kinds.iter().all(encoded).then_some(())
    });
    eventually("rows are stored", || (count("rows_total") > 0.0).then_some(()));
    let late: Vec<_> = counters(&app).difference(&from_the_start).cloned().collect();
    assert!(late.is_empty(), "counters that appear with their first event: {late:?}");
}

#[test]
fn metrics_are_served_in_the_format_of_the_accept_header() {
    let app = Setup::embedded().watching(&Sky::of(5)).start();
    let ask = |headers: &[(&str, &str)]| {
        let answer = app.ask("GET", "/metrics", headers);
        assert_eq!(answer.header("vary"), "Accept");
        (answer.header("content-type").to_owned(), answer.text())
    };
    let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let (content_type, open_metrics) = ask(&[("Accept", prometheus)]);
    assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open_metrics.contains("# TYPE flight_monitor_polls counter\n") && open_metrics.ends_with("# EOF\n"));
    for headers in [&[][..], &[("Accept", "*/*")], &[("Accept", "text/plain;version=0.0.4")]] {
        let (content_type, text) = ask(headers);
        assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
        assert!(text.contains("# TYPE flight_monitor_polls_total counter\n"), "{text}");
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
    }
}

#[test]
#[ignore = "needs promtool: run it by `make test`"]
fn promtool_accepts_the_metrics() {
    let app = Setup::embedded().watching(&Sky::of(5)).start();
    app.wait_actor("kafka-consumer-store", "reports its lag", |actor| actor["observation"]["lag"].is_u64());
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(&app.get("/metrics").body).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let said = [checked.stdout, checked.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!((checked.status.code(), said), (Some(0), [String::new(), String::new()]));
}
