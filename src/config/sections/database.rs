use std::time::Duration;

use crate::config::section::section;
use crate::config::values::{DatabaseAddress, days, hours, mins};

section! {
    /// The database of the flights.
    pub struct DatabaseSettings in "database" {
        /// sqlite://PATH, or postgres://user:password@host:port/name (with or without TimescaleDB). Prefer the
        /// environment or a file for a password.
        url: DatabaseAddress = "sqlite://data/flight-monitor.db";
        /// How long state vectors are kept.
        retention: Duration = "30d", hours(1)..=days(36_500);
        /// How long flights, hourly statistics and records of polls are kept.
        summary_retention: Duration = "365d", days(1)..=days(36_500);
        /// A longer pause between two states of an aircraft ends its flight.
        flight_gap: Duration = "30m", mins(1)..=days(1);
        /// The age at which TimescaleDB compresses a chunk.
        compress_after: Duration = "2h", mins(1)..=days(36_500);
        /// The time range of one TimescaleDB chunk.
        chunk_interval: Duration = "1h", mins(1)..=days(365);
    }
}
