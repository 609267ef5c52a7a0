//! Renders the schema and the settings as text: `config.yaml`, the table in the documentation, and the output of
//! `check-config`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::entries::parent;
use super::legacy::{ALIASES, DatabaseParts};
use super::schema::SectionSchema;
use super::section::Section;
use super::sections::{SECTIONS, Settings, TEMPLATES, settings};
use super::setting::{Setting, variable};
use super::value::{Secrecy, Shape};
use super::values::split_properties;

/// Renders a commented `config.yaml` with every setting. `values` has text forms by path; all other settings get their
/// default.
pub fn config_file(values: &BTreeMap<&str, String>) -> String {
    let mut text = String::from(
        "# The flight monitor's configuration: every key with its value. Built-in defaults < this file < environment < flags.\n\
         # An environment variable is named after section and key: KAFKA_GROUP_ID for group_id under kafka.\n\
         # A time has its unit (ms, s, m, h, d), and so has a size (B, KiB, MiB, GiB).\n\
         # `flight-monitor check-config` shows what is in effect and where it comes from.\n",
    );
    for section in SECTIONS {
        _ = write!(text, "\n# {}\n{}:\n", section.about, section.name);
        for setting in section.settings {
            for line in wrapped(&comment(setting), 110) {
                _ = writeln!(text, "  # {line}");
            }
            let value = values.get(setting.path).map_or(setting.default, String::as_str);
            _ = writeln!(text, "  {}: {}", setting.name(), yaml_value(setting.shape, value));
        }
    }
    for template in TEMPLATES {
        _ = write!(text, "\n# {}\n", template.about);
        write_entries(&mut text, template, values);
        _ = writeln!(text, "# {}:\n#   name:", parent(template));
        for setting in template.settings {
            for line in wrapped(&comment(setting), 106) {
                _ = writeln!(text, "#     # {line}");
            }
            _ = writeln!(text, "#     {}: {}", setting.name(), yaml_value(setting.shape, setting.default));
        }
    }
    text
}

/// Writes the entries of a template for which there are values, with only these.
fn write_entries(text: &mut String, template: &SectionSchema, values: &BTreeMap<&str, String>) {
    let prefix = format!("{}.", parent(template));
    let mut last = None;
    for (path, value) in values.iter().filter(|(path, _)| path.starts_with(&prefix)) {
        let Some((entry, key)) = path[prefix.len()..].split_once('.') else { continue };
        let Some(setting) = template.settings.iter().find(|setting| setting.name() == key) else { continue };
        if last.is_none() {
            _ = writeln!(text, "{}:", parent(template));
        }
        if last != Some(entry) {
            _ = writeln!(text, "  {entry}:");
        }
        last = Some(entry);
        _ = writeln!(text, "    {key}: {}", yaml_value(setting.shape, value));
    }
}

fn comment(setting: &Setting) -> String {
    match setting.secrecy {
        Secrecy::Secret => format!("{} Prefer the environment: {}.", setting.docs, setting.variable()),
        Secrecy::Public | Secrecy::MayHoldSecret => setting.docs.to_owned(),
    }
}

fn yaml_value(shape: Shape, value: &str) -> String {
    match shape {
        Shape::Map => {
            let pairs = split_properties(value).unwrap_or_default();
            let pairs = pairs.iter().map(|(name, value)| format!("{}: {}", scalar(name), quoted(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Shape::List => {
            let items = value.split(',').filter(|item| !item.is_empty()).map(scalar);
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Shape::Switch => value.to_owned(),
        Shape::Text | Shape::Number | Shape::Numbers | Shape::Texts => scalar(value),
    }
}

/// Renders the configuration in effect as YAML, with secrets masked and the origin of each value as a comment.
pub fn effective(settings: &Settings) -> String {
    let mut text = String::new();
    let mut section = "";
    for (setting, value) in settings.rows() {
        // The section of an entry, such as `sources.roof`, is a mapping within its parent.
        let (parent, entry) = setting.section().split_once('.').unzip();
        let indent = if entry.is_some() { "  " } else { "" };
        if setting.section() != section {
            if parent.is_some() && section.split_once('.').unzip().0 != parent {
                _ = writeln!(text, "{}:", parent.unwrap_or_default());
            }
            section = setting.section();
            _ = writeln!(text, "{indent}{}:", entry.unwrap_or(section));
        }
        let (name, shape) = (setting.name(), setting.shape);
        if shape == Shape::Map && !value.is_empty() {
            _ = writeln!(text, "  {name}:");
            for (entry, value) in split_properties(&value).unwrap_or_default() {
                let origin = one_line(settings.origin(&format!("{}.{entry}", setting.path)));
                _ = writeln!(text, "    {}: {}  # {origin}", scalar(&entry), quoted(&value));
            }
        } else {
            let origin = one_line(settings.origin(setting.path));
            _ = writeln!(text, "{indent}  {name}: {}  # {origin}", yaml_value(shape, &value));
        }
    }
    text
}

/// Renders the settings as a Markdown table, followed by the names of the Go original.
pub fn markdown_table() -> String {
    let mut text = String::from("| key | default | meaning | environment |\n|---|---|---|---|\n");
    for setting in settings().chain(TEMPLATES.iter().flat_map(|template| template.settings.iter().copied())) {
        let default = if setting.default.is_empty() { "empty".to_owned() } else { format!("`{}`", setting.default) };
        let secret = match setting.file_path().map(|path| variable(&path)) {
            Some(file) if setting.secrecy == Secrecy::Secret => {
                format!(" Secret: it has no flag; `{file}` can name a file that contains it.")
            }
            Some(file) => format!(" `{file}` can name a file that contains it."),
            None => String::new(),
        };
        let Setting { path, docs, .. } = setting;
        _ = writeln!(text, "| `{path}` | {default} | {docs}{secret} | `{}` |", setting.variable());
    }
    text.push_str(
        "\nThe names of the Go original are accepted too:\n\n| key | meaning | environment |\n|---|---|---|\n",
    );
    let mut row = |path: &str, meaning: &str| writeln!(text, "| `{path}` | {meaning} | `{}` |", variable(path));
    for alias in ALIASES {
        let unit = if alias.unit.is_empty() { String::new() } else { format!(", in {}", alias.unit) };
        _ = row(alias.path, &format!("`{}`{unit}", alias.setting.path));
    }
    for part in DatabaseParts::SCHEMA.settings {
        _ = row(part.path, "part of `database.url`");
        if let Some(file) = part.file_path() {
            _ = row(&file, &format!("file that contains `{}`", part.path));
        }
    }
    text
}

/// Renders a YAML scalar that reads back as the same text. Omits the quotes where that is clearly safe.
fn scalar(text: &str) -> String {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let whole_number = unit.is_empty() && text.len() < 18 && (text == "0" || !text.starts_with('0'));
    let amount = unit.len() < text.len() && matches!(unit, "ms" | "s" | "m" | "h" | "d" | "B" | "KiB" | "MiB" | "GiB");
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !matches!(text.to_lowercase().as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    if !text.is_empty() && (whole_number || amount || word) { text.to_owned() } else { quoted(text) }
}

/// Renders a double-quoted YAML scalar; a JSON string is one.
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
