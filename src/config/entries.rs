//! Sections whose keys are names that the user chooses, such as `sources`. Each name has the settings of a template,
//! whose paths contain `<name>`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use actors::supervision::ConfiguredName;

use super::schema::SectionSchema;
use super::setting::{Setting, variable};

/// The templates of all sections with entries.
pub(super) type Templates = &'static [SectionSchema];

/// The placeholder for the name in the path of a template.
const NAME: &str = "<name>";

/// The maximum length of a name in bytes.
const MAX_NAME: usize = 32;

/// The settings of each entry by its section. They are kept for the life of the process, like those that are declared.
static ENTRIES: Mutex<BTreeMap<String, &'static [Setting]>> = Mutex::new(BTreeMap::new());

/// Returns the section that contains the entries of a template, such as `sources`.
pub(super) fn parent(template: &SectionSchema) -> &'static str {
    template.name.strip_suffix(NAME).and_then(|parent| parent.strip_suffix('.')).unwrap_or(template.name)
}

/// Returns the template of the entries of a section.
pub(super) fn template_of(templates: Templates, section: &str) -> Option<&'static SectionSchema> {
    templates.iter().find(|template| parent(template) == section)
}

/// Returns whether a text can be the name of an entry.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME && ConfiguredName::new(text).is_some()
}

/// Returns the settings of an entry.
pub(super) fn settings_of(template: &SectionSchema, name: &str) -> &'static [Setting] {
    let section = template.name.replace(NAME, name);
    let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    entries.entry(section).or_insert_with_key(|section| {
        let setting = |setting: &&'static Setting| setting.at(format!("{section}.{}", setting.name()).leak());
        template.settings.iter().map(setting).collect::<Vec<_>>().leak()
    })
}

/// Returns the settings of the entry to which a path such as `sources.roof.url` belongs.
pub(super) fn settings_near(templates: Templates, path: &str) -> Option<&'static [Setting]> {
    let (section, name) = path.rsplit_once('.')?.0.split_once('.')?;
    let template = template_of(templates, section)?;
    is_name(name).then(|| settings_of(template, name))
}

/// Returns the settings of the entry to which a variable such as `SOURCES_ROOF_URL` belongs. The name ends before the
/// longest known key; its hyphens are underscores in the variable.
pub(super) fn settings_near_variable(templates: Templates, typed: &str) -> Option<&'static [Setting]> {
    templates.iter().find_map(|template| {
        let rest = typed.strip_prefix(&variable(parent(template)))?.strip_prefix('_')?;
        let keys = template.settings.iter().flat_map(|setting| {
            let key = setting.name().to_uppercase();
            [format!("_{key}"), format!("_{key}_FILE")]
        });
        let known = keys.filter_map(|key| rest.strip_suffix(&key)).min_by_key(|name| name.len());
        // A misspelt key has as many words as the right one, mostly one.
        let name = known.or_else(|| Some(rest.rsplit_once('_')?.0))?;
        let name = name.to_lowercase().replace('_', "-");
        is_name(&name).then(|| settings_of(template, &name))
    })
}
