//! The sinks: destinations of state vectors in addition to the database, each in its own folder.
//!
//! To add a sink, add its folder with an `open` function, register it in [`SINKS`], and add its section of settings.

mod blocking;
mod json_lines;

use std::sync::Arc;

use actors::ports::Sink;

use crate::config::Settings;

/// All sinks, by name. A sink's actor is named `sink-<name>`.
const SINKS: &[(&str, Open)] = &[("json-lines", json_lines::open)];

/// Opens a sink if the settings configure it.
type Open = fn(&Settings) -> Option<Arc<dyn Sink>>;

/// Returns the configured sinks, by name.
pub(crate) fn configured(settings: &Settings) -> impl Iterator<Item = (&'static str, Arc<dyn Sink>)> {
    SINKS.iter().filter_map(|&(name, open)| Some((name, open(settings)?)))
}

#[cfg(test)]
mod tests {
    use actors::supervision::ConfiguredName;

    use super::*;

    #[test]
    fn every_name_is_valid_in_an_actor_name() {
        for (name, _) in SINKS {
            assert!(ConfiguredName::new(name).is_some(), "{name}");
        }
    }
}
