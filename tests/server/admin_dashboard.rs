//! `/admin/events`, and the operator's actions.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{ADMIN_TOKEN, Database, Proxy, Setup, Sky, TEST_TIMEOUT, TestApp};

const ACTIONS: [&str; 4] =
    ["/admin/polling/pause", "/admin/polling/resume", "/admin/actors/db-writer/restart", "/admin/drain"];

fn bearer() -> String {
    format!("Bearer {ADMIN_TOKEN}")
}

fn post(app: &TestApp, path: &str) -> u16 {
    app.ask("POST", path, &[("Authorization", &bearer())]).status
}

/// A client of `/admin/events`.
struct AdminEvents(Box<dyn Iterator<Item = (String, Value)>>);

impl AdminEvents {
    fn of(app: &TestApp, last_event_id: u64) -> Self {
        let mut socket = TcpStream::connect(&app.address).unwrap();
        socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        let request = format!(
            "GET /admin/events HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nLast-Event-ID: {last_event_id}\r\n\r\n",
            bearer()
        );
        std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
        let mut event = String::new();
        // The response head and the chunk sizes are skipped, since they match neither `event` nor `data`.
        let events = BufReader::new(socket).lines().map_while(Result::ok).filter_map(move |line| {
            match line.split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut event),
                Some(("data", data)) => return Some((event.clone(), serde_json::from_str(data).unwrap())),
                _ => {}
            }
            None
        });
        Self(Box::new(events))
    }

    /// Waits for an event of this kind that satisfies a condition.
    fn wait(&mut self, kind: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for (event, data) in self.0.by_ref().filter(|(event, _)| event == kind) {
            if is(&data) {
                return data;
            }
            last = serde_json::json!({ event: data });
        }
        panic!("the stream ended; the last {kind} event was {last}");
    }

    /// Waits for a log entry in which this actor enters this phase.
    fn wait_phase(&mut self, actor: &str, phase: &str) -> Value {
        self.wait("log", |entry| entry["actor"] == actor && entry["to"] == phase)
    }
}

#[test]
fn admin_endpoints_require_the_token() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    sky.wait_polls(1);
    let wrong = [("Authorization", "Bearer not-the-admin-token")];
    app.get("/admin/events").problem(401);
    app.ask("GET", "/admin/events", &wrong).problem(401);
    for path in ACTIONS {
        app.ask("POST", path, &[]).problem(401);
        app.ask("POST", path, &wrong).problem(401);
        // A link or a GET form on another site's page cannot trigger an action.
        let refused = app.ask("GET", path, &[("Authorization", &bearer())]);
        refused.problem(405);
        assert_eq!(refused.header("allow"), "POST", "{path}");
    }
    for _ in 0..5 {
        app.ask("POST", "/admin/drain", &wrong).problem(401);
    }
    app.ask("POST", "/admin/drain", &[("Authorization", &bearer())]).problem(429);
    app.ask("GET", "/admin/events", &[("Authorization", &bearer())]).problem(429);
    sky.wait_polls(2);
    app.wait_ready();
}

#[test]
fn admin_events_report_each_actor_and_its_phase_changes() {
    let sky = Sky::of(50);
    let app = Setup::embedded().watching(&sky).start();
    app.wait_ready();
    let mut events = AdminEvents::of(&app, 0);
    // The stream starts with earlier log entries.
    events.wait_phase("poller", "running");
    let vitals = events.wait("vitals", |vitals| vitals["actors"][0]["observation"].is_object());
    assert_eq!(vitals["course"], "serving");
    assert!(vitals["memory_bytes"].as_u64() > Some(1 << 20), "{vitals}");
    let names: Vec<_> =
        vitals["actors"].as_array().unwrap().iter().map(|actor| actor["name"].as_str().unwrap()).collect();
    for name in ["poller", "kafka-producer", "kafka-consumer-store", "db-writer", "kafka-consumer-live", "sse-hub"] {
        assert!(names.contains(&name), "{names:?}");
    }
    app.panic("db-writer");
    let entry = events.wait_phase("db-writer", "restarting");
    assert!(entry["reason"].as_str().unwrap().contains("injected"), "{entry}");
    let newest = events.wait_phase("db-writer", "running");
    sky.fail_polls();
    let failed = events.wait_phase("poller", "backing_off");
    assert!(failed["reason"].is_string(), "{failed}");

    // A client that reconnects receives only newer entries.
    let mut again = AdminEvents::of(&app, newest["id"].as_u64().unwrap());
    let first = again.wait("log", |_| true);
    assert!(first["id"].as_u64() > newest["id"].as_u64(), "{first}");
}

