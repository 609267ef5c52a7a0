use clap::Args;

use super::SettingFlags;
use super::setting_flags::DatabaseKeys;

/// `migrate`: update the database schema.
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<DatabaseKeys>,
}
