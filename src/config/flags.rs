use std::fmt;

use super::layer::Layer;
use super::setting::Setting;

/// The settings given on the command line. `Debug` shows only their names.
#[derive(Clone, Default)]
pub struct Flags(Vec<(&'static Setting, String)>);

impl Flags {
    /// Creates an empty set of flags.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a flag, replacing an earlier one for the same setting.
    pub fn set(&mut self, setting: &'static Setting, text: impl Into<String>) {
        self.0.retain(|(other, _)| *other != setting);
        self.0.push((setting, text.into()));
    }

    /// Iterates over the given settings and their texts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, &str)> {
        self.0.iter().map(|(setting, text)| (*setting, text.as_str()))
    }

    pub(super) fn read(&self) -> Layer {
        let mut layer = Layer::default();
        for (setting, text) in &self.0 {
            layer.set(setting, text, &format!("flag --{}", setting.flag().unwrap_or_default()));
        }
        layer
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(setting, _)| setting.path)).finish()
    }
}
