use std::collections::HashSet;
use std::time::Duration;

use actors::supervision::ConfiguredName;
use thiserror::Error;

use super::source::{Connect, Source, SourceInfo, Traffic};

/// The sources of a process, in the order of the configuration.
#[derive(Clone, Debug)]
pub struct Sources(Vec<SourceInfo>);

/// Why sources cannot be used together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidSources {
    /// No source is configured.
    #[error("no source is configured: opensky.enabled is false, and sources is empty")]
    None,
    /// Two have the same name.
    #[error("two sources have the name {0}; rename the one below sources")]
    SameName(ConfiguredName),
}

impl Sources {
    /// Checks that there is a source, and that their names differ. Returns the function that connects to each.
    ///
    /// # Errors
    /// [`InvalidSources`].
    pub fn new(sources: Vec<Source>) -> Result<(Self, Vec<Connect>), InvalidSources> {
        let (infos, connects): (Vec<_>, Vec<_>) =
            sources.into_iter().map(|source| (source.info, source.connect)).unzip();
        if infos.is_empty() {
            return Err(InvalidSources::None);
        }
        let mut names = HashSet::new();
        match infos.iter().find(|source| !names.insert(&source.name)) {
            Some(source) => Err(InvalidSources::SameName(source.name.clone())),
            None => Ok((Self(infos), connects)),
        }
    }

    /// Iterates over the sources.
    pub fn iter(&self) -> std::slice::Iter<'_, SourceInfo> {
        self.0.iter()
    }

    /// Returns the longest expected interval between two polls of a source.
    pub fn expected_interval(&self) -> Duration {
        self.0.iter().map(|source| source.expected_interval).max().unwrap_or_default()
    }

    /// Returns the longest expected interval of any process with the same settings.
    pub fn max_interval(&self) -> Duration {
        self.0.iter().map(|source| source.max_interval).max().unwrap_or_default()
    }

    /// Returns whether the traffic is live: only if that of every source is.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = self.0.iter().map(|source| source.traffic);
        traffic.find(|traffic| *traffic != Traffic::Live).unwrap_or(Traffic::Live)
    }
}
