use std::ffi::OsString;

use super::*;
use crate::cli;

/// Returns a valid text other than the default, and its display form.
fn sample(setting: &Setting) -> (&'static str, String) {
    let candidates: &[&str] = match setting.placeholder {
        "TEXT" => &["another text"],
        "TOKEN" => &["0123456789abcdef"],
        "DIRECTORY" => &["lines"],
        "TABLE" => &["aircraft.csv.gz"],
        "RULES" => &["edited.yaml"],
        "PATH,…" => &["rules,more.yaml"],
        "FILE" => &["Cargo.toml"],
        "URL" => &["http://127.0.0.1:8082/api", "postgres://me:hush@db/flights"],
        "HOST" => &["0.0.0.0"],
        "PORT" => &["9000"],
        "N" => &["12"],
        "FOLDER|s3://BUCKET" => &["s3://flights/raw"],
        "ENDPOINT" => &["http://127.0.0.1:9000"],
        "true|false" => &["true", "false"],
        "DURATION" => &["1500ms", "90s", "45m", "36h", "730d"],
        "auto|DURATION" => &["90s"],
        "SIZE" => &["128MiB"],
        "LAMIN,LOMIN,LAMAX,LOMAX" => &["-45.8,5.9,47.9,10.6"],
        "HOST:PORT,…" => &["a:9092,b:9093"],
        "TOPIC" => &["flights"],
        "ORIGIN,…" => &["https://a.example,http://b:3000"],
        "NETWORK,…" => &["10.0.0.0/8,::1"],
        "K=V,…" => &["security.protocol=SASL_SSL,sasl.password=hush"],
        "ROLE,…" => &["collect,live"],
        placeholder => panic!("no sample for {placeholder}"),
    };
    let text =
        candidates.iter().find(|text| **text != setting.default && setting.check(text, "sample").is_ok()).unwrap();
    let display = match (setting.shape, setting.secrecy) {
        (Shape::Map, _) => "sasl.password=***,security.protocol=SASL_SSL".to_owned(),
        (_, Secrecy::Public) => (*text).to_owned(),
        (_, Secrecy::MayHoldSecret) => text.replace("hush", "***"),
        (_, Secrecy::Secret) => "***".to_owned(),
    };
    (text, display)
}

/// Returns a configuration with the other settings that the sample for this path requires.
fn sandbox(path: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    match path {
        "server.roles" | "kafka.topic_latest" | "kafka.topic_enriched" => {
            sandbox.env("KAFKA_BOOTSTRAP_SERVERS", "a:9092")
        }
        "http.tls_certificate" => sandbox.env("HTTP_TLS_KEY", "Cargo.toml"),
        "http.tls_key" => sandbox.env("HTTP_TLS_CERTIFICATE", "Cargo.toml"),
        "opensky.own" => sandbox.env("OPENSKY_CLIENT_ID", "me").env("OPENSKY_CLIENT_SECRET", "hush"),
        "opensky.client_id" => sandbox.env("OPENSKY_CLIENT_SECRET", "hush"),
        "opensky.client_secret" => sandbox.env("OPENSKY_CLIENT_ID", "me"),
        _ => sandbox,
    }
}

#[track_caller]
fn check(sandbox: &Sandbox, path: &str, expected: &str, origin: &str) {
    let settings = sandbox.load().unwrap_or_else(|error| panic!("{path} by {origin}: {error}"));
    assert_eq!(shown(&settings, path), expected, "{path} by {origin}");
    let rendered = effective(&settings);
    assert!(rendered.contains(&format!("# {origin}\n")), "{path} by {origin}:\n{rendered}");
    if find(path).shape != Shape::Map {
        assert_eq!(settings.origin(path), origin, "{path}");
    }
}

#[test]
fn every_setting_is_read_from_the_file_the_environment_and_its_flag() {
    for setting in settings() {
        let path = setting.path;
        let (text, expected) = sample(setting);
        assert_ne!(text, setting.default, "{path}");

        let variable = setting.variable();
        let by_environment = sandbox(path).env(&variable, text);
        check(&by_environment, path, &expected, &format!("environment variable {variable}"));

        let by_file = sandbox(path).file(&config_file(&BTreeMap::from([(path, text.to_owned())])));
        let origin = by_file.path(CONFIG_FILE).display().to_string();
        check(&by_file, path, &expected, &origin);

        let Some(flag) = setting.flag() else { continue };
        let line = ["flight-monitor".to_owned(), "serve".to_owned(), format!("--{flag}"), text.to_owned()];
        let invocation = cli::parse(line.map(OsString::from)).unwrap();
        let cli::Command::Serve(args) = invocation.command else { panic!("{flag}: {invocation:?}") };
        let by_flag = Sandbox { flags: args.settings.0, ..sandbox(path) };
        check(&by_flag, path, &expected, &format!("flag --{flag}"));
    }
}

#[test]
fn without_any_source_the_defaults_apply() {
    let defaults = Sandbox::new().load().unwrap();
    for setting in settings() {
        assert_eq!(shown(&defaults, setting.path), setting.default, "{}", setting.path);
        assert_eq!(defaults.origin(setting.path), "default", "{}", setting.path);
    }
    assert!(defaults.warnings.is_empty(), "{:?}", defaults.warnings);
    assert_eq!(defaults.rows().len(), settings().count());
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let port = |sandbox: Sandbox| sandbox.load().unwrap().http.port;
    let file = "http:\n  port: 1\n";
    assert_eq!(port(Sandbox::new().file(file)), 1);
    assert_eq!(port(Sandbox::new().file(file).env("HTTP_PORT", "2")), 2);
    assert_eq!(port(Sandbox::new().file(file).env("HTTP_PORT", "2").flag("http.port", "3")), 3);
    assert_eq!(port(Sandbox::new().file(file).flag("http.port", "3")), 3);
}

