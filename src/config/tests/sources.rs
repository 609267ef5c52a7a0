use std::ffi::OsString;

use super::*;
use crate::cli;

/// A value of each key that is not its default, as the environment has it, and as it is understood.
fn sample(path: &str) -> (&'static str, Shown) {
    let text = |value: &'static str| (value, Shown::text(value));
    let list = |value: &'static str| (value, Shown::List(value.split(',').map(str::to_owned).collect()));
    match path {
        "server.roles" => list("collect,live"),
        "server.shutdown_timeout" => text("40s"),
        "opensky.base_url" => text("http://127.0.0.1:8082/api"),
        "opensky.auth_url" => text("http://127.0.0.1:8082/token"),
        "opensky.credentials_file" => text("Cargo.toml"),
        "opensky.client_id" => text("me-api-client"),
        "opensky.client_secret" => ("hush", Shown::text("***")),
        "opensky.bounding_box" => text("-45.8,5.9,47.9,10.6"),
        "opensky.poll_interval" => text("90s"),
        "opensky.request_timeout" => text("1500ms"),
        "kafka.bootstrap_servers" => text("a:9092,b:9093"),
        "kafka.topic_raw" => text("flights"),
        "kafka.topic_dead_letter" => text("flights-dead"),
        "kafka.topic_alerts" => text("flights-alerts"),
        "kafka.partitions" => text("12"),
        "kafka.replication_factor" => text("3"),
        "kafka.group_id" => text("another group"),
        "kafka.properties" => {
            let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            (
                "security.protocol=SASL_SSL,sasl.password=hush",
                Shown::Map(vec![pair("sasl.password", "***"), pair("security.protocol", "SASL_SSL")]),
            )
        }
        "kafka.max_held" => text("128MiB"),
        "kafka.max_held_age" => text("10m"),
        "database.url" => ("postgres://me:hush@db/flights", Shown::text("postgres://me:***@db/flights")),
        "database.retention" => text("90d"),
        "database.summary_retention" => text("730d"),
        "database.flight_gap" => text("45m"),
        "database.compress_after" => text("6h"),
        "database.chunk_interval" => text("30m"),
        "http.host" => text("0.0.0.0"),
        "http.port" => text("9000"),
        "http.tls_certificate" | "http.tls_key" => text("Cargo.toml"),
        "http.trusted_proxies" => list("10.0.0.0/8,::1"),
        "sse.allowed_origins" => list("https://a.example,http://b:3000"),
        "sse.max_clients" => text("500"),
        "sse.max_clients_per_address" => text("9"),
        "sse.aircraft_timeout" => text("2m"),
        "sse.client_timeout" => text("10s"),
        "admin.token" => ("0123456789abcdef", Shown::text("***")),
        path => panic!("{path} has no sample"),
    }
}

/// Settings that make every sample legal by itself.
fn bench(path: &str) -> Bench {
    let bench = Bench::new();
    match path {
        "server.roles" => bench.env("KAFKA_BOOTSTRAP_SERVERS", "a:9092"),
        "http.tls_certificate" => bench.env("HTTP_TLS_KEY", "Cargo.toml"),
        "http.tls_key" => bench.env("HTTP_TLS_CERTIFICATE", "Cargo.toml"),
        "opensky.client_id" => bench.env("OPENSKY_CLIENT_SECRET", "hush"),
        "opensky.client_secret" => bench.env("OPENSKY_CLIENT_ID", "me"),
        _ => bench,
    }
}

#[track_caller]
fn check(bench: &Bench, path: &str, expected: &Shown, origin: &str) {
    let settings = bench.load().unwrap_or_else(|error| panic!("{path} by {origin}: {error}"));
    assert_eq!(shown(&settings, path), *expected, "{path} by {origin}");
    let rendered = effective(&settings);
    assert!(rendered.contains(&format!("# {origin}\n")), "{path} by {origin}:\n{rendered}");
    if !matches!(expected, Shown::Map(_)) {
        assert_eq!(settings.origin(path), origin, "{path}");
    }
}

