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
    /// Recorded responses of /states/all, in the order of their times
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Speed relative to the recording
    ///
    /// An aircraft has one state per second. Of responses that are played within the same second, only one has an
    /// effect; with --original-times they keep their own times.
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    pub speed: SpeedFactor,

    /// Keep the recorded times instead of moving them to the present
    #[arg(long)]
    pub original_times: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<PublishingKeys>,
}
