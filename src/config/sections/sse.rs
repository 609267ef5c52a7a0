use std::num::NonZeroU32;
use std::time::Duration;

use super::Rows;
use crate::config::reader::Reader;
use crate::config::values::{AllowedOrigins, Shown, show_duration};

/// `sse`: the streams to browsers.
#[derive(Clone, Debug)]
pub struct SseSettings {
    /// Which web pages may read.
    pub allowed_origins: AllowedOrigins,
    /// How many clients may be connected at once.
    pub max_clients: NonZeroU32,
    /// How many of them from one address, or with IPv6 from one /64.
    pub max_clients_per_address: NonZeroU32,
    /// How long an aircraft that is no longer heard stays in the live picture.
    pub aircraft_timeout: Duration,
    /// After which time a client that takes nothing is disconnected.
    pub client_timeout: Duration,
}

impl SseSettings {
    pub(in crate::config) fn read(reader: &mut Reader) -> Option<Self> {
        let allowed_origins = reader.read("sse.allowed_origins");
        let max_clients = reader.read("sse.max_clients");
        let max_clients_per_address = reader.read("sse.max_clients_per_address");
        let aircraft_timeout = reader.read("sse.aircraft_timeout");
        let client_timeout = reader.read("sse.client_timeout");
        Some(Self {
            allowed_origins: allowed_origins?,
            max_clients: max_clients?,
            max_clients_per_address: max_clients_per_address?,
            aircraft_timeout: aircraft_timeout?,
            client_timeout: client_timeout?,
        })
    }

    pub(in crate::config) fn rows(&self) -> Rows {
        vec![
            ("sse.allowed_origins", Shown::List(self.allowed_origins.show())),
            ("sse.max_clients", Shown::text(&self.max_clients)),
            ("sse.max_clients_per_address", Shown::text(&self.max_clients_per_address)),
            ("sse.aircraft_timeout", Shown::Text(show_duration(self.aircraft_timeout))),
            ("sse.client_timeout", Shown::Text(show_duration(self.client_timeout))),
        ]
    }
}
