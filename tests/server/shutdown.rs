//! On SIGTERM, the server finishes all accepted work, or its exit code says that it did not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Database, Proxy, Setup, Sky, TestApp, eventually};

const ROWS_BY_POLL: &str =
    "SELECT CAST(observed_at AS text) AS text, count(*) AS number FROM state_vectors GROUP BY observed_at";

/// Shuts the server down at 5,000 states per poll and asserts a clean drain.
///
/// One poll per second is as fast as a client of a debug build can read on a busy machine; a client that is far behind
/// is disconnected after two seconds.
fn drains_under_load(setup: &Setup, sky: &Sky) {
    let app = setup.clone().failpoints("poll-pause=return(1000)").start();
    app.wait_ready();
    let client = app.sse();
    client.wait_states(5_000);
    sky.wait_polls(2);
    let log = app.log.clone();
    app.end();
    let seen = client.wait("the end of the stream", |seen| seen.closed);
    assert!(seen.ended, "the stream was cut off");
    assert!(seen.retry.is_some_and(|millis| (1_000..6_000).contains(&millis)), "{:?}", seen.retry);
    assert_each_stage_was_measured(&log.wait_for_end());
}

/// Asserts that each stage logged its drain time, from the source to the clients, followed by the total.
fn assert_each_stage_was_measured(log: &[String]) {
    let measured = log.iter().filter_map(|line| {
        let (_, fields) = line.split_once(" drained actor=")?;
        let (actor, rest) = fields.split_once(' ')?;
        assert!(rest.starts_with("seconds=") && rest.ends_with(" left=0"), "{line}");
        Some(actor)
    });
    let mut measured: Vec<_> = measured.collect();
    // The consumers other than the live one are drained at the same time.
    measured[4..7].sort_unstable();
    measured[8..10].sort_unstable();
    let stages = [
        "poller",
        "merger",
        "kafka-producer",
        "detector",
        "kafka-consumer-alert-history",
        "kafka-consumer-polls",
        "kafka-consumer-store",
        "db-writer",
        "kafka-consumer-alerts",
        "kafka-consumer-live",
        "sse-hub",
    ];
    assert_eq!(measured, stages);
    let last = log.last().unwrap();
    assert!(last.contains(" shutdown complete seconds=") && last.ends_with("drained=true"), "{last}");
}

#[test]
fn under_load_every_message_of_the_embedded_broker_is_stored_before_exit() {
    let sky = Sky::of(5_000);
    let setup = Setup::embedded().watching(&sky);
    drains_under_load(&setup, &sky);
    // Each poll is stored completely, or not at all if its response arrived too late to be accepted.
    let polls = setup.database().pairs(ROWS_BY_POLL, "");
    assert!(polls.iter().all(|(_, rows)| *rows == 5_000), "{polls:?}");
    let (rows, served) = (setup.database().rows(), sky.served());
    assert!(rows.is_subset(&served) && rows.len() + 5_000 >= served.len(), "{} of {}", rows.len(), served.len());
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn under_load_every_message_of_kafka_is_stored_before_exit_or_after_the_next_start() {
    let sky = Sky::of(5_000);
    let setup = Setup::real().watching(&sky);
    drains_under_load(&setup, &sky);
    let (messages, served) = (setup.topic().states(), sky.served());
    assert_eq!(messages.len() % 5_000, 0, "a poll was published only partly");
    assert!(messages.is_subset(&served) && messages.len() + 5_000 >= served.len());
    assert_eq!(setup.topic().records().len(), messages.len());
    let rows = setup.database().rows();
    assert!(rows.is_subset(&messages));
    let app = setup.clone().arguments(["--roles", "store"]).start();
    setup.database().wait_rows(&messages);
    app.end();
    let end: i64 = setup.database().positions().values().sum();
    assert_eq!(end, i64::try_from(messages.len()).unwrap());
    assert_eq!(setup.topic().committed(setup.group()), setup.database().positions());
}

/// Starts a server whose database stops responding while states wait to be stored. The caller keeps the proxy alive.
fn with_a_hung_database(sky: &Sky, timeout: &str) -> (TestApp, Proxy) {
    let Database::Postgres(mut url) = Database::postgres() else { unreachable!() };
    let proxy = Proxy::in_front_of(&format!("{}:{}", url.host_str().unwrap(), url.port().unwrap()));
    let setup = Setup::real().on(&Database::Postgres(url.clone())).watching(sky);
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port)).unwrap();
    let setup = setup.set("DATABASE_URL", url.as_str()).set("SERVER_SHUTDOWN_TIMEOUT", timeout);
    let app = setup.start();
    setup.database().wait_more_than(0);
    proxy.silent(true);
    sky.wait_polls(3);
    (app, proxy)
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_second_signal_exits_immediately() {
    let sky = Sky::of(300);
    let (mut app, _proxy) = with_a_hung_database(&sky, "25s");
    app.terminate();
    app.log.wait("the producer is drained", |line| {
        (line.contains("drained") && line.contains("actor=kafka-producer")).then_some(())
    });
    // Within a short time, a second signal counts as the same request, forwarded by a terminal or a shell.
    #[expect(clippy::disallowed_methods, reason = "elapsed time matters here")]
    std::thread::sleep(Duration::from_millis(400));
    let began = Instant::now();
    app.terminate();
    assert_eq!(app.wait_exit(), Some(4));
    assert!(began.elapsed() < Duration::from_secs(15), "exited after {:?} of 25 s", began.elapsed());
    let log = app.log.wait_for_end().join("\n");
    assert!(log.contains("SIGTERM again: exiting immediately"));
}

