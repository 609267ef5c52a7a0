//! Rules from files and from `/admin/rules`.

use std::fs;

use serde_json::{Value, json};

use crate::support::{ADMIN_TOKEN, HttpResponse, Setup, Sky, TestApp, eventually, request_with};

const EVERY_AIRCRAFT: &str = "rules:\n  every-aircraft: {when: {icao24: \"*\"}}\n";

fn bearer() -> String {
    format!("Bearer {ADMIN_TOKEN}")
}

fn put(app: &TestApp, headers: &[(&str, &str)], text: &str) -> HttpResponse {
    request_with("PUT", &format!("http://{}/admin/rules", app.address), headers, text)
}

fn rules(app: &TestApp) -> Value {
    let response = app.ask("GET", "/admin/rules", &[("Authorization", &bearer())]);
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

fn names(app: &TestApp) -> Vec<String> {
    let rules = rules(app);
    rules["rules"].as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
}

/// Returns the value of a rule's counter, 0 if there is none.
fn count(app: &TestApp, rule: &str, kind: &str) -> f64 {
    let start = format!("flight_monitor_rule_alerts_total{{rule=\"{rule}\",kind=\"{kind}\"}} ");
    let metrics = app.get("/metrics").text();
    metrics.lines().find_map(|line| line.strip_prefix(&start)).map_or(0.0, |count| count.parse().unwrap())
}

#[test]
fn rules_of_a_file_apply_until_they_are_removed_from_it() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky);
    let file = setup.directory().join("rules.yaml");
    fs::write(&file, EVERY_AIRCRAFT).unwrap();
    let app = setup.set("DETECT_RULES_FILES", file.to_str().unwrap()).start();
    eventually("all aircraft raise an alert", || (count(&app, "every-aircraft", "started") >= 5.0).then_some(()));

    fs::write(&file, "rules: {every-aircraft: {when: {altitude: 3}}}").unwrap();
    let status = || app.get("/api/v1/status").json()["rules"].clone();
    eventually("the invalid file is reported", || (status()["failed"] == true).then_some(()));
    assert_eq!(names(&app), ["emergency-squawk", "every-aircraft"], "the last rules are kept");
    assert!(rules(&app)["errors"][0].as_str().unwrap().contains("rules.yaml: rule every-aircraft: when.altitude"));
    assert!(app.get("/metrics").text().contains("flight_monitor_rules_up 0\n"));
    assert_eq!(count(&app, "every-aircraft", "ended"), 0.0);

    fs::write(&file, "").unwrap();
    eventually("the alerts end", || (count(&app, "every-aircraft", "ended") >= 5.0).then_some(()));
    assert_eq!(names(&app), ["emergency-squawk"]);
    assert_eq!((&status()["failed"], &status()["rules"]), (&json!(false), &json!(1)));
}

#[test]
fn the_operator_edits_the_rules() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky);
    let file = setup.directory().join("edited.yaml");
    let app = setup.set("DETECT_EDITED_RULES", file.to_str().unwrap()).start();
    let token = bearer();
    let operator = [("Authorization", token.as_str())];

    app.get("/admin/rules").problem(401);
    put(&app, &[], EVERY_AIRCRAFT).problem(401);
    put(&app, &[("Authorization", "Bearer not-the-admin-token")], EVERY_AIRCRAFT).problem(401);
    let refused = app.ask("DELETE", "/admin/rules", &operator);
    refused.problem(405);
    assert_eq!(refused.header("allow"), "GET, HEAD, PUT");
    assert!(!file.exists());

    let before = rules(&app)["edited"].clone();
    assert_eq!(before["text"], "");
    let invalid = put(&app, &operator, "rules:\n  r: {when: {altitud: 3}}\n").problem(400);
    let detail = invalid["detail"].as_str().unwrap();
    assert!(detail.ends_with("edited.yaml: rule r: when.altitud: unknown key; did you mean altitude?"), "{detail}");
    put(&app, &operator, "\u{1}").problem(400);
    assert!(!file.exists());

    let accepted = put(&app, &operator, EVERY_AIRCRAFT);
    assert_eq!((accepted.status, &accepted.json()["rules"]), (202, &json!(2)));
    assert_eq!(fs::read_to_string(&file).unwrap(), EVERY_AIRCRAFT);
    eventually("all aircraft raise an alert", || (count(&app, "every-aircraft", "started") >= 5.0).then_some(()));
    assert_eq!(rules(&app)["edited"]["text"], EVERY_AIRCRAFT);

    let outdated = [operator[0], ("If-Match", before["version"].as_str().unwrap())];
    put(&app, &outdated, "").problem(409);
    let tag = app.ask("GET", "/admin/rules", &operator).header("etag").to_owned();
    assert_eq!(put(&app, &[operator[0], ("If-Match", &tag)], "").status, 202);
    eventually("the alerts end", || (count(&app, "every-aircraft", "ended") >= 5.0).then_some(()));
}

