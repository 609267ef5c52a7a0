use super::*;
use crate::config::section::Section;

#[test]
fn legacy_names_are_accepted_in_the_file_and_the_environment() {
    let read = |sandbox: Sandbox| {
        let settings = sandbox.load().unwrap();
        assert!(settings.origin("http.port").ends_with(", as sse.port"), "{}", settings.origin("http.port"));
        (settings.http.port, settings.opensky.poll_interval.display(), settings.kafka.group_id)
    };
    let expected = (9090, "5s".to_owned(), "old".to_owned());
    let file =
        "sse:\n  port: 9090\nopensky:\n  ticker_interval_ms: 5000\nkafka:\n  consumer:\n    consumer_group_id: old\n";
    assert_eq!(read(Sandbox::new().file(file)), expected);
    let sandbox = Sandbox::new()
        .env("SSE_PORT", "9090")
        .env("OPENSKY_TICKER_INTERVAL_MS", "5000")
        .env("KAFKA_CONSUMER_CONSUMER_GROUP_ID", "old");
    assert_eq!(read(sandbox), expected);
}

#[test]
fn a_legacy_name_in_a_higher_layer_wins_and_in_the_same_layer_is_an_error() {
    let file = "http:\n  port: 1\n";
    assert_eq!(Sandbox::new().file(file).env("SSE_PORT", "2").load().unwrap().http.port, 2);
    assert_all(
        &Sandbox::new().file("http:\n  port: 1\nsse:\n  port: 2\n").error(),
        &["http.port", "also set by", "keep one of them"],
    );
    assert_all(&Sandbox::new().env("HTTP_PORT", "1").env("SSE_PORT", "2").error(), &["HTTP_PORT", "SSE_PORT"]);
    let same = Sandbox::new().env("HTTP_PORT", "1").env("SSE_PORT", "1");
    assert_eq!(same.load().unwrap().http.port, 1);
}

#[test]
fn bad_values_of_legacy_names_are_shown_under_these_names() {
    let check = |name: &str, text: &str, parts: &[&str]| assert_all(&Sandbox::new().env(name, text).error(), parts);
    check("OPENSKY_TICKER_INTERVAL_MS", "5s", &["opensky.ticker_interval_ms = \"5s\"", "whole number of ms"]);
    check("OPENSKY_TICKER_INTERVAL_MS", "5", &["as opensky.ticker_interval_ms", "shorter than 1s"]);
    check("SSE_PORT", "x", &["as sse.port", "a port from 0 to 65535"]);
    check("DATABASE_PORT", "x", &["database.port = \"x\"", "(environment variable DATABASE_PORT)", "a port from 1"]);
    let sslmode = Sandbox::new().env("DATABASE_HOST", "db").env("DATABASE_SSLMODE", "on");
    assert_all(&sslmode.error(), &["database.sslmode = \"on\"", "one of disable, allow"]);
}

fn url(sandbox: &Sandbox) -> String {
    sandbox.load().unwrap_or_else(|error| panic!("{error}")).database.url.expose().to_owned()
}

#[test]
fn the_parts_of_a_database_address_are_assembled() {
    let file = "database:\n  host: db\n  port: 5432\n  user: me\n  name: flights\n  sslmode: disable\n";
    assert_eq!(
        url(&Sandbox::new().file(file).env("DATABASE_PASS", "p@ss:w/rd?%")),
        "postgres://me:p%40ss%3Aw%2Frd%3F%25@db:5432/flights?sslmode=disable"
    );
    assert_eq!(url(&Sandbox::new().env("DATABASE_HOST", "db")), "postgres://db");
    assert_eq!(url(&Sandbox::new().env("DATABASE_HOST", "::1").env("DATABASE_PORT", "1")), "postgres://[::1]:1");
    assert_eq!(
        url(&Sandbox::new().env("DATABASE_HOST", "/run/postgresql").env("DATABASE_NAME", "a b")),
        "postgres://%2Frun%2Fpostgresql/a%20b"
    );
}

#[test]
fn every_part_is_accepted_in_the_environment_and_the_file() {
    let values = ["db", "5433", "me", "hush", "flights", "require"];
    let expected = "postgres://me:hush@db:5433/flights?sslmode=require";
    let parts = || legacy::DatabaseParts::SCHEMA.settings.iter().zip(values);
    let environment = parts().fold(Sandbox::new(), |sandbox, (part, value)| sandbox.env(&part.variable(), value));
    assert_eq!(url(&environment), expected);
    let lines = parts().map(|(part, value)| {
        format!(
            "  {}: {value}
",
            part.name()
        )
    });
    assert_eq!(url(&Sandbox::new().file(&format!("database:\n{}", lines.collect::<String>()))), expected);
}

#[test]
fn parts_and_the_whole_address_in_one_layer_are_an_error_and_otherwise_the_higher_layer_wins() {
    let whole = "postgres://whole/flights";
    let both = Sandbox::new().env("DATABASE_URL", whole).env("DATABASE_HOST", "db");
    assert_all(&both.error(), &["database.url", "DATABASE_HOST", "keep one or the other"]);

    let higher_parts = Sandbox::new().file(&format!("database:\n  url: {whole}\n")).env("DATABASE_HOST", "db");
    assert_eq!(url(&higher_parts), "postgres://db");
    assert_all(&higher_parts.load().unwrap().warnings[0].to_string(), &["database.url", "DATABASE_HOST"]);

    let higher_whole = Sandbox::new().file("database:\n  host: db\n").env("DATABASE_URL", whole);
    assert_eq!(url(&higher_whole), whole);
    assert_all(&higher_whole.load().unwrap().warnings[0].to_string(), &["database.host", "DATABASE_URL"]);

    // A file written by `init` contains the default, which does not count as a choice against the parts.
    let spelled_out = Sandbox::new().file(&config_file(&BTreeMap::new())).env("DATABASE_HOST", "db");
    assert_eq!(url(&spelled_out), "postgres://db");
    assert!(spelled_out.load().unwrap().warnings.is_empty());

    // In the environment, the default counts as a choice.
    let default = DatabaseSettings::url.default;
    let decided = Sandbox::new().file("database:\n  host: db\n").env("DATABASE_URL", default);
    assert_eq!(url(&decided), default);
}

#[test]
fn incomplete_parts_are_an_error() {
    let lone = Sandbox::new().env("DATABASE_NAME", "flights");
    assert_all(&lone.error(), &["database.name = \"flights\"", "database.host is missing"]);
    let no_user = Sandbox::new().env("DATABASE_HOST", "db").env("DATABASE_PASS", "hush");
    assert_all(&no_user.error(), &["database.pass = ***", "database.user is missing"]);
}
