use std::path::PathBuf;

use clap::Args;

use super::setting_flags::PublishingKeys;
use super::{SettingFlags, SpeedFactor};

/// `replay`: publish recorded OpenSky responses to Kafka.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor replay --speed 10 --kafka-bootstrap-servers kafka:9092 -- monday-*.json")]
pub struct ReplayArgs {
    /// Recorded responses of /states/all, in the order in which they were made
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// How many times faster than they were recorded
    ///
    /// An aircraft has one state a second. Responses that are played within the same second bring news of it once, and the
    /// rest is left out; with --original-times they keep their own seconds.
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    pub speed: SpeedFactor,

    /// Leave the times as they are, and do not move them to the present
    #[arg(long)]
    pub original_times: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<PublishingKeys>,
}
