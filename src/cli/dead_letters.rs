use clap::Args;

use super::SettingFlags;
use super::setting_flags::ConsumingKeys;

/// `dead-letters`: list the dead letters, and publish them again.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor dead-letters                          every dead letter with its reason
  flight-monitor dead-letters --json | jq .reason
  flight-monitor dead-letters --resend                 after an upgrade or a repaired table
  flight-monitor dead-letters --resend --reason 'refused by the database'

With --resend, each record that this version can read is published to its topic again and stored like
any other. Kafka keeps the position, as the consumer group <kafka.group_id>-dead-letters, so that the
next --resend continues after it. With --reason or --all the position stays. Resending a record twice is
harmless: each row is stored once.")]
pub struct DeadLettersArgs {
    /// Publish the records that this version can read to their topic again
    #[arg(long)]
    pub resend: bool,

    /// Only dead letters whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Include those that were resent before
    #[arg(long)]
    pub all: bool,

    /// List them as JSON, one object per line, with the complete value
    #[arg(long, conflicts_with = "resend")]
    pub json: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<ConsumingKeys>,
}
