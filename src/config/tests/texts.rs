use super::*;

fn root(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

#[test]
fn the_committed_file_holds_every_key_with_its_default() {
    let rendered = config_file(&BTreeMap::new());
    let committed = std::fs::read_to_string(root(CONFIG_FILE)).unwrap();
    assert!(committed == rendered, "write it anew: flight-monitor check-config --template > {CONFIG_FILE}");

    let settings = Bench::new().file(&rendered).load().unwrap();
    let defaults = Bench::new().load().unwrap();
    assert_eq!(settings.rows(), defaults.rows());
    assert!(!settings.opensky.credentials_file.required, "the default file may be absent, spelled out or not");
    for key in keys::KEYS {
        assert!(rendered.contains(&format!("\n  {}:", key.name())), "{}", key.path);
    }
}

#[test]
fn the_readme_holds_the_table_of_all_keys() {
    let table = markdown_table();
    for key in keys::KEYS {
        assert_all(&table, &[key.path, key.meaning, &key.environment()]);
    }
    let readme = std::fs::read_to_string(root("docs/configuration.md")).unwrap();
    assert!(readme.contains(&table), "replace the table by that of: flight-monitor check-config --markdown");
}

#[test]
fn what_is_shown_reads_back_as_the_same_configuration() {
    let settings = Bench::new()
        .env("KAFKA_GROUP_ID", "007")
        .env("KAFKA_TOPIC_RAW", "1e5")
        .env("KAFKA_BOOTSTRAP_SERVERS", "null")
        .env("OPENSKY_CLIENT_ID", "quo\"te: # no comment")
        .env("OPENSKY_CLIENT_SECRET", "yes")
        .env("HTTP_PORT", "0")
        .env("KAFKA_PROPERTIES", "socket.keepalive.enable=true,socket.timeout.ms=0x10")
        .load()
        .unwrap();
    let again = Bench::new().file(&effective(&settings)).load().unwrap();
    assert_eq!(again.rows(), settings.rows());
}

#[test]
fn every_key_belongs_to_a_section_and_has_a_name_of_its_own() {
    let mut names: Vec<_> = keys::KEYS.iter().map(Key::environment).collect();
    names.extend(keys::KEYS.iter().filter_map(|key| Some(keys::environment_name(key.older?.path))));
    names.extend(keys::KEYS.iter().filter_map(Key::in_file).map(|path| keys::environment_name(&path)));
    names.extend(older_database::PARTS.into_iter().chain([older_database::PASSWORD_FILE]).map(keys::environment_name));
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
    for key in keys::KEYS {
        assert!(keys::SECTIONS.iter().any(|(section, _)| *section == key.section()), "{}", key.path);
        assert!(key.meaning.ends_with('.'), "{}", key.path);
        assert_eq!(check_value(key, key.default, "default"), Ok(()), "{}", key.path);
    }
}
