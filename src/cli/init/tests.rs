use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::cli::ExitStatus;
use crate::config::{
    Brokers, DatabaseSettings, Environment, Flags, HttpSettings, KafkaSettings, OpenSkySettings, Setting, Settings,
};

/// A questioner that gives prepared answers and records the errors.
#[derive(Default)]
struct Script {
    answers: VecDeque<&'static str>,
    secret: &'static str,
    errors: Vec<String>,
}

impl Questioner for Script {
    fn ask(&mut self, _: &str, default: &str) -> io::Result<Option<String>> {
        let answer = self.answers.pop_front().expect("one answer per question");
        Ok(Some(if answer.is_empty() { default } else { answer }.to_owned()))
    }

    fn ask_secret(&mut self, _: &str) -> io::Result<Option<String>> {
        Ok(Some(self.secret.to_owned()))
    }

    fn show_error(&mut self, about: &str) -> io::Result<()> {
        self.errors.push(about.to_owned());
        Ok(())
    }
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn init(&self, args: &InitArgs, questioner: &mut impl Questioner, stdin: &str) -> Result<Vec<PathBuf>, InitError> {
        run(args, Some(&self.path("config.yaml")), questioner, &mut stdin.as_bytes())
    }

    fn settings(&self) -> Settings {
        Settings::load(Some(&self.path("config.yaml")), &Environment::default(), &Flags::none()).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.path()).unwrap().count()
    }
}

fn with_flags(flags: &[(&'static Setting, &str)]) -> InitArgs {
    let mut args = InitArgs::default();
    for (setting, text) in flags {
        args.settings.0.set(setting, *text);
    }
    args
}

fn with_client() -> InitArgs {
    let args = with_flags(&[(OpenSkySettings::client_id, "me-api-client")]);
    InitArgs { opensky_client_secret_file: Some("-".into()), ..args }
}

#[test]
fn without_a_terminal_settings_without_a_flag_get_their_defaults() {
    let place = Place::new();
    let written = place.init(&InitArgs::default(), &mut NoTerminal, "").unwrap();
    assert_eq!(written, [place.path("config.yaml")]);
    let committed = crate::config::config_file(&std::collections::BTreeMap::new());
    assert_eq!(fs::read_to_string(place.path("config.yaml")).unwrap(), committed);
    assert_eq!(place.files(), 1);
}

#[test]
fn the_credentials_file_is_readable_only_by_its_owner() {
    let place = Place::new();
    place.init(&with_client(), &mut NoTerminal, "hush\n").unwrap();
    assert_eq!(place.mode("credentials.json"), 0o600);
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path("credentials.json")).unwrap()).unwrap();
    assert_eq!(json, serde_json::json!({ "clientId": "me-api-client", "clientSecret": "hush" }));
    assert_eq!(place.settings().opensky.credentials_file, place.path("credentials.json"));
    assert!(!fs::read_to_string(place.path("config.yaml")).unwrap().contains("hush"));
    assert_eq!(place.files(), 2);
}

#[test]
fn the_secret_can_be_read_from_a_file() {
    let place = Place::new();
    fs::write(place.path("secret.txt"), "hush\n").unwrap();
    let args = InitArgs { opensky_client_secret_file: Some(place.path("secret.txt")), ..with_client() };
    place.init(&args, &mut NoTerminal, "").unwrap();
    assert!(fs::read_to_string(place.path("credentials.json")).unwrap().contains("hush"));
}

#[test]
fn questions_are_repeated_until_the_answers_are_valid() {
    let place = Place::new();
    let mut script = Script {
        answers: [
            "me",
            "1,2,3",
            "45.8,5.9,47.9,10.6",
            "kafka:9092",
            "mysql://x",
            "postgres://me:pw@db/flights",
            "roof",
            "http://roof/api",
        ]
        .into(),
        secret: "hush",
        ..Script::default()
    };
    place.init(&InitArgs::default(), &mut script, "").unwrap();
    assert_eq!(script.errors.len(), 3, "{:?}", script.errors);
    let settings = place.settings();
    assert_eq!(settings.opensky.bounding_box.unwrap().to_string(), "45.8,5.9,47.9,10.6");
    assert_eq!(settings.kafka.bootstrap_servers, Brokers::At("kafka:9092".to_owned()));
    assert_eq!(settings.database.url.expose(), "postgres://me:pw@db/flights");
    assert_eq!(settings.sources[0].settings.url.as_ref().unwrap().to_string(), "http://roof/api");
    assert_eq!(place.mode("config.yaml"), 0o600, "the file contains a password");
}

