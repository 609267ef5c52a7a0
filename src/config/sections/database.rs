use std::time::Duration;

use super::Rows;
use crate::config::reader::Reader;
use crate::config::values::{SecretUrl, Shown, show_duration};

/// `database`: where the flights are kept.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `sqlite://…` or `postgres://…`.
    pub url: SecretUrl,
    /// How long state vectors are kept.
    pub retention: Duration,
    /// How long flights and hourly statistics are kept.
    pub summary_retention: Duration,
    /// The longest pause between two states of one flight.
    pub flight_gap: Duration,
    /// After which time a chunk is compressed.
    pub compress_after: Duration,
    /// How much time one chunk spans.
    pub chunk_interval: Duration,
}

impl DatabaseSettings {
    pub(in crate::config) fn read(reader: &mut Reader) -> Option<Self> {
        let url = reader.read("database.url");
        let retention = reader.read("database.retention");
        let summary_retention = reader.read("database.summary_retention");
        let flight_gap = reader.read("database.flight_gap");
        let compress_after = reader.read("database.compress_after");
        let chunk_interval = reader.read("database.chunk_interval");
        Some(Self {
            url: url?,
            retention: retention?,
            summary_retention: summary_retention?,
            flight_gap: flight_gap?,
            compress_after: compress_after?,
            chunk_interval: chunk_interval?,
        })
    }

    pub(in crate::config) fn rows(&self) -> Rows {
        vec![
            ("database.url", Shown::text(&self.url)),
            ("database.retention", Shown::Text(show_duration(self.retention))),
            ("database.summary_retention", Shown::Text(show_duration(self.summary_retention))),
            ("database.flight_gap", Shown::Text(show_duration(self.flight_gap))),
            ("database.compress_after", Shown::Text(show_duration(self.compress_after))),
            ("database.chunk_interval", Shown::Text(show_duration(self.chunk_interval))),
        ]
    }
}
