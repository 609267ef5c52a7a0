use super::*;

/// Returns a text that a setting of this type rejects, and part of the reason.
fn bad(setting: &Setting) -> (&'static str, &'static str) {
    match setting.placeholder {
        "TEXT" => ("two\nlines", "line break"),
        "TOKEN" => ("short", "5 characters"),
        "DIRECTORY" | "TABLE" | "RULES" | "PATH,…" => ("two\nlines", "line break"),
        "FILE" => ("no/such/file", "file does not exist"),
        "URL" if setting.secrecy == Secrecy::Public => ("ftp://opensky", "scheme \"ftp\""),
        "URL" => ("mysql://db/flights", "unknown database scheme \"mysql\""),
        "HOST" => ("a b", ""),
        "PORT" => ("65536", "out of range"),
        "N" => ("many", "not a whole number"),
        "FOLDER|s3://BUCKET" => ("gs://flights", "unknown scheme gs://"),
        "ENDPOINT" => ("minio:9000", "neither http nor https"),
        "true|false" => ("yes", "neither true nor false"),
        "DURATION" => ("10", "no unit; write 10s"),
        "auto|DURATION" => ("5000", "no unit"),
        "SIZE" => ("64", "no unit"),
        "LAMIN,LOMIN,LAMAX,LOMAX" => ("1,2,3", "3 parts"),
        "HOST:PORT,…" => ("kafka:port", "invalid port"),
        "TOPIC" => ("a/b", "'/'"),
        "ORIGIN,…" => ("http://a/", "not even a slash"),
        "NETWORK,…" => ("10.0.0.0/33", "neither an address nor a network"),
        "K=V,…" => ("hush", "has no ="),
        "ROLE,…" => ("watch", "unknown role \"watch\""),
        placeholder => panic!("no bad value for {placeholder}"),
    }
}

#[test]
fn a_bad_value_is_shown_with_its_key_value_origin_and_expectation() {
    for setting in settings() {
        let (text, reason) = bad(setting);
        let value = setting.quote_rejected(text);
        let check = |sandbox: Sandbox, origin: &str| {
            let error = sandbox.error();
            assert_all(&error, &[&format!("{} = {value} (", setting.path), origin, reason]);
            // A path is only checked for the existence of the file.
            let expected = if setting.placeholder == "FILE" { "expected".to_owned() } else { setting.expected() };
            assert_all(&error, &[&expected]);
        };
        let variable = setting.variable();
        check(Sandbox::new().env(&variable, text), &format!("(environment variable {variable})"));
        if setting.shape != Shape::Map {
            let yaml = format!("{}:\n  {}: {}\n", setting.section(), setting.name(), serde_json::Value::from(text));
            check(Sandbox::new().file(&yaml), CONFIG_FILE);
        }
        if let Some(flag) = setting.flag() {
            check(Sandbox::new().flag(setting.path, text), &format!("(flag --{flag})"));
        }
    }
}

#[test]
fn bad_values_are_rejected_with_a_reason() {
    let check = |name: &str, text: &str, reason: &str| assert_all(&Sandbox::new().env(name, text).error(), &[reason]);
    check("OPENSKY_BOUNDING_BOX", "-20,175,-15,-175", "antimeridian");
    check("OPENSKY_BASE_URL", "http://me:hush@opensky", "http://me:***@opensky");
    check("OPENSKY_BASE_URL", "https://opensky/api?key=1", "query");
    check("OPENSKY_POLL_INTERVAL", "0s", "shorter than 1s");
    check("SSE_MAX_CLIENTS", "0", "from 1 to 1000000");
    check("SSE_ALLOWED_ORIGINS", "*,http://a", "cannot be combined");
    check("KAFKA_PARTITIONS", "-1", "from 1 to 10000");
    check("KAFKA_PARTITIONS", "1.5", "from 1 to 10000");
    assert_all(&Sandbox::new().flag("kafka.group_id", "  ").error(), &["it is empty"]);
    check("KAFKA_PROPERTIES", "group.id=mine", "use kafka.group_id instead");
    check("KAFKA_PROPERTIES", "bootstrap.servers=a", "use kafka.bootstrap_servers instead");
    check("KAFKA_PROPERTIES", "sasl.pasword=hush", "kafka.properties.sasl.pasword = *** (environment variable");
    check("KAFKA_PROPERTIES", "sasl.pasword=hush", "librdkafka has no property sasl.pasword");
    check("KAFKA_PROPERTIES", "security.protocol=SASL", "librdkafka rejects the value of security.protocol");
    check("KAFKA_PROPERTIES", "acks=1", "the program's own value");
    check("DATABASE_URL", "postgres:///flights", "the host is missing");
    check("DATABASE_URL", "postgres://db/flights?sslmode=strict", "sslmode must be disable, allow,");
    check("DATABASE_URL", "postgres://db/flights?colour=red", "colour");
    check("DATABASE_URL", "postgres://db/flights?sslcert=a.pem", "client certificates are not supported");
    check("DATABASE_URL", "postgres://me:hu@sh@db/flights", "more than one @");
    check("DATABASE_URL", "sqlite://f.db?mode=ro", "parameters are not supported for SQLite");
    check("SERVER_ROLES", "collect,,watch", "\"watch\"");
    check("SERVER_ROLES", ",", "it is empty");
    check("ADMIN_TOKEN", "0123456789 abcdef", "space");
    check("OPENSKY_CLIENT_ID", "me", "opensky.client_secret is missing");
    check("OPENSKY_CLIENT_SECRET", "hush", "opensky.client_id is missing");
    check("KAFKA_TOPIC_DEAD_LETTER", "telemetry.raw", "the same topic");
    check("KAFKA_TOPIC_LATEST", "telemetry.latest", "set kafka.bootstrap_servers");
    check("KAFKA_TOPIC_ENRICHED", "telemetry.enriched", "the embedded Kafka cannot have it");
    check("KAFKA_TOPIC_ALERTS", "telemetry.raw", "kafka.topic_raw is the same topic");
    check("KAFKA_TOPIC_ALERTS", "telemetry.dead-letter", "kafka.topic_dead_letter is the same topic");
    check("SERVER_ROLES", "store", "kafka.bootstrap_servers is empty");
}

