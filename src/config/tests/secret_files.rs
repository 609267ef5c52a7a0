use super::*;

const SECRET: &str = "hush-0123456789-hush";

fn with_secret(text: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let file = sandbox.path("secret");
    std::fs::write(&file, text).unwrap();
    (sandbox, file.display().to_string())
}

#[test]
fn a_secret_is_read_from_a_file_that_the_environment_names() {
    for text in [SECRET.to_owned(), format!("{SECRET}\n"), format!("{SECRET}\r\n")] {
        let (sandbox, file) = with_secret(&text);
        let settings = sandbox.env("ADMIN_TOKEN_FILE", &file).load().unwrap();
        assert_eq!(settings.admin.token.as_ref().unwrap().expose(), SECRET);
        assert_eq!(settings.origin("admin.token"), format!("{file}, named by environment variable ADMIN_TOKEN_FILE"));
        assert!(!effective(&settings).contains(SECRET));
    }
    let (sandbox, file) = with_secret(SECRET);
    let sandbox = sandbox.env("OPENSKY_CLIENT_ID", "me").env("OPENSKY_CLIENT_SECRET_FILE", &file);
    assert_eq!(sandbox.load().unwrap().opensky.client_secret.unwrap().expose(), SECRET);
    let (sandbox, file) = with_secret("postgres://me:hush@db/flights\n");
    let settings = sandbox.env("DATABASE_URL_FILE", &file).load().unwrap();
    assert_eq!(settings.database.url.expose(), "postgres://me:hush@db/flights");
}

#[test]
fn white_space_around_a_value_is_dropped_in_every_source() {
    let ends = ["\n", "\r\n", "\n\n", " \t\n"];
    for end in ends {
        let padded = format!("{SECRET}{end}");
        let settings = Sandbox::new()
            .env("ADMIN_TOKEN", &padded)
            .env("OPENSKY_CLIENT_ID", &format!("me{end}"))
            .env("OPENSKY_CLIENT_SECRET", &padded)
            .env("KAFKA_PROPERTIES", &format!("sasl.password={padded}"))
            .env("DATABASE_HOST", &format!("db{end}"))
            .env("DATABASE_USER", &format!("me{end}"))
            .env("DATABASE_PASS", &format!("hush{end}"))
            .load()
            .unwrap();
        assert_eq!(settings.admin.token.unwrap().expose(), SECRET);
        let (id, secret) = (settings.opensky.client_id.unwrap(), settings.opensky.client_secret.unwrap());
        assert_eq!((id.as_str(), secret.expose()), ("me", SECRET));
        assert_eq!(settings.kafka.properties.expose()["sasl.password"], SECRET);
        assert_eq!(settings.database.url.expose(), "postgres://me:hush@db");
        let (sandbox, file) = with_secret(&format!("\u{feff}{padded}"));
        assert_eq!(sandbox.env("ADMIN_TOKEN_FILE", &file).load().unwrap().admin.token.unwrap().expose(), SECRET);
        let yaml = format!("admin:\n  token: {}\n", serde_json::Value::from(padded.as_str()));
        assert_eq!(Sandbox::new().file(&yaml).load().unwrap().admin.token.unwrap().expose(), SECRET);
    }
    // A variable that is only white space counts as unset.
    for setting in settings() {
        let settings = Sandbox::new().env(&setting.variable(), " \n").load();
        assert_eq!(settings.unwrap().origin(setting.path), "default", "{}", setting.path);
    }
}

#[test]
fn a_secret_is_read_from_a_file_that_the_configuration_names() {
    let (sandbox, file) = with_secret(SECRET);
    let settings = sandbox.file(&format!("admin:\n  token_file: {file}\n")).load().unwrap();
    assert_eq!(settings.admin.token.unwrap().expose(), SECRET);
}

#[test]
fn the_legacy_password_is_read_from_a_file() {
    let (sandbox, file) = with_secret("hush\n");
    let parts = |sandbox: Sandbox| sandbox.env("DATABASE_HOST", "db").env("DATABASE_USER", "me");
    let settings = parts(sandbox.env("DATABASE_PASS_FILE", &file)).load().unwrap();
    assert_eq!(settings.database.url.expose(), "postgres://me:hush@db");
    let (sandbox, file) = with_secret("hush");
    let settings = parts(sandbox.file(&format!("database:\n  pass_file: {file}\n"))).load().unwrap();
    assert_eq!(settings.database.url.expose(), "postgres://me:hush@db");
}

#[test]
fn an_unusable_file_is_named_without_showing_a_possible_secret() {
    let absent = Sandbox::new().env("ADMIN_TOKEN_FILE", "/no/such/file").error();
    assert_all(&absent, &["admin.token_file", "/no/such/file", "ADMIN_TOKEN_FILE", "cannot be read"]);
    let mistaken = Sandbox::new().env("ADMIN_TOKEN_FILE", SECRET).error();
    assert!(mistaken.contains("admin.token_file") && !mistaken.contains(SECRET), "{mistaken}");
    let (sandbox, file) = with_secret("\n");
    assert_all(&sandbox.env("ADMIN_TOKEN_FILE", &file).error(), &["admin.token_file", "it is empty"]);
    let (sandbox, file) = with_secret("short");
    let short = sandbox.env("ADMIN_TOKEN_FILE", &file).error();
    assert!(short.contains("admin.token") && short.contains("5 characters") && !short.contains("short"), "{short}");
}

#[test]
fn a_value_and_a_file_with_another_value_are_an_error() {
    let (sandbox, file) = with_secret(SECRET);
    let error = sandbox.env("ADMIN_TOKEN", "another-token-of-16").env("ADMIN_TOKEN_FILE", &file).error();
    assert_all(&error, &["admin.token", "keep one of them"]);
    // A file named in the environment has precedence over a value in the configuration file, like any variable.
    let (sandbox, file) = with_secret(SECRET);
    let sandbox = sandbox.file("admin:\n  token: another-token-of-16\n").env("ADMIN_TOKEN_FILE", &file);
    assert_eq!(sandbox.load().unwrap().admin.token.unwrap().expose(), SECRET);
}
