//! One struct a section, of types that cannot be wrong.

mod admin;
mod database;
mod http;
mod kafka;
mod opensky;
mod server;
mod sse;

pub use admin::{ADMIN_TOKEN_FILE, AdminSettings, AdminToken, AdminTokenError};
pub use database::DatabaseSettings;
pub use http::{HttpSettings, TlsSettings};
pub use kafka::KafkaSettings;
pub use opensky::{ClientCredentials, CredentialsFile, OpenSkySettings};
pub use server::ServerSettings;
pub use sse::SseSettings;

use super::values::Shown;

/// A section's keys with what was understood, in the table's order.
pub(super) type Rows = Vec<(&'static str, Shown)>;