#[test]
fn a_value_in_literal_quotation_marks_is_rejected_with_a_hint() {
    let check = |name: &str, text: &str| {
        for mark in ['"', '\''] {
            let error = Sandbox::new().env(name, &format!("{mark}{text}{mark}")).error();
            assert_all(&error, &["the quotation marks are part of the value, leave them out"]);
        }
    };
    check("HTTP_HOST", "127.0.0.1");
    check("HTTP_HOST", "localhost");
    check("HTTP_PORT", "8081");
    check("OPENSKY_BASE_URL", "https://opensky-network.org/api");
    check("OPENSKY_POLL_INTERVAL", "10s");
    check("OPENSKY_BOUNDING_BOX", "45.8,5.9,47.9,10.6");
    check("KAFKA_BOOTSTRAP_SERVERS", "kafka");
    check("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092");
    check("KAFKA_TOPIC_RAW", "flights");
    check("KAFKA_MAX_HELD", "64MiB");
    check("DATABASE_URL", "postgres://db/flights");
    check("SSE_ALLOWED_ORIGINS", "https://a.example");
    check("HTTP_TRUSTED_PROXIES", "10.0.0.0/8");
    check("SERVER_ROLES", "collect");
    // If the quotation marks can be part of the value, it is accepted with a warning.
    let settings = Sandbox::new().env("ADMIN_TOKEN", "\"0123456789abcdef\"").load().unwrap();
    assert_all(&settings.warnings[0].to_string(), &["admin.token", "ADMIN_TOKEN", "quotation marks"]);
}

#[test]
fn a_host_within_an_address_is_checked_too() {
    let check =
        |name: &str, text: &str| assert_all(&Sandbox::new().env(name, text).error(), &["a host name cannot contain"]);
    check("OPENSKY_BASE_URL", "https://\"opensky-network.org\"/api");
    check("OPENSKY_AUTH_URL", "https://a(b)/token");
    check("KAFKA_BOOTSTRAP_SERVERS", "'kafka':9092");
    check("SSE_ALLOWED_ORIGINS", "https://'a.example'");
}

#[test]
fn values_of_the_wrong_shape_are_rejected() {
    let check = |yaml: &str, parts: &[&str]| assert_all(&Sandbox::new().file(yaml).error(), parts);
    check("kafka:\n  group_id: 0123\n", &["kafka.group_id", "write it in quotes"]);
    check("opensky:\n  client_secret: 123\n", &["opensky.client_secret = ***", "write it in quotes"]);
    check("kafka:\n  group_id: true\n", &["kafka.group_id", "write it in quotes"]);
    check("kafka:\n  group_id: [a]\n", &["kafka.group_id", "it is a list"]);
    check("kafka:\n  group_id: {a: b}\n", &["kafka.group_id", "it is a mapping"]);
    check("kafka:\n  bootstrap_servers: [[a]]\n", &["kafka.bootstrap_servers", "list within a list"]);
    check("kafka:\n  properties: {sasl.password: 123}\n", &["kafka.properties.sasl.password = ***", "in quotes"]);
    check("kafka:\n  properties: {a: [1]}\n", &["kafka.properties.a", "neither text nor a number"]);
    check("kafka:\n  properties: {group.id: x}\n", &["kafka.properties.group.id", "use kafka.group_id instead"]);
    check("http: 8081\n", &["http = \"8081\"", "a section contains keys"]);
    check("http:\n  port: ''\n", &["http.port = \"\"", "a port from 0 to 65535"]);
    check("database:\n  pass: 0123\n", &["database.pass = ***", "in quotes"]);
}

