//! The key table and the settings as text: `config.yaml`, the documents' table and what `check-config` prints.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::keys::{self, KEYS, Key, SECTIONS, environment_name};
use super::kind::Kind;
use super::values::Shown;
use super::{Settings, older_database};

/// A commented `config.yaml` with every key: the given values, as they would be written in the environment, else the
/// defaults.
pub fn config_file(values: &BTreeMap<&str, String>) -> String {
    let mut text = String::from(
        "# The flight monitor's configuration: every key with its value. Built-in defaults < this file < environment < flags.\n\
         # An environment variable is named after section and key: KAFKA_GROUP_ID for group_id under kafka.\n\
         # A time has its unit (ms, s, m, h, d), and so has a size (B, KiB, MiB, GiB).\n\
         # `flight-monitor check-config` shows what is in effect and where it comes from.\n",
    );
    for (section, about) in SECTIONS {
        _ = write!(text, "\n# {about}\n{section}:\n");
        for key in KEYS.iter().filter(|key| key.section() == *section) {
            for line in wrapped(&comment(key), 110) {
                _ = writeln!(text, "  # {line}");
            }
            let value = values.get(key.path).map_or(key.default, String::as_str);
            _ = writeln!(text, "  {}: {}", key.name(), yaml_value(key.kind, value));
        }
    }
    text
}

fn comment(key: &Key) -> String {
    if !key.secret {
        return key.meaning.to_owned();
    }
    format!("{} Better by the environment: {}.", key.meaning, key.environment())
}

fn yaml_value(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Properties => {
            let pairs = super::values::split_properties(value).unwrap_or_default();
            let pairs = pairs.iter().map(|(name, value)| format!("{}: {}", scalar(name), quoted(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Kind::Origins | Kind::Networks | Kind::Roles => flow_list(value.split(',').filter(|item| !item.is_empty())),
        _ => scalar(value),
    }
}

/// The configuration in effect, as YAML: secrets masked, and where each value comes from as a comment.
pub fn effective(settings: &Settings) -> String {
    let mut text = String::new();
    let mut section = "";
    for (path, shown) in settings.rows() {
        let Some(key) = keys::find(path) else { continue };
        if key.section() != section {
            section = key.section();
            _ = writeln!(text, "{section}:");
        }
        let origin = settings.origin(path);
        _ = match shown {
            Shown::Text(value) => writeln!(text, "  {}: {}  # {}", key.name(), scalar(&value), one_line(origin)),
            Shown::List(items) => {
                let list = flow_list(items.iter().map(String::as_str));
                writeln!(text, "  {}: {list}  # {}", key.name(), one_line(origin))
            }
            Shown::Map(pairs) if pairs.is_empty() => writeln!(text, "  {}: {{}}  # {}", key.name(), one_line(origin)),
            Shown::Map(pairs) => {
                _ = writeln!(text, "  {}:", key.name());
                pairs.iter().try_for_each(|(name, value)| {
                    let origin = settings.origin(&format!("{path}.{name}"));
                    writeln!(text, "    {}: {}  # {}", scalar(name), quoted(value), one_line(origin))
                })
            }
        };
    }
    text
}

/// The key table in Markdown, and below it the names of the original that are taken too.
pub fn markdown_table() -> String {
    let mut text = String::from("| key | default | meaning | environment |\n|---|---|---|---|\n");
    for key in KEYS {
        let default = if key.default.is_empty() { "empty".to_owned() } else { format!("`{}`", key.default) };
        let secret = match key.in_file().map(|path| environment_name(&path)) {
            Some(variable) if key.secret => format!(" Secret: it has no flag; `{variable}` may name a file with it."),
            Some(variable) => format!(" `{variable}` may name a file with it."),
            None => String::new(),
        };
        _ = writeln!(text, "| `{}` | {default} | {}{secret} | `{}` |", key.path, key.meaning, key.environment());
    }
    text.push_str("\nThe Go original's names are taken too:\n\n| its key | means | environment |\n|---|---|---|\n");
    for (key, older) in KEYS.iter().filter_map(|key| Some((key, key.older?))) {
        let unit = if older.unit.is_empty() { String::new() } else { format!(", in {}", older.unit) };
        _ = writeln!(text, "| `{}` | `{}`{unit} | `{}` |", older.path, key.path, environment_name(older.path));
    }
    for path in older_database::PARTS {
        _ = writeln!(text, "| `{path}` | its part of `database.url` | `{}` |", environment_name(path));
    }
    let path = older_database::PASSWORD_FILE;
    _ = writeln!(text, "| `{path}` | a file with `database.pass` | `{}` |", environment_name(path));
    text
}

fn flow_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(scalar).collect::<Vec<_>>().join(", "))
}

/// A YAML scalar that reads back as the same text, without quotes where it is plainly safe.
fn scalar(text: &str) -> String {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let whole_number = unit.is_empty() && text.len() < 18 && (text == "0" || !text.starts_with('0'));
    let amount = unit.len() < text.len() && matches!(unit, "ms" | "s" | "m" | "h" | "d" | "B" | "KiB" | "MiB" | "GiB");
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !matches!(text.to_lowercase().as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    if !text.is_empty() && (whole_number || amount || word) { text.to_owned() } else { quoted(text) }
}

/// JSON's string is YAML's double-quoted one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