#[test]
fn a_pause_outlives_a_poller_restart_but_not_the_process() {
    let sky = Sky::of(20);
    let setup = Setup::embedded().watching(&sky);
    let app = setup.start();
    app.wait_ready();
    let mut events = AdminEvents::of(&app, 0);
    assert_eq!(post(&app, "/admin/polling/pause"), 202);
    events.wait("log", |entry| entry["kind"] == "order" && entry["action"] == "pause_polling");
    events.wait_phase("poller", "paused");
    let status = app.get("/api/v1/status").json();
    assert_eq!((&status["source"]["state"], &status["source"]["next_poll_at"]), (&"paused".into(), &Value::Null));
    app.panic("poller");
    events.wait_phase("poller", "restarting");
    events.wait_phase("poller", "paused");
    // One poll may have been in flight; after that, none may follow.
    let polled = |app: &TestApp| app.actor("poller")["observation"]["polls"].clone();
    events.wait("vitals", |_| true);
    let (polls, answered) = (polled(&app), sky.polls());
    for _ in 0..4 {
        events.wait("vitals", |_| true);
    }
    assert_eq!(polled(&app), polls);
    assert!(sky.polls() <= answered + 1, "{} polls after {answered}", sky.polls());

    assert_eq!(post(&app, "/admin/polling/resume"), 202);
    events.wait_phase("poller", "running");
    sky.wait_polls(2);
    assert_eq!(app.get("/api/v1/status").json()["source"]["state"], "live");

    assert_eq!(post(&app, "/admin/polling/pause"), 202);
    app.end();
    let app = setup.start();
    sky.wait_polls(2);
    app.wait_actor("poller", "polls again", |actor| actor["phase"] == "running");
}

#[test]
fn restarting_an_actor_loses_nothing() {
    let sky = Sky::of(100);
    let setup = Setup::embedded().watching(&sky);
    let app = setup.start();
    app.wait_ready();
    let client = app.sse();
    for name in ["poller", "kafka-producer", "kafka-consumer-store", "db-writer", "kafka-consumer-live"] {
        assert_eq!(post(&app, &format!("/admin/actors/{name}/restart")), 202, "{name}");
        let since = app.wait_actor(name, "restarted", |actor| actor["restarts"] == 1)["last_progress"].as_f64();
        app.wait_actor(name, "continues", |actor| actor["last_progress"].as_f64() > since);
        sky.wait_polls(1);
    }
    assert!(!client.seen().closed, "a client was disconnected");
    assert_eq!(post(&app, "/admin/actors/sse-hub/restart"), 202);
    client.wait("the end of the stream", |seen| seen.ended);
    let client = app.sse();
    client.wait_states(100);
    sky.fail_polls();
    // Only the response that the poller was receiving when it was restarted may be lost.
    setup.database().wait_more_than(sky.served().len() - 101);
    assert!(setup.database().rows().is_subset(&sky.served()));
    assert_eq!(
        app.ask("POST", "/admin/actors/nobody/restart", &[("Authorization", &bearer())]).problem(404)["status"],
        404
    );
    assert_eq!(app.metric("actor_restarts_total"), 6.0);
    // Requested restarts do not count as failures, so any number of them does not exhaust the restart limit.
    for restarts in 2..25 {
        assert_eq!(post(&app, "/admin/actors/db-writer/restart"), 202);
        app.wait_actor("db-writer", "restarted", |actor| actor["restarts"] == restarts);
    }
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_drain_takes_the_server_out_of_service_immediately_and_exits_cleanly() {
    let sky = Sky::of(100);
    let Database::Postgres(direct) = Database::postgres() else { unreachable!() };
    let proxy = Proxy::in_front_of(&format!("{}:{}", direct.host_str().unwrap(), direct.port().unwrap()));
    let mut url = direct.clone();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port)).unwrap();
    let setup = Setup::real().set("DATABASE_URL", url.as_str()).set("SERVER_SHUTDOWN_TIMEOUT", "100s").watching(&sky);
    let mut app = setup.start();
    app.wait_ready();
    let client = app.sse();
    let database = Database::Postgres(direct);
    database.wait_more_than(0);
    let mut events = AdminEvents::of(&app, 0);
    // A batch that cannot be stored delays the drain long enough to observe it.
    proxy.silent(true);
    events.wait_phase("db-writer", "backing_off");
    assert_eq!(post(&app, "/admin/drain"), 202);
    assert_eq!(app.get("/health/ready").status, 503);
    assert_eq!(app.get("/health/live").status, 200);
    assert_eq!(post(&app, "/admin/drain"), 202, "a drain can be requested again");
    for path in &ACTIONS[..3] {
        assert_eq!(post(&app, path), 409, "{path}");
    }
    events.wait("vitals", |vitals| vitals["course"] == "draining");
    app.wait_actor("poller", "is finished", |actor| actor["phase"] == "finished");
    proxy.silent(false);
    let last = events.0.filter(|(event, _)| event == "vitals").last().unwrap().1;
    assert_eq!(last["course"], "drained", "the last event of the stream");
    assert!(client.wait("the end of the stream", |seen| seen.closed).ended);
    assert_eq!(app.wait_exit(), Some(0));
    // States that were not stored are still in Kafka.
    assert!(database.rows().is_subset(&setup.topic().states()));
}
