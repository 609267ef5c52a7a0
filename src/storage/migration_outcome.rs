use std::fmt;

use super::conversion::{Converted, UNCONVERTIBLE};

/// The outcome of a migration. `Display` summarizes it in one line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationOutcome {
    /// The versions applied by this migration, in order.
    pub applied: Vec<String>,
    /// What was converted from the format of an earlier version; `None` if there was nothing to convert.
    pub converted: Option<Converted>,
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
    Created,
}

/// Whether TimescaleDB compresses and drops chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policies {
    /// Left unchanged: only the server sets the policies, other commands do not.
    Skipped,
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

impl fmt::Display for MigrationOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { applied, converted, hypertable, policies, statistics } = self;
        match &**applied {
            [] => f.write_str("no pending migrations")?,
            applied => write!(f, "applied {}", applied.join(", "))?,
        }
        if let Some(Converted { rows, unconvertible }) = converted {
            write!(f, "; converted {rows} rows")?;
            if *unconvertible > 0 {
                write!(f, " ({unconvertible} others do not fit and are kept in {UNCONVERTIBLE})")?;
            }
        }
        write!(f, "; hypertable: {hypertable}; policies: {policies}; statistics: {statistics}")
    }
}

impl fmt::Display for Hypertable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAvailable => f.write_str("not available"),
            Self::Refused(reason) => write!(f, "refused ({reason})"),
            Self::Present => f.write_str("present"),
            Self::Created => f.write_str("created"),
        }
    }
}

impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped => f.write_str("skipped"),
            Self::NotAvailable => f.write_str("not available"),
            Self::Refused(reason) => write!(f, "refused ({reason})"),
            Self::Present => f.write_str("present"),
            Self::Changed => f.write_str("changed"),
        }
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAvailable => f.write_str("not available"),
            Self::Refused(reason) => write!(f, "refused ({reason})"),
            Self::Present => f.write_str("present"),
            Self::Changed => f.write_str("changed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_summarized_in_one_line() {
        let mut outcome = MigrationOutcome {
            applied: Vec::new(),
            converted: None,
            hypertable: Hypertable::Created,
            policies: Policies::Refused("Apache edition".to_owned()),
            statistics: Statistics::Changed,
        };
        let rest = "hypertable: created; policies: refused (Apache edition); statistics: changed";
        assert_eq!(outcome.to_string(), format!("no pending migrations; {rest}"));
        outcome.applied = vec!["1".to_owned(), "2".to_owned()];
        assert_eq!(outcome.to_string(), format!("applied 1, 2; {rest}"));
        outcome.converted = Some(Converted { rows: 7, unconvertible: 1 });
        let converted = "converted 7 rows (1 others do not fit and are kept in state_vectors_unconvertible)";
        assert_eq!(outcome.to_string(), format!("applied 1, 2; {converted}; {rest}"));
    }
}
