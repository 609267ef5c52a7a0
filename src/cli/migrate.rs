use clap::Args;

use super::SettingFlags;
use super::setting_flags::DatabaseKeys;

/// `migrate`: bring the database's tables up to date.
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags<DatabaseKeys>,
}
