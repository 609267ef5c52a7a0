//! No secret is ever logged, at any log level and after any failure.

use simulator::{Fault, FaultKind, Target};

use crate::support::{ADMIN_TOKEN, Database, Setup, Sky, eventually};

const SASL_PASSWORD: &str = "the-password-of-kafka";
const DATABASE_PASSWORD: &str = "the-password-of-the-database";

const SECRETS: [&str; 4] = [Sky::CLIENT_SECRET, SASL_PASSWORD, DATABASE_PASSWORD, ADMIN_TOKEN];

/// Length of an access token in hex digits. Tests do not know the tokens that the simulator issues.
const TOKEN_LENGTH: usize = 64;

fn assert_no_secret(lines: &[String]) {
    for line in lines {
        let mut words = line.split(|c: char| !c.is_ascii_hexdigit());
        assert!(words.all(|word| word.len() != TOKEN_LENGTH), "an access token: {line}");
        for secret in SECRETS {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn no_secret_reaches_the_log() {
    let sky = Sky::of(20);
    let Database::Postgres(mut url) = Database::postgres() else { unreachable!() };
    url.set_password(Some(DATABASE_PASSWORD)).unwrap();
    let setup = Setup::real()
        .on(&Database::Postgres(url.clone()))
        .watching(&sky)
        .set("KAFKA_PROPERTIES", &format!("sasl.username=somebody,sasl.password={SASL_PASSWORD}"))
        .set("RUST_LOG", "trace");
    let app = setup.start();
    app.wait_ready();
    let client = app.sse();
    client.wait_states(20);
    setup.database().wait_more_than(0);
    // Every operation whose error message quotes a response fails once.
    for kind in [FaultKind::Status, FaultKind::Html, FaultKind::WrongTypes, FaultKind::Reset] {
        sky.simulator.revoke_tokens();
        sky.fault(Fault::new(Target::Token, kind).times(2));
        sky.fault(Fault::new(Target::States, kind).times(1));
    }
    sky.simulator.revoke_tokens();
    eventually("every fault has occurred", || sky.simulator.faults().pending().is_empty().then_some(()));
    app.ask("GET", "/admin/actors", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}-and-more"))]).problem(401);
    app.panic("db-writer");
    app.panic("poller");
    sky.wait_polls(2);
    let actors = app.ask("GET", "/admin/actors", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))]).text();
    assert_no_secret(&[actors, app.get("/metrics").text(), app.get("/health/ready").text()]);
    assert!(app.lines_with(" TRACE ") + app.lines_with(" DEBUG ") > 0, "nothing was logged at debug or trace");
    app.terminate();
    assert_no_secret(&app.log.wait_for_end());
}

#[test]
fn errors_of_unavailable_services_contain_no_secret() {
    let sky = Sky::of(20);
    let setup = Setup::embedded()
        .watching(&sky)
        .set("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
        .set(
            "KAFKA_PROPERTIES",
            &format!(
                "security.protocol=SASL_PLAINTEXT,sasl.mechanism=PLAIN,sasl.username=a,sasl.password={SASL_PASSWORD}"
            ),
        )
        .set("DATABASE_URL", &format!("postgres://somebody:{DATABASE_PASSWORD}@127.0.0.1:1/flights"))
        .set("RUST_LOG", "trace");
    let app = setup.start();
    sky.wait_polls(3);
    app.wait_actor("kafka-consumer-live", "fails", |actor| actor["last_error"].is_object());
    let actors = app.ask("GET", "/admin/actors", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))]).text();
    assert_no_secret(&[actors, app.get("/health/ready").text()]);
    app.terminate();
    assert_no_secret(&app.log.wait_for_end());
    let refused = setup.set("KAFKA_PARTITIONS", "none").arguments(["check-config"]).run();
    assert_eq!(refused.code, Some(2));
    assert_no_secret(&refused.log);
    assert_no_secret(&[refused.output]);
}

#[test]
fn a_property_unknown_to_librdkafka_is_rejected_at_the_start_without_its_value() {
    for property in ["sasl.pasword", "sasl.jaas.config", "ssl.truststore.password"] {
        let setup = Setup::embedded()
            .set("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
            .set("KAFKA_PROPERTIES", &format!("{property}={SASL_PASSWORD}"))
            .set("HTTP_HOST", "not a host");
        let refused = setup.run();
        assert_eq!(refused.code, Some(2));
        // Each problem is reported on its own line.
        for (line, part) in
            refused.log.iter().zip([format!("kafka.properties.{property} = ***"), "http.host".to_owned()])
        {
            assert!(line.contains(&part) && line.contains("environment variable"), "{line}");
        }
        assert_eq!(refused.log.len(), 2);
        assert_no_secret(&refused.log);
    }
}
