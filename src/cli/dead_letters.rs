use clap::Args;

use super::SettingFlags;
use super::setting_flags::ConsumingKeys;

/// `dead-letters`: list what nobody could use, and send it again.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor dead-letters                          what nobody could use, and why
  flight-monitor dead-letters --json | jq .reason
  flight-monitor dead-letters --resend                 after an upgrade or a mended table
  flight-monitor dead-letters --resend --reason 'refused by the database'

With --resend each record that this version can read is published to its topic once more, where the
store takes it up as any other. What was dealt with is remembered in Kafka, by the consumer group
<kafka.group_id>-dead-letters: the next time begins behind it. With --reason or --all nothing is
remembered. Sending something twice does no harm: a row is stored once.")]
pub struct DeadLettersArgs {
    /// Publish to their topic once more those that this version can read
    #[arg(long)]
    pub resend: bool,

    /// Only those whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,

    /// Also those that were resent before
    #[arg(long)]
    pub all: bool,

    /// List them as JSON, one object a line, with their whole value
    #[arg(long, conflicts_with = "resend")]
    pub json: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<ConsumingKeys>,
}
