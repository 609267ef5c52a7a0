use std::fs;
use std::path::Path;
use std::time::Instant;

use super::*;

struct Watched {
    folder: tempfile::TempDir,
    watch: RulesWatch,
}

impl Watched {
    /// Watches `rules.yaml` and the edited file `edited.yaml`.
    fn start(rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rules.yaml"), rules).unwrap();
        let sources = RuleSources {
            files: vec![folder.path().join("rules.yaml")],
            edited: Some(folder.path().join("edited.yaml")),
            ..RuleSources::default()
        };
        let watch = RulesWatch::start_with(sources, Duration::from_millis(10)).unwrap();
        Self { folder, watch }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces a file as `mv` does.
    fn replace(&self, name: &str, text: &str) {
        let temporary = self.path().join("new");
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, self.path().join(name)).unwrap();
    }

    fn until(&self, condition: impl Fn(&RulesStatus) -> bool) -> RulesStatus {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let status = self.watch.status();
            if condition(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "{status:?}");
            thread::yield_now();
        }
    }

    fn names(&self) -> Vec<String> {
        let (_, rules) = self.watch.rules().current();
        rules.rules().iter().map(|rule| rule.name.to_string()).collect()
    }
}

fn rule(name: &str) -> String {
    format!("rules:\n  {name}: {{when: {{squawk: 7000}}}}\n")
}

#[test]
fn changed_files_are_read_again() {
    let watched = Watched::start(&rule("a"));
    assert_eq!(watched.names(), ["emergency-squawk", "a"]);
    watched.replace("rules.yaml", &rule("b"));
    watched.until(|status| status.loads == 2);
    assert_eq!(watched.names(), ["emergency-squawk", "b"]);
    fs::write(watched.path().join("edited.yaml"), rule("c")).unwrap();
    assert_eq!(watched.until(|status| status.rules == 3).error, None);
    assert_eq!(watched.names(), ["emergency-squawk", "b", "c"]);
}

#[test]
fn a_changed_geojson_file_changes_the_rules() {
    let watched = Watched::start(&rule("a"));
    let area = |east| format!("{{\"type\": \"Polygon\", \"coordinates\": [[[0, 0], [{east}, 0], [1, 1], [0, 0]]]}}");
    watched.replace("a.geojson", &area(1));
    watched.replace("rules.yaml", "fences: {f: {file: a.geojson}}\nrules: {r: {when: {inside: f}}}\n");
    let loads = watched.until(|status| status.fences == 1).loads;
    watched.replace("a.geojson", &area(2));
    watched.until(|status| status.loads > loads);
    fs::remove_file(watched.path().join("a.geojson")).unwrap();
    let error = watched.until(|status| status.error.is_some()).error.unwrap().to_string();
    assert!(error.contains("rules.yaml: fence f: file: a.geojson: No such file"), "{error}");
    watched.replace("a.geojson", &area(1));
    watched.until(|status| status.error.is_none());
}

#[test]
fn invalid_rules_keep_the_last_ones() {
    let watched = Watched::start(&rule("a"));
    watched.replace("rules.yaml", "rules: {b: {when: {altitude: 3}}}\n");
    let status = watched.until(|status| status.failures == 1);
    assert!(status.error.unwrap().to_string().contains("rules.yaml: rule b: when.altitude"));
    assert_eq!((status.rules, watched.names()), (2, vec!["emergency-squawk".to_owned(), "a".to_owned()]));
    watched.replace("rules.yaml", &rule("d"));
    assert_eq!(watched.until(|status| status.loads == 2).error, None);
    assert_eq!(watched.names(), ["emergency-squawk", "d"]);
}

#[test]
fn invalid_rules_are_refused_at_the_start() {
    let sources = RuleSources { files: vec!["/nonexistent/rules.yaml".into()], ..RuleSources::default() };
    let error = RulesWatch::start(sources).unwrap_err();
    assert!(error.is::<InvalidRules>() && error.to_string().starts_with("/nonexistent/rules.yaml: No such file"));
}

#[test]
fn an_edit_is_written_if_it_is_valid_and_based_on_the_current_text() {
    let watched = Watched::start(&rule("a"));
    let empty = watched.watch.edited().unwrap().unwrap();
    assert_eq!((empty.text.as_str(), empty.file), ("", watched.path().join("edited.yaml")));
    watched.watch.edit(&rule("c"), Some(&empty.version)).unwrap();
    watched.until(|status| status.rules == 3);
    assert_eq!(watched.names(), ["emergency-squawk", "a", "c"]);

    let conflict = watched.watch.edit(&rule("d"), Some(&empty.version)).unwrap_err();
    assert!(matches!(conflict, EditError::Conflict));
    let twice = watched.watch.edit(&rule("a"), None).unwrap_err();
    assert!(matches!(&twice, EditError::Invalid(_)), "{twice}");
    assert!(twice.to_string().ends_with("edited.yaml: rule a: defined more than once"), "{twice}");
    assert_eq!(watched.watch.edited().unwrap().unwrap().text, rule("c"));

    let sources = RuleSources::default();
    let unconfigured = RulesWatch::start(sources).unwrap();
    assert_eq!(unconfigured.edited().unwrap(), None);
    assert!(matches!(unconfigured.edit("", None), Err(EditError::NotEditable)));
}