#[test]
fn invalid_edits_are_refused_with_their_place() {
    let sky = Sky::of(1);
    let setup = Setup::embedded().watching(&sky);
    let file = setup.directory().join("edited.json");
    let app = setup.set("DETECT_EDITED_RULES", file.to_str().unwrap()).start();
    let token = bearer();
    let operator = [("Authorization", token.as_str())];
    let fence = |coordinates: Value| {
        let geojson = json!({ "type": "Polygon", "coordinates": coordinates });
        json!({ "fences": { "f": { "geojson": geojson } } }).to_string()
    };
    let bow_tie = json!([[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]);
    for (text, expected) in [
        ("{\n\"rules\": [}".to_owned(), "edited.json: invalid JSON: expected value at line 2 column 11"),
        ("[".repeat(100_000), "edited.json: invalid JSON: recursion limit exceeded at line 1"),
        ("[]".to_owned(), "edited.json: document: expected a mapping with the keys rules and fences"),
        (
            fence(json!([[[0, 0], [1, 0], [1, 99], [0, 0]]])),
            "fence f: geojson.coordinates[0][2]: latitude 99 is out of",
        ),
        (
            fence(bow_tie),
            "edited.json: fence f: geojson.coordinates[0][0]: the edge from here meets the edge from [0][2] at",
        ),
        (fence(json!("none")), "edited.json: fence f: geojson.coordinates: "),
    ] {
        let problem = put(&app, &operator, &text).problem(400);
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{expected}: {problem}");
    }
    let long = put(&app, &operator, &" ".repeat((4 << 20) + 1)).problem(413);
    assert_eq!(long["detail"], "the rules are longer than 4194304 bytes");
    assert!(!file.exists());
    assert_eq!(names(&app), ["emergency-squawk"]);
}

#[test]
fn rules_are_not_editable_by_default() {
    let sky = Sky::of(1);
    let app = Setup::embedded().watching(&sky).start();
    assert_eq!(rules(&app)["edited"], Value::Null);
    let problem = put(&app, &[("Authorization", &bearer())], EVERY_AIRCRAFT).problem(404);
    assert!(problem["detail"].as_str().unwrap().contains("detect.edited_rules is empty"), "{problem}");
}

#[test]
fn invalid_rules_are_refused_at_the_start_with_their_place() {
    for command in ["check-config", "serve"] {
        let setup = Setup::bare();
        let file = setup.directory().join("rules.yaml");
        fs::write(&file, "rules: {r: {when: {squak: 1}}}").unwrap();
        let ended = setup.set("DETECT_RULES_FILES", file.to_str().unwrap()).arguments([command]).run();
        assert_eq!(ended.code, Some(2), "{command}: {:?}", ended.log);
        let log = ended.log.join("\n");
        assert!(log.contains("rules.yaml: rule r: when.squak: unknown key; did you mean squawk?"), "{log}");
    }
}

#[test]
fn rules_test_finds_the_alerts_of_the_running_server_in_the_history() {
    let sky = Sky::of(50);
    let setup = Setup::embedded().watching(&sky);
    let file = setup.directory().join("rules.yaml");
    let text = "rules:\n  high: {when: {altitude: \"> 3 km\"}}\n  fast: {when: {speed: \"> 200 kt\"}}\n";
    fs::write(&file, text).unwrap();
    let setup = setup.set("DETECT_RULES_FILES", file.to_str().unwrap());
    let app = setup.start();
    sky.wait_polls(4);
    sky.fail_polls();
    setup.database().wait_rows(&sky.served());
    let counts = |app: &TestApp| {
        ["emergency-squawk", "fast", "high"].map(|rule| ["started", "ended"].map(|kind| count(app, rule, kind)))
    };
    let row = |rule: &Value| {
        let [alerts, active] = ["alerts", "active"].map(|name| rule[name].as_f64().unwrap());
        [alerts, alerts - active]
    };
    // The simulated time is ahead of the clock.
    let period = ["rules", "test", "--from", "2020-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"];
    let ended = setup.clone().arguments(period.into_iter().chain(["--json"])).run();
    assert_eq!(ended.code, Some(0), "{:?}", ended.log);
    let summary: Value = serde_json::from_str(&ended.output).unwrap();
    assert_eq!(summary["states"], sky.served().len());
    let tried: Vec<_> = summary["rules"].as_array().unwrap().iter().map(row).collect();
    eventually("the server has raised the same alerts", || (counts(&app)[..] == tried[..]).then_some(()));
    assert!(tried.iter().flatten().any(|count| *count > 0.0), "{summary}");
    TestApp::end(app);

    let lines = ["--alerts", "--rules", file.to_str().unwrap()];
    let ended = setup.clone().arguments(period.into_iter().chain(lines)).run();
    let changes = ended.output.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
    assert_eq!(changes as f64, tried.iter().flatten().sum::<f64>());
    for (arguments, reason) in
        [(["--from", "3000-01-01T00:00:00Z"], "is after --to"), (["--from", "1"], "No such file")]
    {
        let missing = ["--rules", if reason == "No such file" { "/nonexistent.yaml" } else { file.to_str().unwrap() }];
        let ended = setup.clone().arguments(["rules", "test"].into_iter().chain(arguments).chain(missing)).run();
        assert_ne!(ended.code, Some(0));
        assert!(ended.last_line().contains(reason), "{:?}", ended.log);
    }
}