#[test]
fn signals_in_quick_succession_count_as_one() {
    let sky = Sky::of(300);
    let mut app = Setup::embedded().watching(&sky).start();
    app.wait_ready();
    app.terminate();
    app.terminate();
    assert_eq!(app.wait_exit(), Some(0));
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_hung_database_does_not_delay_the_exit_beyond_its_deadline() {
    let sky = Sky::of(300);
    let (mut app, _proxy) = with_a_hung_database(&sky, "4s");
    let client = app.sse();
    let began = Instant::now();
    app.terminate();
    assert_eq!(app.wait_exit(), Some(4));
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    let seen = client.wait("the end of the stream", |seen| seen.closed);
    assert!(seen.ended && seen.retry.is_some(), "the client got no goodbye");
}

#[test]
fn sighup_without_a_lost_terminal_is_ignored() {
    let sky = Sky::of(50);
    let app = Setup::embedded().watching(&sky).start();
    app.wait_ready();
    app.signal(Signal::SIGHUP);
    app.log.wait("SIGHUP is ignored", |line| line.contains("ignored SIGHUP").then_some(()));
    let polls = sky.polls();
    eventually("polling continues", || (sky.polls() > polls).then_some(()));
    app.end();
}

#[test]
#[ignore = "needs script (util-linux): run it by `make test`"]
fn sighup_from_a_closed_terminal_drains_the_server() {
    let sky = Sky::of(50);
    let setup = Setup::embedded().watching(&sky);
    let log = setup.directory().join("log");
    let terminal = in_terminal(&setup, "exec", &log);
    wait_logged(&log, "  open      ");
    sky.wait_polls(2);
    close(terminal);
    wait_logged(&log, "SIGHUP: shutting down within");
    wait_logged(&log, "drained=true");
}

#[test]
#[ignore = "needs script (util-linux): run it by `make test`"]
fn a_server_started_with_nohup_outlives_its_terminal() {
    let sky = Sky::of(50);
    let setup = Setup::embedded().watching(&sky);
    let log = setup.directory().join("log");
    let terminal = in_terminal(&setup, "echo $$ > pid; exec nohup", &log);
    wait_logged(&log, "  open      ");
    close(terminal);
    let polls = sky.polls();
    eventually("polling continues", || (sky.polls() > polls + 2).then_some(()));
    let pid = std::fs::read_to_string(setup.directory().join("pid")).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.trim().parse().unwrap()), Signal::SIGTERM).unwrap();
    wait_logged(&log, "SIGTERM: shutting down within");
    wait_logged(&log, "drained=true");
}

/// Starts the server in its own terminal, with its log in a file.
fn in_terminal(setup: &Setup, before: &str, log: &Path) -> Child {
    let command = setup.command();
    let program = command.get_program().to_str().unwrap();
    let environment = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    Command::new("script")
        .args(["-qfec", &format!("{before} {program} 2>{}", log.display()), "/dev/null"])
        .env_clear()
        .envs(environment)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("SHELL", "/bin/sh")
        .current_dir(setup.directory())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Closes a terminal as a lost connection does: the server gets SIGHUP from the kernel only.
fn close(mut terminal: Child) {
    terminal.kill().unwrap();
    terminal.wait().unwrap();
}

fn wait_logged(log: &Path, text: &str) {
    eventually(text, || std::fs::read_to_string(log).ok()?.contains(text).then_some(()));
}
