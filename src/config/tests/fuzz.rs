use proptest::prelude::*;

use super::*;

/// Generates a text to use as a value.
fn value() -> impl Strategy<Value = String> {
    let likely = [
        "",
        "0",
        "-1",
        "1e400",
        "10s",
        "99999999999d",
        "64MiB",
        "auto",
        "*",
        "true",
        "~",
        "[]",
        "{a: b}",
        "&a",
        "*a",
        "!!x",
    ];
    prop_oneof![
        2 => prop::sample::select(likely.to_vec()).prop_map(str::to_owned),
        2 => "[ -~]{0,40}",
        1 => "\\PC{0,20}",
        1 => "(sqlite|postgres|https?)://[a-z@:/?&=%0-9.\\[\\]-]{0,40}",
        1 => "[0-9.,:/-]{0,40}",
    ]
}

/// Generates a line of the file: a section, a key, or anything else.
fn line() -> impl Strategy<Value = String> {
    let keys = settings().map(Setting::name).collect::<Vec<_>>();
    let sections = settings().map(Setting::section).collect::<Vec<_>>();
    prop_oneof![
        3 => prop::sample::select(sections).prop_map(|section| format!("{section}:")),
        4 => (prop::sample::select(keys), value()).prop_map(|(key, value)| format!("  {key}: {value}")),
        1 => "[ -~]{0,40}",
        1 => "\\PC{0,20}",
    ]
}

fn variables() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(settings().map(Setting::variable).collect::<Vec<_>>());
    prop::collection::vec((name, value()), 0..3)
}

proptest! {
    #[test]
    fn fuzzed_files_and_variables_are_accepted_or_rejected_with_a_reason(
        lines in prop::collection::vec(line(), 0..8),
        variables in variables(),
    ) {
        let mut sandbox = Sandbox::new().file(&lines.join("\n"));
        for (name, value) in &variables {
            // A variable cannot contain NUL.
            if !value.contains('\0') {
                sandbox = sandbox.env(name, value);
            }
        }
        match sandbox.load() {
            Ok(settings) => prop_assert!(!effective(&settings).is_empty()),
            Err(error) => prop_assert!(error.to_string().len() > 20),
        }
    }
}
