use std::time::Duration;

use super::Rows;
use crate::config::reader::Reader;
use crate::config::values::{Roles, Shown, show_duration};

/// `server`: what this process does.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The parts of the work that it does.
    pub roles: Roles,
    /// How long an orderly shutdown may take.
    pub shutdown_timeout: Duration,
}

impl ServerSettings {
    pub(in crate::config) fn read(reader: &mut Reader) -> Option<Self> {
        let roles = reader.read("server.roles");
        let shutdown_timeout = reader.read("server.shutdown_timeout");
        Some(Self { roles: roles?, shutdown_timeout: shutdown_timeout? })
    }

    pub(in crate::config) fn rows(&self) -> Rows {
        vec![
            ("server.roles", Shown::List(self.roles.show())),
            ("server.shutdown_timeout", Shown::Text(show_duration(self.shutdown_timeout))),
        ]
    }
}
