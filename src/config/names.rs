//! All names that the file and the environment can use for a setting.

use std::sync::LazyLock;

use super::entries;
use super::layer::Layer;
use super::legacy::{ALIASES, Alias, DatabaseParts};
use super::section::Section;
use super::sections::{SECTIONS, TEMPLATES, settings};
use super::setting::{Setting, variable};
use super::value::{MASK, Shape, is_sensitive, mask_user_info, quote};

/// A name and the setting that it refers to.
#[derive(Clone)]
pub(super) struct Name {
    pub(super) path: String,
    pub(super) variable: String,
    pub(super) target: Target,
}

#[derive(Clone, Copy)]
pub(super) enum Target {
    /// A setting by its own name.
    Value(&'static Setting),
    /// A setting whose value is in a file; the name is given the path of the file.
    File(&'static Setting),
    /// A setting by its name in the Go original.
    Alias(&'static Alias),
}

static NAMES: LazyLock<Vec<Name>> = LazyLock::new(|| {
    let values = || settings().chain(DatabaseParts::SCHEMA.settings.iter().copied());
    let aliases = ALIASES.iter().map(|alias| Name::new(alias.path.to_owned(), Target::Alias(alias)));
    let own = values().filter_map(|setting| Name::of(setting).next());
    own.chain(aliases).chain(values().flat_map(|setting| Name::of(setting).skip(1))).collect()
});

pub(super) fn all() -> &'static [Name] {
    &NAMES
}

/// Returns the name with this path.
pub(super) fn find(path: &str) -> Option<Name> {
    let entry = || entries::settings_near(TEMPLATES, path)?.iter().flat_map(Name::of).find(|name| name.path == path);
    all().iter().find(|name| name.path == path).cloned().or_else(entry)
}

/// Returns the name with this environment variable.
pub(super) fn find_variable(variable: &str) -> Option<Name> {
    let settings = || entries::settings_near_variable(TEMPLATES, variable);
    let entry = || settings()?.iter().flat_map(Name::of).find(|name| name.variable == variable);
    all().iter().find(|name| name.variable == variable).cloned().or_else(entry)
}

impl Name {
    fn new(path: String, target: Target) -> Self {
        Self { variable: variable(&path), path, target }
    }

    /// Returns the name of a setting, then that of its file, if it has one.
    fn of(setting: &'static Setting) -> impl Iterator<Item = Self> {
        let file = setting.file_path().map(|path| Self::new(path, Target::File(setting)));
        std::iter::once(Self::new(setting.path.to_owned(), Target::Value(setting))).chain(file)
    }

    pub(super) fn setting(&self) -> &'static Setting {
        match self.target {
            Target::Value(setting) | Target::File(setting) => setting,
            Target::Alias(alias) => alias.setting,
        }
    }

    /// Returns the YAML shape of the value given under this name.
    pub(super) fn shape(&self) -> Shape {
        if matches!(self.target, Target::File(_)) { Shape::Text } else { self.setting().shape }
    }

    /// Sets the value of the setting in a layer.
    pub(super) fn set(&self, layer: &mut Layer, text: &str, origin: &str) {
        match self.target {
            Target::Value(setting) => layer.set(setting, text, origin),
            Target::File(setting) => layer.set_from_file(setting, text, origin),
            Target::Alias(Alias { path, setting, unit }) => {
                let text = text.trim();
                if !unit.is_empty() && text.parse::<u64>().is_err() {
                    let reason = format!("not a whole number; expected a whole number of {unit}");
                    return layer.diagnostics.problem(*path, setting.quote_rejected(text), origin, reason);
                }
                layer.set(setting, &format!("{text}{unit}"), &format!("{origin}, as {path}"));
            }
        }
    }
}

/// Returns the variable that a misspelt name probably means. Only considers names that start with one of our sections.
pub(super) fn nearest_variable(typed: &str) -> Option<String> {
    let in_section = |section: &str| typed.starts_with(&format!("{}_", section.to_uppercase()));
    let entry = || entries::settings_near_variable(TEMPLATES, typed).unwrap_or_default().iter().flat_map(Name::of);
    let in_entry = TEMPLATES.iter().any(|template| in_section(entries::parent(template)));
    if !in_entry && !SECTIONS.iter().any(|section| in_section(section.name)) {
        return None;
    }
    let names = all().iter().cloned().chain(in_entry.then(entry).into_iter().flatten());
    names
        .map(|name| (strsim::osa_distance(&name.variable, typed), name.variable))
        .filter(|(distance, _)| (1..=2).contains(distance))
        .min()
        .map(|(_, meant)| meant)
}

/// Returns the setting that an unknown path resembles most, if any.
pub(super) fn nearest_setting(path: &str) -> Option<&'static Setting> {
    let distance = |setting: &Setting| {
        let whole = strsim::osa_distance(setting.path, path);
        // The right name in the wrong section is also a likely mistake.
        let name = path.rsplit('.').next().unwrap_or(path);
        let moved = 2 + strsim::osa_distance(setting.name(), name);
        whole.min(moved)
    };
    let entry = entries::settings_near(TEMPLATES, path).unwrap_or_default();
    settings()
        .chain(entry)
        .map(|setting| (distance(setting), setting))
        .min_by_key(|(distance, _)| *distance)
        .and_then(|(distance, setting)| (distance <= 3 && distance < setting.name().len()).then_some(setting))
}

/// Quotes the value of an unknown key, masked if it may be a secret.
pub(super) fn quote_unknown(path: &str, text: &str) -> String {
    let whole_section = settings().any(|setting| setting.section() == path && setting.may_hold_secret());
    match nearest_setting(path).filter(|setting| setting.may_hold_secret()) {
        Some(near) => near.quote_rejected(text),
        None if whole_section || is_sensitive(path) => MASK.to_owned(),
        None => quote(&mask_user_info(text)),
    }
}
