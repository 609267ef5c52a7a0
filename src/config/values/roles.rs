use super::{FromText, Unfit};
use crate::config::kind::Kind;

/// A part of the work that a process can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Polls OpenSky and publishes to Kafka.
    Collect,
    /// Reads Kafka and writes the database.
    Store,
    /// Reads Kafka and serves browsers.
    Live,
}

impl Role {
    const ALL: [Self; 3] = [Self::Collect, Self::Store, Self::Live];

    fn name(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::Store => "store",
            Self::Live => "live",
        }
    }
}

/// What a process does: at least one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Whether this role is among them.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether every role is.
    pub fn are_all(&self) -> bool {
        self.0.len() == Role::ALL.len()
    }

    pub(crate) fn show(&self) -> Vec<String> {
        self.0.iter().map(|role| role.name().to_owned()).collect()
    }
}

impl FromText for Roles {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        let names: Vec<_> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if let Some(name) = names.iter().find(|name| !Role::ALL.iter().any(|role| role.name() == **name)) {
            return Err(Unfit(format!("{name:?} is none of them")));
        }
        let roles: Vec<_> = Role::ALL.into_iter().filter(|role| names.contains(&role.name())).collect();
        if roles.is_empty() { Err(Unfit::because("it is empty")) } else { Ok(Self(roles)) }
    }
}
