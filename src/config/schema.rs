use super::setting::Setting;

/// The schema of a section.
#[derive(Clone, Copy, Debug)]
pub struct SectionSchema {
    /// The key of the section in YAML.
    pub name: &'static str,
    /// A sentence that describes the section to users.
    pub about: &'static str,
    /// The settings, in file order.
    pub settings: &'static [&'static Setting],
}
