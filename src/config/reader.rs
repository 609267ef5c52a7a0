use std::collections::{BTreeMap, BTreeSet};

use ::config::{Config, ConfigError, Map, Value, ValueKind};

use super::diagnostics::Diagnostics;
use super::entries::{Templates, parent, settings_of};
use super::layer::{Entry, Layer};
use super::schema::SectionSchema;
use super::setting::Setting;
use super::value::{MASK, SettingValue, Shape, is_quoted};

/// The origin of a built-in default.
pub(super) const DEFAULT: &str = "default";

/// The merged values, from which the sections parse themselves. Parsing continues after a problem, so that all problems
/// are found.
pub(super) struct Reader {
    values: BTreeMap<&'static str, Value>,
    /// The settings of the entry that is being read in place of those of its template.
    entry: &'static [Setting],
    pub(super) diagnostics: Diagnostics,
}

impl Reader {
    /// Merges the layers over the defaults. The lowest layer comes first.
    pub(super) fn merge(
        settings: impl Iterator<Item = &'static Setting> + Clone,
        templates: Templates,
        layers: impl IntoIterator<Item = Layer>,
    ) -> Result<Self, ConfigError> {
        let mut diagnostics = Diagnostics::default();
        let mut builder = Config::builder();
        let layers: Vec<_> = layers.into_iter().collect();
        let entries: BTreeSet<_> =
            layers.iter().flat_map(Layer::entries).filter_map(|entry| entry_of(templates, entry)).collect();
        let entries: Vec<&'static Setting> =
            entries.into_iter().flat_map(|(template, name)| settings_of(&templates[template], name)).collect();
        for setting in settings.clone().chain(entries.iter().copied()) {
            let default = match setting.shape {
                Shape::Map => ValueKind::Table(Map::new()),
                _ => setting.default.into(),
            };
            builder = builder.set_default(setting.path, Value::new(Some(&DEFAULT.to_owned()), default))?;
        }
        for mut layer in layers {
            diagnostics.append(std::mem::take(&mut layer.diagnostics));
            builder = builder.add_source(layer);
        }
        let config = builder.build()?;
        let value = |setting: &'static Setting| {
            let section = config.get_table(setting.section()).ok()?;
            Some((setting.path, section.get(setting.name())?.clone()))
        };
        Ok(Self { values: settings.chain(entries).filter_map(value).collect(), entry: &[], diagnostics })
    }

    /// Parses a setting's value. If it is invalid, adds the problem and returns `None`.
    pub(super) fn read<T: SettingValue>(&mut self, setting: &'static Setting, limits: &T::Limits) -> Option<T> {
        let setting = self.in_entry(setting);
        let origin = self.origin(setting.path);
        let text = match self.values.get(setting.path).map(|value| &value.kind) {
            Some(ValueKind::Table(entries)) => {
                let entries = entries.clone();
                return self.read_map(setting, limits, entries);
            }
            _ => self.text(setting),
        };
        match T::parse(&text, limits) {
            Ok(value) => {
                if is_quoted(&text) {
                    let path = setting.path;
                    let warning = format!("{path} ({origin}): the quotation marks around the value are part of it");
                    self.diagnostics.warnings.push(warning);
                }
                Some(value)
            }
            Err(invalid) => {
                self.diagnostics.problems.push(setting.reject(&text, &origin, &invalid));
                None
            }
        }
    }

    /// Parses a map, which combines the entries of all layers. Each entry has its own origin.
    fn read_map<T: SettingValue>(
        &mut self,
        setting: &'static Setting,
        limits: &T::Limits,
        entries: Map<String, Value>,
    ) -> Option<T> {
        let mut map = T::parse("", limits).ok()?;
        let before = self.diagnostics.problems.len();
        for (name, value) in entries {
            if let Err(invalid) = map.insert(&name, &value.kind.to_string()) {
                self.diagnostics.problem(
                    format!("{}.{name}", setting.path),
                    MASK.to_owned(),
                    origin_of(&value),
                    format!("{invalid}; expected {}", setting.expected()),
                );
            }
        }
        (self.diagnostics.problems.len() == before).then_some(map)
    }

    /// Adds a problem for a value that is valid on its own but conflicts with others.
    pub(super) fn conflict(&mut self, setting: &'static Setting, reason: impl Into<String>) {
        let setting = self.in_entry(setting);
        let problem = setting.problem(&self.text(setting), &self.origin(setting.path), reason);
        self.diagnostics.problems.push(problem);
    }

    /// Returns the names of the entries of a template.
    pub(super) fn entries_of(&self, template: &SectionSchema) -> Vec<String> {
        let names = self.values.keys().filter_map(|path| {
            let (section, name) = path.rsplit_once('.')?.0.split_once('.')?;
            (section == parent(template)).then(|| name.to_owned())
        });
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Reads the settings of an entry in place of those of its template.
    pub(super) fn within<T>(
        &mut self,
        template: &SectionSchema,
        name: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        self.entry = settings_of(template, name);
        let value = read(self);
        self.entry = &[];
        value
    }

    fn in_entry(&self, setting: &'static Setting) -> &'static Setting {
        self.entry.iter().find(|other| other.name() == setting.name()).unwrap_or(setting)
    }

    fn text(&self, setting: &Setting) -> String {
        match self.values.get(setting.path).map(|value| &value.kind) {
            Some(ValueKind::String(text)) => text.clone(),
            _ => String::new(),
        }
    }

    fn origin(&self, path: &str) -> String {
        self.values.get(path).map(origin_of).unwrap_or_default()
    }

    /// Returns the origin of each value by path. The path of a map entry ends with the name of the entry.
    pub(super) fn origins(&self) -> BTreeMap<String, String> {
        let mut origins = BTreeMap::new();
        for (path, value) in &self.values {
            if let ValueKind::Table(table) = &value.kind {
                origins.extend(table.iter().map(|(name, value)| (format!("{path}.{name}"), origin_of(value))));
            }
            origins.insert((*path).to_owned(), origin_of(value));
        }
        origins
    }
}

/// Returns the template and the name of the entry to which a value belongs.
fn entry_of(templates: Templates, value: &Entry) -> Option<(usize, &'static str)> {
    let (section, name) = value.setting.section().split_once('.')?;
    Some((templates.iter().position(|template| parent(template) == section)?, name))
}

fn origin_of(value: &Value) -> String {
    value.origin().unwrap_or(DEFAULT).to_owned()
}
