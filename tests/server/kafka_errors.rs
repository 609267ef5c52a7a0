//! The log, `/health/ready` and `/admin/actors` show why Kafka rejects requests or cannot be reached.

use std::net::TcpListener;
use std::sync::LazyLock;
use std::time::Instant;

use crate::support::{Service, Setup, Sky, TestApp, eventually};

/// Shared by all tests in this file, because a broker takes as much memory as all of their servers together.
/// `make test` stops it at the end.
static SECURED: LazyLock<Service> = LazyLock::new(|| {
    let kafka = Service::secured_kafka();
    kafka.allow("reader", &["--operation", "Read", "--topic", "*"]);
    kafka
});

fn login(user: &str, password: &str) -> String {
    format!("security.protocol=SASL_PLAINTEXT,sasl.mechanism=PLAIN,sasl.username={user},sasl.password={password}")
}

/// Returns a setup for the secured broker, logged in as `user`, with its own topics and consumer group.
fn logged_in_as(user: &str) -> Setup {
    Setup::embedded().on_kafka(&SECURED.address).set("KAFKA_PROPERTIES", &login(user, &format!("{user}-secret")))
}

/// Waits until an actor's failure is shown everywhere.
fn wait_reported(app: &TestApp, actor: &str, cause: &[&str]) {
    let has_cause = |text: &str| cause.iter().all(|part| text.contains(part));
    app.wait_actor(actor, &format!("reports {cause:?}"), |actor| {
        actor["last_error"]["message"].as_str().is_some_and(has_cause)
    });
    eventually(&format!("/health/ready reports {cause:?} for {actor}"), || {
        let ready = app.get("/health/ready").json();
        let part = ready["parts"].as_array()?.iter().find(|part| part["part"] == actor)?.clone();
        part["reason"].as_str().is_some_and(has_cause).then_some(())
    });
    let line = app.log.wait(&format!("{cause:?} by {actor}"), |line| {
        (line.contains(&format!("actor={actor}")) && has_cause(line)).then_some(())
    });
    assert!(line.is_some(), "{actor}: the server ended");
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn every_part_reports_an_outage_with_its_cause() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let unresolvable = SECURED.unresolvable_address();
    let wrong_password = login("admin", "guessed");
    let sky = Sky::of(10);
    let servers = [
        (&SECURED.address, &*wrong_password, vec!["Authentication failed", "kafka.properties"]),
        (&SECURED.address, "", vec!["closed by peer", "check security.protocol"]),
        (&closed, "", vec!["Connection refused", &closed]),
        (&unresolvable, "", vec!["nowhere.invalid", "advertised.listeners"]),
    ]
    .map(|(address, properties, cause)| {
        let setup = Setup::embedded().on_kafka(address).set("KAFKA_PROPERTIES", properties).watching(&sky);
        (setup.start(), cause)
    });
    for (app, cause) in &servers {
        for actor in ["kafka-producer", "kafka-consumer-store", "kafka-consumer-live", "detector"] {
            wait_reported(app, actor, cause);
        }
        assert!(!app.log.lines().join("\n").contains("guessed"), "the password is in the log");
    }
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_missing_acl_is_reported_with_its_topic_or_group_and_does_not_flood_the_log() {
    let sky = Sky::of(10);
    let admin = logged_in_as("admin").watching(&sky);
    let app = admin.start();
    app.wait_ready();
    app.end();
    let (topic, group) = (admin.topic().name().to_owned(), admin.group().to_owned());

    let began = Instant::now();
    let stranger = admin.clone().set("KAFKA_PROPERTIES", &login("stranger", "stranger-secret"));
    let app = stranger.start();
    for actor in ["kafka-producer", "kafka-consumer-store", "kafka-consumer-live", "detector"] {
        wait_reported(&app, actor, &[&topic, "authorization failed", "docs/operations.md"]);
    }
    app.wait_actor("kafka-producer", "keeps retrying", |actor| {
        actor["observation"]["failed_tries"].as_u64() > Some(12)
    });
    let lines = app.log.lines().iter().filter(|line| line.contains("kafka") && !line.contains(" INFO ")).count();
    let bound = 20 + began.elapsed().as_secs() / 2;
    assert!(lines as u64 <= bound, "{lines} lines within {:?}", began.elapsed());
    drop(app);

    // The role `live` needs only permission to read the topic; the consumer group of `store` is refused.
    let reader = admin.clone().set("KAFKA_PROPERTIES", &login("reader", "reader-secret"));
    let app = reader.clone().arguments(["--roles", "store,live"]).start();
    app.wait_ready();
    wait_reported(&app, "kafka-consumer-store", &[&group, "authorization failed"]);
    drop(app);

    // The role `detect` needs its group, and transactions.
    let app = reader.arguments(["serve", "--roles", "detect"]).start();
    let group = format!("{group}-detect");
    wait_reported(&app, "detector", &[&group, "authorization failed"]);
    SECURED.allow("reader", &["--operation", "Read", "--group", &group]);
    wait_reported(&app, "detector", &["ransactional", "uthorization failed"]);
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_command_without_permission_names_the_topic_it_needs() {
    let admin = logged_in_as("admin").arguments(["dead-letters"]);
    let ended = admin.run();
    assert_eq!((ended.code, &*ended.output), (Some(0), ""), "{:?}", ended.log);
    let stranger = admin.clone().set("KAFKA_PROPERTIES", &login("stranger", "stranger-secret"));
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/opensky/extended-fixture-2023-05-07-4.json");
    for (arguments, topic) in [(&["dead-letters"][..], admin.dead_letters()), (&["replay", recorded], admin.topic())] {
        let ended = stranger.clone().arguments(arguments.iter().copied()).run();
        assert_eq!(ended.code, Some(1), "{arguments:?}: {:?}", ended.log);
        let last = ended.last_line();
        assert!(last.contains(topic.name()) && last.contains("authorization failed"), "{arguments:?}: {last}");
    }
}