#[test]
fn properties_of_all_layers_are_merged_by_name() {
    let settings = Sandbox::new()
        .file("kafka:\n  properties: {client.rack: file, client.id: file, socket.timeout.ms: 300, ssl.ca.location: true}\n")
        .env("KAFKA_PROPERTIES", "client.id=environment")
        .flag("kafka.properties", "debug=broker\\,topic")
        .load()
        .unwrap();
    let pairs: Vec<_> = settings.kafka.properties.expose().iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
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
fn an_empty_variable_is_ignored_and_an_empty_flag_is_an_empty_value() {
    let file = "kafka:\n  bootstrap_servers: a:9092\n";
    let brokers = |sandbox: Sandbox| sandbox.load().unwrap().kafka.bootstrap_servers;
    let named = Brokers::At("a:9092".to_owned());
    assert_eq!(brokers(Sandbox::new().file(file).env("KAFKA_BOOTSTRAP_SERVERS", "")), named);
    assert_eq!(brokers(Sandbox::new().file(file).flag("kafka.bootstrap_servers", "")), Brokers::Embedded);
    assert_eq!(Sandbox::new().env("HTTP_PORT", "").load().unwrap().http.port, 8081);
}

#[test]
fn lists_may_be_yaml_lists() {
    let settings = Sandbox::new()
        .file(
            "sse:\n  allowed_origins:\n    - http://a\n    - https://b\n\
             kafka:\n  bootstrap_servers: [a:9092, b:9092]\n\
             opensky:\n  bounding_box: [45.8, 5.9, 47, 10.6]\n",
        )
        .load()
        .unwrap();
    assert_eq!(settings.sse.allowed_origins.display(), "http://a,https://b");
    assert_eq!(settings.kafka.bootstrap_servers.to_string(), "a:9092,b:9092");
    assert_eq!(settings.opensky.bounding_box.unwrap().to_string(), "45.8,5.9,47,10.6");
}

#[test]
fn empty_files_and_sections_are_accepted() {
    for text in
        ["", "# nothing\n", "http:\n", "http: {}\n", "http:\n  # port: 1\n", "http:\n  port:\n", "database:\n  pass:\n"]
    {
        let settings = Sandbox::new().file(text).load().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(settings.http.port, 8081, "{text:?}");
    }
}

#[test]
fn byte_order_marks_and_crlf_are_accepted_and_other_encodings_are_named() {
    let reported = include_str!("../../../tests/data/config-bom-crlf.yaml");
    assert!(reported.starts_with('\u{feff}') && reported.contains("\r\n"));
    let settings = Sandbox::new().file(reported).load().unwrap();
    assert_eq!(settings.http.port, 18_099);
    assert_eq!(settings.opensky.base_url.url().as_str(), "http://127.0.0.1:18101/api");
    let sandbox = Sandbox::new();
    let utf16: Vec<u8> = "\u{feff}http:\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(sandbox.path(CONFIG_FILE), utf16).unwrap();
    assert_all(&sandbox.error(), &[CONFIG_FILE, "UTF-16", "save it as UTF-8"]);
    std::fs::write(sandbox.path(CONFIG_FILE), b"http:\n  host: caf\xe9\n").unwrap();
    assert_all(&sandbox.error(), &[CONFIG_FILE, "invalid UTF-8 at byte 17"]);
}

#[test]
fn a_named_file_must_exist_and_replaces_the_default_one() {
    let sandbox = Sandbox::new().file("http:\n  port: 1\n");
    let load =
        |file: &Path| Settings::load_in(sandbox.directory.path(), Some(file), &Environment::default(), &Flags::none());
    let other = sandbox.path("other.yaml");
    assert_all(&load(&other).unwrap_err().to_string(), &["other.yaml", "cannot be read"]);
    std::fs::write(&other, "http:\n  host: 0.0.0.0\n").unwrap();
    assert_eq!(load(&other).unwrap().http.listen_on(), "0.0.0.0:8081");
}

#[test]
fn foreign_variables_are_ignored_and_near_misses_raise_a_warning() {
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
        let settings = Sandbox::new().env(name, "x").load().unwrap();
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
        let warnings = Sandbox::new().env(name, "hush").load().unwrap().warnings;
        let [warning] = &warnings[..] else { panic!("{name}: {warnings:?}") };
        assert_all(&warning.to_string(), &[name, meant]);
        assert!(!warning.to_string().contains("hush"));
    }
}

#[test]
fn the_address_of_a_kubernetes_service_is_not_a_port() {
    let sandbox = Sandbox::new().env("HTTP_PORT", "tcp://10.0.0.1:80").env("DATABASE_PORT", "tcp://10.0.0.2:5432");
    let settings = sandbox.load().unwrap();
    assert_eq!(settings.http.port, 8081);
    assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);
}

#[test]
fn compressing_after_the_retention_raises_a_warning() {
    let settings = Sandbox::new().env("DATABASE_RETENTION", "1h").load().unwrap();
    assert_all(&settings.warnings[0].to_string(), &["database.compress_after is 2h", "database.retention is 1h"]);
}