#[test]
fn settings_with_a_flag_are_not_asked_for() {
    let place = Place::new();
    let args = with_flags(&[
        (OpenSkySettings::client_id, ""),
        (OpenSkySettings::bounding_box, ""),
        (KafkaSettings::bootstrap_servers, "kafka:9092"),
        (DatabaseSettings::url, "sqlite://other.db"),
        (HttpSettings::port, "9000"),
    ]);
    let args = InitArgs { receiver: Some(String::new()), ..args };
    place.init(&args, &mut Script::default(), "").unwrap();
    let settings = place.settings();
    assert_eq!(settings.database.url.expose(), "sqlite://other.db");
    assert_eq!(settings.http.port, 9000, "a flag without a question");
}

#[test]
fn a_receiver_is_written_with_the_kind_that_its_address_tells() {
    let place = Place::new();
    let with_receiver = |text: &str| InitArgs { receiver: Some(text.to_owned()), ..InitArgs::default() };
    place.init(&with_receiver("https://flights.example/api/"), &mut NoTerminal, "").unwrap();
    let settings = place.settings();
    let [source] = &settings.sources[..] else { panic!("{:?}", settings.sources) };
    assert_eq!((source.name.as_str(), source.kind.name), ("receiver", "opensky"));

    for (address, kind) in [
        ("http://roof/tar1090/data/aircraft.json", "readsb"),
        ("/run/readsb/aircraft.json", "readsb"),
        ("roof:30003", "sbs"),
        ("192.0.2.7:30005", "beast"),
    ] {
        let place = Place::new();
        place.init(&with_receiver(address), &mut NoTerminal, "").unwrap();
        assert_eq!(place.settings().sources[0].kind.name, kind, "{address}");
    }

    let error = Place::new().init(&with_receiver("ftp://roof"), &mut NoTerminal, "").unwrap_err();
    assert_eq!((error.to_string().contains("ftp"), error.status()), (true, ExitStatus::Usage), "{error}");
    let error = Place::new().init(&with_receiver("roof:12345"), &mut NoTerminal, "").unwrap_err().to_string();
    assert!(error.contains("its kind cannot be told from the address"), "{error}");
}

#[test]
fn nothing_is_overwritten_without_force() {
    for existing in ["config.yaml", "credentials.json"] {
        let place = Place::new();
        fs::write(place.path(existing), "mine").unwrap();
        let error = place.init(&with_client(), &mut NoTerminal, "hush").unwrap_err();
        assert!(matches!(&error, InitError::Exists(file) if *file == place.path(existing)), "{error}");
        assert_eq!(error.status(), ExitStatus::Usage);
        assert_eq!(fs::read_to_string(place.path(existing)).unwrap(), "mine");
        assert_eq!(place.files(), 1, "nothing else is written");

        let args = InitArgs { force: true, ..with_client() };
        place.init(&args, &mut NoTerminal, "hush").unwrap();
        assert_ne!(fs::read_to_string(place.path(existing)).unwrap(), "mine");
        assert_eq!(place.mode("credentials.json"), 0o600);
        assert_eq!(place.files(), 2);
    }
}

#[test]
fn bad_or_missing_answers_write_nothing() {
    let place = Place::new();
    let check = |args: InitArgs, stdin: &str, reason: &str| {
        let error = place.init(&args, &mut NoTerminal, stdin).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert_eq!(place.files(), 0);
    };
    check(with_flags(&[(OpenSkySettings::bounding_box, "1,2,3")]), "", "3 parts");
    check(with_flags(&[(DatabaseSettings::url, "mysql://me:hush@db")]), "", "mysql://***");
    check(with_client(), "", "secret is missing");
    check(with_client(), "two\nlines", "line break");
    check(InitArgs { opensky_client_secret_file: None, ..with_client() }, "", "secret is missing");
    check(InitArgs { opensky_client_secret_file: Some("no/file".into()), ..with_client() }, "", "no/file");
}

#[test]
fn the_written_files_are_listed() {
    let mut out = Vec::new();
    print_next_steps(&["a.yaml".into(), "b.json".into()], &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("wrote a.yaml\nwrote b.json\nnext: "), "{out}");
}
