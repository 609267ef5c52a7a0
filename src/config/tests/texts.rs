use super::*;
use crate::config;

fn root(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

#[test]
fn the_committed_file_has_every_setting_with_its_default() {
    let rendered = config_file(&BTreeMap::new());
    let committed = std::fs::read_to_string(root(CONFIG_FILE)).unwrap();
    assert!(committed == rendered, "regenerate it: make generate");

    let settings = Sandbox::new().file(&rendered).load().unwrap();
    let defaults = Sandbox::new().load().unwrap();
    assert_eq!(settings.rows(), defaults.rows());
    let credentials = settings.opensky.credentials();
    assert_eq!(credentials, Ok(None), "the default file may be missing, spelled out or not");
    for setting in config::settings() {
        assert!(rendered.contains(&format!("\n  {}:", setting.name())), "{}", setting.path);
    }
}

#[test]
fn the_documentation_has_the_table_of_all_settings() {
    let table = markdown_table();
    for setting in settings() {
        assert_all(&table, &[setting.path, setting.docs, &setting.variable()]);
    }
    let document = std::fs::read_to_string(root("docs/configuration.md")).unwrap();
    assert!(document.contains(&table), "regenerate it: make generate");
}

#[test]
fn the_effective_configuration_reads_back_as_the_same_one() {
    let settings = Sandbox::new()
        .env("KAFKA_GROUP_ID", "007")
        .env("KAFKA_TOPIC_RAW", "1e5")
        .env("KAFKA_BOOTSTRAP_SERVERS", "null")
        .env("OPENSKY_CLIENT_ID", "quo\"te: # no comment")
        .env("OPENSKY_CLIENT_SECRET", "yes")
        .env("HTTP_PORT", "0")
        .env("KAFKA_PROPERTIES", "socket.keepalive.enable=true,socket.timeout.ms=0x10")
        .load()
        .unwrap();
    let again = Sandbox::new().file(&effective(&settings)).load().unwrap();
    assert_eq!(again.rows(), settings.rows());
}

#[test]
fn every_name_is_unique_and_every_default_is_valid() {
    let mut variables: Vec<_> = names::all().iter().map(|name| &name.variable).collect();
    let all = variables.len();
    variables.sort();
    variables.dedup();
    assert_eq!(variables.len(), all);
    for setting in settings() {
        assert!(setting.docs.ends_with('.'), "{}", setting.path);
        assert_eq!(setting.check(setting.default, "default"), Ok(()), "{}", setting.path);
    }
}
