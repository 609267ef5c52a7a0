use std::fmt;
use std::str::FromStr;

use crate::config::value::{InvalidValue, setting_value};

/// A role of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Polls OpenSky and publishes to Kafka.
    Collect,
    /// Reads Kafka and writes the database.
    Store,
    /// Reads Kafka and serves browsers.
    Live,
    /// Reads Kafka, applies the rules, and publishes alerts to Kafka.
    Detect,
    /// Reads Kafka and writes the archive.
    Archive,
}

impl Role {
    const ALL: [Self; 5] = [Self::Collect, Self::Store, Self::Live, Self::Detect, Self::Archive];
    /// The roles without which the embedded broker is of no use.
    const WHOLE_SERVER: [Self; 3] = [Self::Collect, Self::Store, Self::Live];

    fn name(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::Store => "store",
            Self::Live => "live",
            Self::Detect => "detect",
            Self::Archive => "archive",
        }
    }
}

/// The roles of a process; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Returns whether the process has this role.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Returns whether these are the roles of a server without settings.
    pub fn are_default(&self) -> bool {
        let default = [Role::Collect, Role::Store, Role::Live, Role::Detect];
        self.0 == default
    }

    /// Returns whether the process collects, stores and serves, as one with the embedded broker must.
    pub fn are_whole_server(&self) -> bool {
        Role::WHOLE_SERVER.into_iter().all(|role| self.has(role))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|role| role.name()).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Roles {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let names: Vec<_> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if let Some(name) = names.iter().find(|name| !Role::ALL.iter().any(|role| role.name() == **name)) {
            return Err(InvalidValue::because(format_args!("unknown role {name:?}")));
        }
        let roles: Vec<_> = Role::ALL.into_iter().filter(|role| names.contains(&role.name())).collect();
        if roles.is_empty() { Err(InvalidValue::because("it is empty")) } else { Ok(Self(roles)) }
    }
}

setting_value!(Roles: List, "ROLE,…", "one or more of collect, store, live, detect and archive, separated by commas");
