use std::time::Duration;

use crate::config::section::section;
use crate::config::values::{days, hours, secs};
use crate::http::AllowedOrigins;

section! {
    /// The event streams to browsers.
    pub struct SseSettings in "sse" {
        /// The web sites whose pages may read the streams and the API: exact origins, or * for all. Pages of this
        /// server are always allowed.
        allowed_origins: AllowedOrigins = "http://localhost:3000";
        /// The maximum number of connected clients.
        max_clients: usize = "20000", 1..=1_000_000;
        /// The maximum number of clients from one address, or with IPv6 from one /64.
        max_clients_per_address: usize = "256", 1..=1_000_000;
        /// How long an aircraft stays in the live picture after its last message; twice the time between two polls
        /// where that is longer.
        aircraft_timeout: Duration = "5m", secs(1)..=days(1);
        /// A client that accepts no data for this long is disconnected.
        client_timeout: Duration = "30s", secs(1)..=hours(1);
    }
}
