//! The names of settings in the Go original.

mod database;

use super::sections::{HttpSettings, KafkaSettings, OpenSkySettings};
use super::setting::Setting;

pub(super) use database::{DatabaseParts, assemble_url};

/// A setting of the Go original that corresponds to one of ours.
pub(super) struct Alias {
    /// Its dotted path, of two or three levels.
    pub(super) path: &'static str,
    pub(super) setting: &'static Setting,
    /// The unit to append to its value, or an empty string.
    pub(super) unit: &'static str,
}

pub(super) const ALIASES: &[Alias] = &[
    Alias { path: "opensky.ticker_interval_ms", setting: OpenSkySettings::poll_interval, unit: "ms" },
    Alias { path: "kafka.consumer.consumer_group_id", setting: KafkaSettings::group_id, unit: "" },
    Alias { path: "sse.port", setting: HttpSettings::port, unit: "" },
];
