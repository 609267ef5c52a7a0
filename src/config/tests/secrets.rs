use super::*;

const SECRET: &str = "hush-0123456789-hush";

fn full_of_secrets() -> Sandbox {
    Sandbox::new()
        .file(&format!(
            "admin:\n  token: {SECRET}\nkafka:\n  properties:\n    sasl.password: {SECRET}\n    ssl.key.pem: {SECRET}\n"
        ))
        .env("OPENSKY_CLIENT_ID", "me")
        .env("OPENSKY_CLIENT_SECRET", SECRET)
        .env("DATABASE_URL", &format!("postgres://me:{SECRET}@db/flights"))
        .flag("kafka.properties", &format!("ssl.keystore.password={SECRET}"))
}

#[test]
fn secrets_never_appear_in_output() {
    let sandbox = full_of_secrets();
    let settings = sandbox.load().unwrap();
    let rendered = [
        effective(&settings),
        format!("{settings:?}"),
        format!("{settings:#?}"),
        format!("{:?}", settings.rows()),
        format!("{:?}", sandbox.flags),
        format!("{:?}", Environment::of([("ADMIN_TOKEN", SECRET)])),
        settings.opensky.client_secret.as_ref().unwrap().to_string(),
        settings.database.url.to_string(),
    ];
    for text in rendered {
        assert!(!text.contains(SECRET), "{text}");
    }
    // The program itself can read the secrets.
    assert_eq!(settings.admin.token.unwrap().expose(), SECRET);
    assert_eq!(settings.opensky.client_secret.unwrap().expose(), SECRET);
    assert!(settings.database.url.expose().contains(SECRET));
    assert!(settings.kafka.properties.expose().values().all(|value| value == SECRET));
}

#[test]
fn secrets_never_appear_in_errors() {
    let check = |sandbox: Sandbox| {
        let error = sandbox.load().unwrap_err();
        assert!(!error.to_string().contains(SECRET), "{error}");
        assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
    };
    let with_break = format!("{SECRET}\n{SECRET}");
    check(Sandbox::new().env("ADMIN_TOKEN", &with_break));
    check(Sandbox::new().env("OPENSKY_CLIENT_SECRET", &with_break));
    check(Sandbox::new().env("OPENSKY_CLIENT_SECRET", SECRET));
    check(Sandbox::new().env("DATABASE_URL", SECRET));
    check(Sandbox::new().env("DATABASE_URL", &format!("host=db password={SECRET}")));
    check(Sandbox::new().env("DATABASE_URL", &format!("postgres://me:{SECRET}/@db?sslmode=no")));
    check(Sandbox::new().env("DATABASE_URL", &format!("mysql://me:{SECRET}@db")));
    check(Sandbox::new().env("DATABASE_URL", &format!("postgres://me:{SECRET}@db")).env("DATABASE_HOST", "db"));
    check(Sandbox::new().env("DATABASE_PASS", SECRET));
    check(Sandbox::new().env("DATABASE_HOST", "db").env("DATABASE_USER", "me").env("DATABASE_PASS", &with_break));
    check(Sandbox::new().env("KAFKA_PROPERTIES", SECRET));
    check(Sandbox::new().env("KAFKA_PROPERTIES", &format!("sasl.password={with_break}x")));
    check(Sandbox::new().env("KAFKA_PROPERTIES", &format!("a=b,{SECRET}")));
    for name in ["sasl.pasword", "sasl.jaas.config", "ssl.truststore.password", "security.protocol", "acks"] {
        check(Sandbox::new().env("KAFKA_PROPERTIES", &format!("{name}={SECRET}")));
        check(Sandbox::new().file(&format!("kafka:\n  properties: {{{name}: {SECRET}}}\n")));
    }
    check(Sandbox::new().env("DATABASE_URL", &format!("postgres://me:{SECRET}@twice@db/flights")));
    check(Sandbox::new().env("DATABASE_URL", &format!("postgres://me:{SECRET}@db/flights?sslmode=strict")));
    check(Sandbox::new().env("DATABASE_URL", &format!("postgres://db:{SECRET}/flights")));
    check(Sandbox::new().env("DATABASE_URL", &format!("{SECRET}://db/flights")));
    check(Sandbox::new().env("OPENSKY_BASE_URL", &format!("http://me:{SECRET}@opensky")));
    check(Sandbox::new().env("SSE_ALLOWED_ORIGINS", &format!("http://me:{SECRET}@site")));
    check(Sandbox::new().env("SSE_ALLOWED_ORIGINS", &format!("ftp://me:{SECRET}@site")));
    check(Sandbox::new().env("KAFKA_BOOTSTRAP_SERVERS", &format!("me:{SECRET}@kafka:9092")));
    check(Sandbox::new().file(&format!("opensky:\n  password: {SECRET}\n")));
    check(Sandbox::new().file(&format!("opensky:\n  client_secre: {SECRET}\n")));
    check(Sandbox::new().file(&format!("database:\n  password: {SECRET}\n")));
    check(Sandbox::new().file(&format!("database:\n  uri: postgres://me:{SECRET}@db\n")));
    check(Sandbox::new().file(&format!("opensky:\n  client_secret: [{SECRET}]\n")));
    check(Sandbox::new().file(&format!("admin: {SECRET}\n")));
}
