use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use actors::ports::StoreError;
use thiserror::Error;

/// Why a database could not be opened: the operator has to look.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A folder or file of SQLite.
    #[error("cannot open {}: {reason}", path.display())]
    File {
        /// What was to be opened.
        path: PathBuf,
        /// The system's or SQLite's own words.
        reason: String,
    },
    /// The root certificates for PostgreSQL.
    #[error("cannot use the root certificates{}: {reason}", path.as_ref().map_or(String::new(), |p| format!(" in {}", p.display())))]
    Certificates {
        /// The file, or `None` for those of the system.
        path: Option<PathBuf>,
        /// What was wrong.
        reason: String,
    },
    /// A pool or a TLS configuration that the libraries refuse.
    #[error("cannot set up the database client: {0}")]
    Client(String),
}

/// Why the schema could not be brought up to date, told apart by who can act.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// Nobody: it is down or slow, so try again later.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// Nobody: another process migrates; or one that hangs has to be ended.
    #[error("another process has been migrating this database for {} s", waited.as_secs())]
    Locked {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The operator: the login, a right or the database itself is not as it has to be.
    #[error("database refused: {0}")]
    Refused(String),
    /// The operator: a newer release of this program has been here, so run that one.
    #[error(
        "the database's schema is newer than this program: it has migration {version}, which is unknown here; run the \
         newer release"
    )]
    NewerSchema {
        /// The first migration that this program does not know.
        version: String,
    },
    /// The operator, or this program: the database refused a migration.
    #[error("migration failed: {0}")]
    Failed(String),
}

/// Why a query has no answer, told apart by who can act.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// Nobody: it is down, slow or busy, so try again later.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// Nobody: too many histories are being read, so try again later.
    #[error("too many concurrent history requests")]
    Busy,
    /// Somebody must look: a row was written by hand that is no state vector.
    #[error("malformed row: {0}")]
    Malformed(String),
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Unavailable(reason) => Self::Unavailable(reason),
            MigrateError::Locked { .. } => Self::Unavailable(error.to_string()),
            MigrateError::Refused(reason) => Self::Refused(reason),
            MigrateError::NewerSchema { .. } | MigrateError::Failed(_) => Self::Refused(error.to_string()),
        }
    }
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Unavailable(reason) => Self::Unavailable(reason),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<diesel::result::Error> for QueryError {
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::DeserializationError(reason) => Self::Malformed(reason.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// An error with its causes, which alone say what happened: PostgreSQL's client calls every refusal "db error".
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
