use super::*;

#[test]
fn sources_are_read_from_the_file_and_the_environment() {
    let file = "sources:\n  roof-1:\n    kind: opensky\n    url: http://roof/api\n    priority: 7\n  lake:\n    kind: recorded\n    url: ./lake\n    bounding_box: [45, 5, 47, 7]\n";
    let sandbox = Sandbox::new()
        .file(file)
        .env("SOURCES_ROOF_1_URL", "http://other/api")
        .env("SOURCES_ROOF_1_API_KEY", "hush")
        .env("SOURCES_SHED_KIND", "opensky")
        .env("SOURCES_SHED_URL", "https://shed/api")
        .env("SOURCES_SHED_INTERVAL", "20s");
    let settings = sandbox.load().unwrap();
    let names: Vec<_> = settings.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["lake", "roof-1", "shed"]);
    let [lake, roof, shed] = &settings.sources[..] else { panic!("{names:?}") };
    assert_eq!((lake.kind.name, lake.settings.bounding_box.unwrap().edges()), ("recorded", [45.0, 5.0, 47.0, 7.0]));
    assert_eq!(roof.settings.url.as_ref().unwrap().to_string(), "http://other/api");
    assert_eq!((roof.settings.priority, shed.settings.priority), (Some(7), None));
    assert_eq!(settings.origin("sources.roof-1.url"), "environment variable SOURCES_ROOF_1_URL");
    assert_eq!(settings.origin("sources.roof-1.timeout"), "default");

    let rendered = effective(&settings);
    let roof = "sources:\n  lake:\n    kind: recorded  # ";
    assert_all(
        &rendered,
        &[roof, "  roof-1:\n", "    api_key: \"***\"  # environment variable SOURCES_ROOF_1_API_KEY\n"],
    );
    assert!(!rendered.contains("hush") && rendered.matches("sources:").count() == 1, "{rendered}");
    let again = Sandbox::new().file(&rendered.replace("\"***\"", "\"\"")).load().unwrap();
    assert_eq!(again.sources.len(), 3);
}

#[test]
fn a_key_of_a_source_may_be_in_a_file() {
    let sandbox = Sandbox::new();
    let key = sandbox.path("key");
    std::fs::write(&key, "hush\n").unwrap();
    let sandbox = sandbox
        .env("SOURCES_FEED_KIND", "opensky")
        .env("SOURCES_FEED_URL", "https://feed/api")
        .env("SOURCES_FEED_API_KEY_FILE", key.to_str().unwrap());
    let settings = sandbox.load().unwrap();
    assert_eq!(settings.sources[0].settings.api_key.as_ref().unwrap().expose(), "hush");
}

#[test]
fn a_mistake_below_sources_is_shown_with_its_key() {
    for (file, parts) in [
        ("roof: {url: http://a/}", &["sources.roof.kind", "it is missing", "opensky, recorded"][..]),
        ("roof: {kind: radar, url: http://a/}", &["sources.roof.kind = \"radar\"", "no such kind", "expected one of"]),
        ("roof: {kind: opensky}", &["sources.roof.url", "it is missing", "an http or https URL"]),
        (
            "roof: {kind: opensky, url: roof:30003}",
            &["sources.roof.url = \"roof:30003\"", "needs an http or https URL"],
        ),
        (
            "roof: {kind: opensky, url: http://a/, intervals: 5s}",
            &["sources.roof.intervals", "did you mean sources.roof.interval?"],
        ),
        ("roof: {kind: opensky, url: http://a/, interval: 5}", &["sources.roof.interval", "no unit; write 5s"]),
        ("Roof: {kind: opensky, url: http://a/}", &["sources.Roof.kind", "\"Roof\" is no name of an entry"]),
        ("roof: http://a/", &["sources.roof", "keys below it"]),
        ("{}", &[]),
    ] {
        let sandbox = Sandbox::new().file(&format!("sources:\n  {file}\n"));
        if parts.is_empty() {
            assert!(sandbox.load().is_ok());
        } else {
            assert_all(&sandbox.error(), parts);
        }
    }
}

#[test]
fn a_misspelt_variable_of_a_source_raises_a_warning() {
    let settings = Sandbox::new().env("SOURCES_ROOF_ULR", "http://a/").load().unwrap();
    assert!(settings.sources.is_empty());
    assert_all(&settings.warnings.join("\n"), &["SOURCES_ROOF_ULR is ignored", "did you mean SOURCES_ROOF_URL?"]);
}

#[test]
fn rules_in_the_file_and_the_paths_of_others_are_sources_of_rules() {
    let file = "detect:\n  rules_files: [rules, more.yaml]\nfences:\nrules:\n  low: {when: {altitude: \"< 1 km\"}}\n";
    let sandbox = Sandbox::new().file(file).env("DETECT_EDITED_RULES", "edited.yaml");
    let sources = sandbox.load().unwrap().rule_sources();
    assert_eq!(sources.files, ["rules", "more.yaml"].map(std::path::PathBuf::from));
    assert_eq!(sources.edited, Some("edited.yaml".into()));
    assert!(sources.config.is_some_and(|config| config.ends_with("config.yaml")));
    let error = Sandbox::new().file("rules:\n  low: {when: {altitud: 1}}\n").load().unwrap().check_files().unwrap_err();
    assert_all(&error.to_string(), &["config.yaml: rule low: when.altitud: unknown key; did you mean altitude?"]);
    assert_all(&Sandbox::new().file("rule:\n  low: {}\n").error(), &["rule.low", "unknown key"]);
    assert_eq!(Sandbox::new().load().unwrap().rule_sources().config, None);
}

#[test]
fn own_states_need_an_account() {
    let error = Sandbox::new().env("OPENSKY_OWN", "true").error();
    assert_all(&error, &["opensky.own = \"true\"", "needs an account"]);
}
