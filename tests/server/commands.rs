//! Commands other than `serve`, and exit codes.

use std::path::Path;

use crate::support::{Database, Setup, Sky, request};

fn recorded(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/opensky").join(name).display().to_string()
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_replay_reaches_the_database_and_the_stream() {
    let setup = Setup::real();
    let server = setup.clone().arguments(["serve", "--roles", "store,live"]).start();
    server.wait_ready();
    let client = server.sse();
    let file = recorded("extended-handpicked-2022-06-09-56.json");
    let replay = setup.clone().arguments(["replay", "--speed", "10", &file, &file]).run();
    assert_eq!(replay.code, Some(0), "{:?}", replay.log);
    let states = setup.topic().states();
    // Two of the 56 rows have times far in the future and are rejected.
    assert_eq!(states.len(), 54);
    setup.database().wait_rows(&states);
    client.wait_states(50);
    assert!(
        replay.log.iter().any(|line| line.contains("replayed") && line.contains("published=108")),
        "{:?}",
        replay.log
    );
    // The second file has the same timestamps as the first, so it contains no newer states.
    assert!(replay.log.iter().any(|line| line.contains("played in the same second")), "{:?}", replay.log);
    server.end();

    let missing = setup.clone().arguments(["replay", "/no/such/file.json"]).run();
    assert_eq!(missing.code, Some(1));
    assert!(missing.last_line().contains("/no/such/file.json"), "{}", missing.last_line());
}

#[test]
fn a_replay_into_the_broker_of_another_process_is_refused() {
    let file = recorded("extended-handpicked-2022-06-09-56.json");
    let replay = Setup::bare().arguments(["replay", &file]).run();
    assert_eq!(replay.code, Some(2));
    assert!(replay.last_line().contains("serve --replay"), "{}", replay.last_line());
}

#[test]
fn recorded_responses_are_served_as_recorded_traffic() {
    let file = recorded("extended-handpicked-2022-06-09-56.json");
    let setup = Setup::embedded().arguments(["serve", "--replay", &file]);
    let app = setup.start();
    app.wait_aircraft(41);
    let status = app.get("/api/v1/status").json();
    assert_eq!(status["demonstration"], true);
    assert_eq!((&status["traffic"], &status["recorded_at"]), (&"recorded".into(), &1_654_817_546.into()));
    setup.database().wait_more_than(40);
    for word in [
        "  source    opensky: 1 recorded responses",
        "  Kafka     embedded: in memory",
        "  database  embedded: sqlite://",
    ] {
        assert_eq!(app.lines_with(word), 1, "{word}");
    }
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn migrate_updates_the_schema_once() {
    for setup in [Setup::bare().on(&Database::postgres()), Setup::bare()] {
        let migrate = setup.clone().arguments(["migrate"]);
        let first = migrate.run();
        assert_eq!(first.code, Some(0), "{:?}", first.log);
        assert!(first.log.iter().any(|line| line.contains("applied: ")), "{:?}", first.log);
        assert_eq!(setup.database().rows().len(), 0);
        setup.database().execute("SELECT count(*) FROM ingest_position");
        let second = migrate.run();
        assert_eq!(second.code, Some(0));
        assert!(second.log.iter().any(|line| line.contains("already up to date")), "{:?}", second.log);
    }
}

#[test]
fn a_standalone_simulator_serves_a_server_in_another_process() {
    let arguments = ["simulate", "--address", "127.0.0.1:0", "--aircraft", "120", "--seed", "7"];
    let account = ["--client-id", "somebody", "--client-secret", "an-invented-secret"];
    let simulator = Setup::bare().arguments(arguments.into_iter().chain(account)).spawn();
    let variable = |name: &str| {
        let value = simulator.log.wait(name, |line| Some(line.split_once(&format!("{name}="))?.1.to_owned()));
        value.unwrap_or_else(|| panic!("the simulator ended"))
    };
    let (base_url, auth_url) = (variable("OPENSKY_BASE_URL"), variable("OPENSKY_AUTH_URL"));
    assert_eq!(request("GET", &format!("{base_url}/states/all"), &[]).status, 200, "also without an account");
    let setup = Setup::embedded()
        .set("OPENSKY_BASE_URL", &base_url)
        .set("OPENSKY_AUTH_URL", &auth_url)
        .set("OPENSKY_CLIENT_ID", "somebody")
        .set("OPENSKY_CLIENT_SECRET", "an-invented-secret");
    let app = setup.start();
    app.wait_aircraft(61);
    app.end();
    simulator.end();
}

#[test]
fn the_simulator_updates_every_aircraft_with_all_change() {
    let arguments = ["simulate", "--address", "127.0.0.1:0", "--aircraft", "30", "--all-change"];
    let simulator = Setup::bare().arguments(arguments).spawn();
    let base_url = simulator
        .log
        .wait("its address", |line| Some(line.split_once("OPENSKY_BASE_URL=")?.1.to_owned()))
        .unwrap_or_else(|| panic!("the simulator ended"));
    for _ in 0..2 {
        let answer = request("GET", &format!("{base_url}/states/all"), &[]).json();
        let states = answer["states"].as_array().unwrap();
        assert_eq!(states.len(), 30);
        assert!(states.iter().all(|row| row[4] == answer["time"]), "{states:?}");
    }
    simulator.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn check_config_accepts_a_valid_configuration_and_rejects_an_invalid_one() {
    let good = Setup::real().set("KAFKA_PROPERTIES", "sasl.password=hush-hush").arguments(["check-config"]).run();
    assert_eq!(good.code, Some(0), "{:?}", good.log);
    assert!(good.output.contains("bootstrap_servers") && !good.output.contains("hush-hush"), "{}", good.output);
    for (name, value, key) in
        [("HTTP_PORT", "many", "http.port"), ("OPENSKY_POLL_INTERVAL", "0s", "opensky.poll_interval")]
    {
        for command in [&["check-config"][..], &["serve"], &[]] {
            let ended = Setup::bare().set(name, value).arguments(command.iter().copied()).run();
            assert_eq!(ended.code, Some(2), "{command:?}");
            assert!(ended.last_line().contains(key) || ended.log.join("\n").contains(key), "{:?}", ended.log);
        }
    }
    assert_eq!(Setup::bare().arguments(["serve", "--no-such-flag"]).run().code, Some(2));
    assert_eq!(Setup::bare().arguments(["--version"]).run().code, Some(0));
}

#[test]
fn check_config_reads_the_files_needed_at_the_start() {
    let setup = Setup::bare().arguments(["check-config"]);
    let path = |name: &str| setup.directory().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = made.signing_key.serialize_pem();
    std::fs::write(path("cert.pem"), format!("\u{feff}{}", made.cert.pem())).unwrap();
    std::fs::write(path("key.pem"), key.replace('\n', "\r\n")).unwrap();
    std::fs::write(path("encrypted.pem"), key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")).unwrap();
    std::fs::write(path("credentials.txt"), "me:hush").unwrap();
    let tls = |certificate: &str, key: &str| {
        setup.clone().set("HTTP_TLS_CERTIFICATE", &path(certificate)).set("HTTP_TLS_KEY", &path(key))
    };
    let good = tls("cert.pem", "key.pem").run();
    assert_eq!(good.code, Some(0), "{:?}", good.log);
    let absent = path("absent.pem");
    for (setup, key, reason) in [
        (tls("cert.pem", "encrypted.pem"), "http.tls_key", "openssl pkey -in"),
        (tls("key.pem", "cert.pem"), "http.tls_certificate", "were the certificate and the key swapped?"),
        (
            setup.clone().set("OPENSKY_CREDENTIALS_FILE", &path("credentials.txt")),
            "opensky.credentials_file",
            "invalid JSON",
        ),
        (
            setup.clone().set("DATABASE_URL", &format!("postgres://db/f?sslmode=verify-full&sslrootcert={absent}")),
            "database.url",
            "absent.pem",
        ),
        (
            setup
                .clone()
                .set("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
                .set("KAFKA_PROPERTIES", &format!("security.protocol=SSL,ssl.ca.location={absent}")),
            "kafka.properties",
            "ssl.ca.location",
        ),
        (setup.clone().set("HTTP_HOST", "\"127.0.0.1\""), "http.host", "quotation marks"),
    ] {
        let refused = setup.run();
        assert_eq!(refused.code, Some(2), "{key}: {:?}", refused.log);
        let log = refused.log.join("\n");
        assert!(log.contains(key) && log.contains(reason) && log.contains("environment variable"), "{key}: {log}");
        assert!(!log.contains("hush"), "{log}");
    }
}

#[test]
fn an_address_in_use_stops_the_start_with_the_reason() {
    let sky = Sky::of(5);
    let first = Setup::embedded().watching(&sky).start();
    let port = first.address.rsplit_once(':').unwrap().1;
    let second = Setup::embedded().watching(&sky).set("HTTP_PORT", port).run();
    assert_eq!(second.code, Some(1));
    // Components that were started earlier may log after this line, so it need not be the last.
    let reason = format!("cannot listen on 127.0.0.1:{port}");
    assert!(second.log.iter().any(|line| line.contains(&reason)), "{:?}", second.log);
}

#[test]
fn the_health_command_checks_a_running_server() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let port = app.address.rsplit_once(':').unwrap().1.to_owned();
    let health = |port: &str| Setup::bare().set("HTTP_PORT", port).arguments(["health"]).run().code;
    assert_eq!(health(&port), Some(0));
    app.end();
    assert_eq!(health(&port), Some(1));
}

#[test]
fn without_a_configured_token_one_is_generated_that_only_the_owner_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky).set("ADMIN_TOKEN", "");
    let app = setup.start();
    let file = setup.directory().join("data/admin.token");
    let token = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let answer = app.ask("GET", "/admin/actors", &[("Authorization", &format!("Bearer {}", token.trim()))]);
    assert_eq!(answer.status, 200);
    assert_eq!(app.lines_with(token.trim()), 0);
}
