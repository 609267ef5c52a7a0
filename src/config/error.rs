use std::fmt;

use thiserror::Error;

use super::keys::{self, Key};
use super::kind::Kind;
use super::values::{Secret, is_sensitive, mask_user_info};

/// Everything that is wrong with the configuration, to be shown at once.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = if self.0.len() == 1 { "a problem" } else { "problems" };
        write!(f, "the configuration has {many}:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// One thing that is wrong. Secrets are masked already.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The file is not there, cannot be read, or is no YAML; the reason has the line.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file has a key that there is not.
    #[error("{key} = {value} ({origin}): there is no such key{}", hint(.instead))]
    Unknown {
        /// Its dotted path.
        key: String,
        /// Its value.
        value: String,
        /// Where it stands.
        origin: String,
        /// What was probably meant.
        instead: Option<String>,
    },
    /// A value that its key does not take.
    #[error("{key} = {value} ({origin}): {reason}; expected {expected}")]
    Value {
        /// Its dotted path.
        key: String,
        /// The value.
        value: String,
        /// Where it stands.
        origin: String,
        /// Why it is not taken.
        reason: String,
        /// What would be.
        expected: String,
    },
    /// Values that do not go together.
    #[error("{key} = {value} ({origin}): {reason}")]
    Conflict {
        /// The dotted path of one of them.
        key: String,
        /// Its value.
        value: String,
        /// Where it stands.
        origin: String,
        /// With what it does not go together, and what to do.
        reason: String,
    },
}

fn hint(instead: &Option<String>) -> String {
    instead.as_ref().map_or_else(String::new, |instead| format!("; {instead}"))
}

/// Something that the operator should know and that does not stop the program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Warning {
    /// An environment variable that is almost one of ours.
    #[error("the environment variable {name} is not used; was {meant} meant?")]
    NearMiss {
        /// Its name.
        name: String,
        /// The one that it resembles.
        meant: String,
    },
    /// Kubernetes sets such variables for a service that is called as one of our sections.
    #[error("the environment variable {name} is not used: it holds the address of a service, not a port")]
    ServiceLink {
        /// Its name.
        name: String,
    },
    /// A setting that another one replaces.
    #[error("{ignored} is not used, since {used} is given at a higher level")]
    Replaced {
        /// The one that has no effect.
        ignored: String,
        /// The one that has.
        used: String,
    },
    /// A value that is legal with the quotation marks around it, which are hardly meant.
    #[error("{key} ({origin}): the quotation marks around the value are part of it")]
    Quoted {
        /// Its dotted path.
        key: String,
        /// Where it stands.
        origin: String,
    },
    /// Two settings that make a third one pointless.
    #[error("{0}")]
    Pointless(String),
}

/// A value as an error shows it: on one line, not too long, and without a secret.
pub(super) fn show_value(key: &Key, text: &str) -> String {
    match key.kind {
        _ if key.secret => mask(),
        // What is wrong with it is not known, so neither is where its password stands.
        Kind::DatabaseUrl => match text.split_once("://") {
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => format!("{scheme}://{}", mask()),
            _ => mask(),
        },
        Kind::Properties => mask(),
        Kind::HttpUrl | Kind::Origins | Kind::Servers if text.contains('@') => quote(&mask_user_info(text)),
        _ => quote(text),
    }
}

/// The value of a key that there is not: masked where it may have been meant for a secret.
pub(super) fn show_unknown(path: &str, text: &str) -> String {
    let may_hold_secret = |key: &&Key| key.secret || matches!(key.kind, Kind::DatabaseUrl | Kind::Properties);
    let whole_section = keys::KEYS.iter().any(|key| key.section() == path && may_hold_secret(&key));
    match nearest_key(path).filter(may_hold_secret) {
        Some(near) => show_value(near, text),
        None if whole_section || is_sensitive(path) => mask(),
        None => quote(&mask_user_info(text)),
    }
}

pub(super) fn mask() -> String {
    Secret::new("").to_string()
}

pub(super) fn quote(text: &str) -> String {
    const MOST: usize = 80;
    let cut: String = text.chars().take(MOST).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{dots}")
}

/// The known key that a path resembles most, if it resembles any.
pub(super) fn nearest_key(path: &str) -> Option<&'static Key> {
    let distance = |key: &Key| {
        let whole = strsim::osa_distance(key.path, path);
        // The right name under the wrong section is a likely mistake, too.
        let name = path.rsplit('.').next().unwrap_or(path);
        let moved = 2 + strsim::osa_distance(key.name(), name);
        whole.min(moved)
    };
    keys::KEYS
        .iter()
        .map(|key| (distance(key), key))
        .min_by_key(|(distance, _)| *distance)
        .and_then(|(distance, key)| (distance <= 3 && distance < key.name().len()).then_some(key))
}