#[test]
fn unknown_keys_are_rejected_with_the_nearest_known_one() {
    let check = |yaml: &str, parts: &[&str]| assert_all(&Sandbox::new().file(yaml).error(), parts);
    check("kafka:\n  group: x\n", &["kafka.group = \"x\"", CONFIG_FILE, "unknown key", "kafka.group_id"]);
    check("opensky:\n  pol_interval: 5s\n", &["did you mean opensky.poll_interval?"]);
    check("http:\n  max_clients: 5\n", &["did you mean sse.max_clients?"]);
    check("htp:\n  port: 5\n", &["htp.port", "did you mean http.port?"]);
    check("logging:\n  level: debug\n", &["logging.level", "the sections are server, opensky"]);
    check("logging: debug\n", &["logging = \"debug\"", "the sections are"]);
    check("kafka.group_id: x\n", &["write kafka: on its own line and below it, indented, group_id:"]);
    check("kafka:\n  consumer:\n    group: x\n", &["kafka.consumer.group"]);
    check("kafka:\n  wholly_else: x\n", &["kafka.wholly_else = \"x\"", "unknown key"]);
    check("opensky:\n  client_secrte: hush\n", &["opensky.client_secrte = ***", "did you mean opensky.client_secret?"]);
    check("1: 2\n", &["unknown key"]);
}

#[test]
fn invalid_yaml_is_shown_with_file_and_line() {
    let check = |yaml: &str, parts: &[&str]| assert_all(&Sandbox::new().file(yaml).error(), parts);
    check("http:\n  port: [1\nsse: x\n", &[CONFIG_FILE, "invalid YAML", "line 3"]);
    check("http:\n\tport: 1\n", &[CONFIG_FILE, "line 2"]);
    check("http:\n  port: 1\n  port: 2\n", &[CONFIG_FILE, "duplicated key", "port"]);
    check("- http\n", &[CONFIG_FILE, "expected a mapping of sections"]);
    check("hush\n", &[CONFIG_FILE, "expected a mapping of sections"]);
    assert!(!Sandbox::new().file("hush\n").error().contains("hush"));
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path(CONFIG_FILE), b"http: \xff\n").unwrap();
    assert_all(&sandbox.error(), &[CONFIG_FILE, "UTF-8"]);
}

#[test]
fn all_problems_are_shown_together() {
    let sandbox = Sandbox::new()
        .file("http:\n  prot: 1\n  port: x\nkafka:\n  partitions: 0\n")
        .env("SSE_MAX_CLIENTS", "none")
        .flag("database.url", "here");
    let ConfigError(problems) = sandbox.load().unwrap_err();
    assert_eq!(problems.len(), 5, "{problems:#?}");
    assert_all(&sandbox.error(), &["http.prot", "http.port", "kafka.partitions", "sse.max_clients", "database.url"]);
    let broken = Sandbox::new().file("http: [\n").env("SSE_MAX_CLIENTS", "none");
    assert_all(&broken.error(), &[CONFIG_FILE, "sse.max_clients"]);
}

#[test]
fn a_named_credentials_file_must_exist_unless_it_is_not_needed() {
    let sandbox = || Sandbox::new().env("OPENSKY_CREDENTIALS_FILE", "no/such/file");
    assert_all(&sandbox().error(), &["opensky.credentials_file = \"no/such/file\"", "file does not exist"]);
    let settings = sandbox().env("OPENSKY_CLIENT_ID", "me").env("OPENSKY_CLIENT_SECRET", "hush").load().unwrap();
    assert_eq!(settings.opensky.client_secret.unwrap().expose(), "hush");
    // If the default file does not exist, requests are anonymous.
    assert_eq!(Sandbox::new().load().unwrap().opensky.credentials(), Ok(None));
}

#[test]
fn a_long_value_is_cut_and_stays_on_one_line() {
    let error = Sandbox::new().env("HTTP_PORT", &format!("a\n{}", "x".repeat(1000))).error();
    assert_eq!(error.lines().count(), 2, "{error}");
    assert!(error.len() < 300, "{error}");
}
