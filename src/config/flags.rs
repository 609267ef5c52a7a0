use std::fmt;

use super::keys::Key;
use super::layer::{Findings, Layer};

/// Settings given on the command line. `Debug` shows the names alone.
#[derive(Clone, Default)]
pub struct Flags(Vec<(&'static Key, String)>);

impl Flags {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds one; of two for the same key the later one holds.
    pub fn set(&mut self, key: &'static Key, text: impl Into<String>) {
        self.0.retain(|(other, _)| other.path != key.path);
        self.0.push((key, text.into()));
    }

    pub(super) fn read(&self, findings: &mut Findings) -> Layer {
        let mut layer = Layer::default();
        for (key, text) in &self.0 {
            layer.give(key, text, &format!("flag --{}", key.flag().unwrap_or_default()), findings);
        }
        layer
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(key, _)| key.path)).finish()
    }
}
