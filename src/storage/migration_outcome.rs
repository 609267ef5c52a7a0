/// The outcome of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The versions applied by this migration, in order.
    pub applied: Vec<String>,
    /// The state of the hypertable.
    pub hypertable: Hypertable,
    /// The state of compression and retention.
    pub policies: Policies,
    /// The state of the hourly statistics.
    pub statistics: Statistics,
}

/// Whether `state_vectors` is a hypertable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hypertable {
    /// The server does not offer TimescaleDB, or the database is SQLite.
    NotAvailable,
    /// The server refused for this reason. Storage works with a plain table.
    Refused(String),
    /// It already was one.
    Present,
    /// This migration turned it into one.
    Made,
}

/// Whether TimescaleDB compresses and drops chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policies {
    /// Left unchanged: only the server sets the policies, other commands do not.
    Left,
    /// Not a hypertable, so this program deletes rows older than the retention.
    NotAvailable,
    /// TimescaleDB refused for this reason, so this program drops the chunks.
    Refused(String),
    /// The policies already matched the configuration.
    Present,
    /// The policies were changed to match the configuration.
    Changed,
}

/// Whether to set TimescaleDB's policies as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetPolicies {
    Yes,
    No,
}

/// Whether TimescaleDB maintains the hourly statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Not a hypertable, so this program maintains the statistics in plain tables.
    NotAvailable,
    /// TimescaleDB refused for this reason, so this program maintains the statistics in plain tables.
    Refused(String),
    /// The continuous aggregates already matched the configuration.
    Present,
    /// The continuous aggregates were created or changed to match the configuration.
    Changed,
}
