use actors::domain::UnixTime;
use clap::{Args, Subcommand};

use super::SettingFlags;
use super::setting_flags::ArchiveKeys;
use crate::export::parse_time;

/// `archive`: maintain the archive.
#[derive(Args, Debug)]
pub struct ArchiveArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ArchiveCommand,
}

/// A command on the archive.
#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Merge the files of each hour into one
    Compact(CompactArgs),
}

/// `archive compact`: merge the files of each hour into one.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor archive compact --archive-url /srv/archive
  flight-monitor archive compact --from 2026-11-29T00:00:00Z --to 2026-11-29T23:59:59Z

It may be interrupted at any time, and may run while other processes write to the archive or compact it. Files that the
archive has not written are left alone.")]
pub struct CompactArgs {
    /// The earliest last_contact: Unix seconds or RFC 3339 [default: the oldest hour]
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    pub from: Option<UnixTime>,

    /// The latest last_contact [default: the newest hour]
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    pub to: Option<UnixTime>,

    /// Also compact the hours that ended less than archive.max_delay ago, for which more files are expected
    #[arg(long)]
    pub recent: bool,

    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<ArchiveKeys>,
}
