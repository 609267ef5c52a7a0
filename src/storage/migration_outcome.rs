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
    /// The server has no TimescaleDB, or this is SQLite.
    NotAvailable,
    /// The server refused, with this reason. The table works without it.
    Refused(String),
    /// It was one before.
    Present,
    /// It has become one.
    Made,
}

/// Whether TimescaleDB compresses and drops chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policies {
    /// Left unchanged, since only the server sets them.
    Left,
    /// There is no hypertable, so this program deletes rows older than the retention.
    NotAvailable,
    /// TimescaleDB refused, with this reason, so this program drops the chunks.
    Refused(String),
    /// They were as configured before.
    Present,
    /// They are as configured from now on.
    Changed,
}

/// Whether to set TimescaleDB's policies as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetPolicies {
    Yes,
    No,
}

/// Whether TimescaleDB keeps the hourly statistics by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// There is no hypertable: the server itself keeps them in tables.
    NotAvailable,
    /// TimescaleDB does not let us, with its words: the server itself keeps them in tables.
    Refused(String),
    /// It does, by continuous aggregates as the configuration says, and did before.
    Present,
    /// They are as configured from now on.
    Changed,
}