#[test]
fn every_key_is_taken_from_the_file_the_environment_and_its_flag() {
    for key in keys::KEYS {
        let (text, expected) = sample(key.path);
        assert_ne!(text, key.default, "{}", key.path);

        let by_environment = bench(key.path).env(&key.environment(), text);
        check(&by_environment, key.path, &expected, &format!("environment variable {}", key.environment()));

        let file = config_file(&BTreeMap::from([(key.path, text.to_owned())]));
        let by_file = bench(key.path).file(&file);
        let origin = by_file.path(CONFIG_FILE).display().to_string();
        check(&by_file, key.path, &expected, &origin);

        let Some(flag) = key.flag() else { continue };
        let line = ["flight-monitor".to_owned(), "serve".to_owned(), format!("--{flag}"), text.to_owned()];
        let invocation = cli::parse(line.map(OsString::from)).unwrap();
        let cli::Command::Serve(args) = invocation.command else { panic!("{flag}: {invocation:?}") };
        let by_flag = Bench { flags: args.settings.0, ..bench(key.path) };
        check(&by_flag, key.path, &expected, &format!("flag --{flag}"));
    }
}

#[test]
fn without_anything_the_defaults_hold() {
    let settings = Bench::new().load().unwrap();
    for key in keys::KEYS {
        let text = match shown(&settings, key.path) {
            Shown::Text(text) => text,
            Shown::List(items) => items.join(","),
            Shown::Map(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
        };
        assert_eq!(text, key.default, "{}", key.path);
        assert_eq!(settings.origin(key.path), "default", "{}", key.path);
    }
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    assert_eq!(settings.rows().len(), keys::KEYS.len());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let port = |bench: Bench| bench.load().unwrap().http.port;
    let file = "http:\n  port: 1\n";
    assert_eq!(port(Bench::new().file(file)), 1);
    assert_eq!(port(Bench::new().file(file).env("HTTP_PORT", "2")), 2);
    assert_eq!(port(Bench::new().file(file).env("HTTP_PORT", "2").flag("http.port", "3")), 3);
    assert_eq!(port(Bench::new().file(file).flag("http.port", "3")), 3);
}

#[test]
fn properties_of_all_levels_are_joined_by_name() {
    let settings = Bench::new()
        .file("kafka:\n  properties: {client.rack: file, client.id: file, socket.timeout.ms: 300, ssl.ca.location: true}\n")
        .env("KAFKA_PROPERTIES", "client.id=environment")
        .flag("kafka.properties", "debug=broker\\,topic")
        .load()
        .unwrap();
    let pairs: Vec<_> = settings.kafka.properties.iter().collect();
    let expected = [
        ("client.id", "environment"),
        ("client.rack", "file"),
        ("debug", "broker,topic"),
        ("socket.timeout.ms", "300"),
        ("ssl.ca.location", "true"),
    ];
    assert_eq!(pairs, expected);
    assert_all(&effective(&settings), &["client.id: \"environment\"  # environment variable KAFKA_PROPERTIES"]);
}

#[test]
fn an_empty_environment_variable_counts_as_none_and_an_empty_flag_as_empty() {
    let file = "kafka:\n  bootstrap_servers: a:9092\n";
    let brokers = |bench: Bench| bench.load().unwrap().kafka.brokers;
    let named = Brokers::At("a:9092".to_owned());
    assert_eq!(brokers(Bench::new().file(file).env("KAFKA_BOOTSTRAP_SERVERS", "")), named);
    assert_eq!(brokers(Bench::new().file(file).flag("kafka.bootstrap_servers", "")), Brokers::Embedded);
    assert_eq!(Bench::new().env("HTTP_PORT", "").load().unwrap().http.port, 8081);
}

#[test]
fn lists_may_be_yaml_lists() {
    let settings = Bench::new()
        .file(
            "sse:\n  allowed_origins:\n    - http://a\n    - https://b\n\
             kafka:\n  bootstrap_servers: [a:9092, b:9092]\n\
             opensky:\n  bounding_box: [45.8, 5.9, 47, 10.6]\n",
        )
        .load()
        .unwrap();
    assert_eq!(settings.sse.allowed_origins.show(), ["http://a", "https://b"]);
    assert_eq!(settings.kafka.brokers.to_string(), "a:9092,b:9092");
    assert_eq!(settings.opensky.bounding_box.unwrap().to_string(), "45.8,5.9,47,10.6");
}

#[test]
fn files_that_say_nothing_are_fine() {
    for text in
        ["", "# nothing\n", "http:\n", "http: {}\n", "http:\n  # port: 1\n", "http:\n  port:\n", "database:\n  pass:\n"]
    {
        let settings = Bench::new().file(text).load().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(settings.http.port, 8081, "{text:?}");
    }
}

#[test]
fn a_file_with_a_byte_order_mark_and_crlf_is_read_and_other_encodings_are_named() {
    let reported = include_str!("../../../tests/data/config-bom-crlf.yaml");
    assert!(reported.starts_with('\u{feff}') && reported.contains("\r\n"));
    let settings = Bench::new().file(reported).load().unwrap();
    assert_eq!(settings.http.port, 18_099);
    assert_eq!(settings.opensky.base_url.as_str(), "http://127.0.0.1:18101/api");
    let bench = Bench::new();
    let utf16: Vec<u8> = "\u{feff}http:\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(bench.path(CONFIG_FILE), utf16).unwrap();
    assert_all(&bench.error(), &[CONFIG_FILE, "UTF-16", "save it as UTF-8"]);
    std::fs::write(bench.path(CONFIG_FILE), b"http:\n  host: caf\xe9\n").unwrap();
    assert_all(&bench.error(), &[CONFIG_FILE, "invalid UTF-8 at byte 17"]);
}

#[test]
fn a_named_file_must_exist_and_replaces_the_usual_one() {
    let bench = Bench::new().file("http:\n  port: 1\n");
    let load =
        |file: &Path| Settings::load_in(bench.directory.path(), Some(file), &Environment::default(), &Flags::none());
    let other = bench.path("other.yaml");
    assert_all(&load(&other).unwrap_err().to_string(), &["other.yaml", "cannot be read"]);
    std::fs::write(&other, "http:\n  host: 0.0.0.0\n").unwrap();
    assert_eq!(load(&other).unwrap().http.listen_on(), "0.0.0.0:8081");
}

#[test]
fn foreign_variables_are_left_alone_and_near_misses_are_warned_of() {
    let foreign = [
        "KAFKA_OPTS",
        "KAFKA_HEAP_OPTS",
        "KAFKA_HOME",
        "KAFKA_JMX_OPTS",
        "KAFKA_LOG4J_OPTS",
        "HTTP_PROXY",
        "http_proxy",
        "DATABASE_SERVICE_HOST",
        "ADMIN_EMAIL",
        "SERVER_NAME",
        "SERVER_SOFTWARE",
        "OPENSKY_HOME",
        "PATH",
        "KAFKA",
        "DATABASE_PORT_5432_TCP",
        "XHTTP_PORT",
        "KAFKA_",
    ];
    for name in foreign {
        let settings = Bench::new().env(name, "x").load().unwrap();
        assert!(settings.warnings.is_empty(), "{name}: {:?}", settings.warnings);
    }
    let near = [
        ("KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_GROUPID", "KAFKA_GROUP_ID"),
        ("SSE_MAX_CLIENT", "SSE_MAX_CLIENTS"),
        ("OPENSKY_CLIENT_SECRTE", "OPENSKY_CLIENT_SECRET"),
        ("DATABASE_PASSW", "DATABASE_PASS"),
        ("HTTP_PORTS", "HTTP_PORT"),
    ];
    for (name, meant) in near {
        let warnings = Bench::new().env(name, "hush").load().unwrap().warnings;
        let [warning] = &warnings[..] else { panic!("{name}: {warnings:?}") };
        assert_all(&warning.to_string(), &[name, meant]);
        assert!(!warning.to_string().contains("hush"));
    }
}

#[test]
fn the_address_of_a_kubernetes_service_is_no_port() {
    let bench = Bench::new().env("HTTP_PORT", "tcp://10.0.0.1:80").env("DATABASE_PORT", "tcp://10.0.0.2:5432");
    let settings = bench.load().unwrap();
    assert_eq!(settings.http.port, 8081);
    assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);
}

#[test]
fn compressing_what_is_gone_already_is_warned_of() {
    let settings = Bench::new().env("DATABASE_RETENTION", "1h").load().unwrap();
    assert_all(&settings.warnings[0].to_string(), &["database.compress_after is 2h", "database.retention is 1h"]);
}
