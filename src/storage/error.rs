use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use actors::ports::StoreError;
use thiserror::Error;

/// Why a database could not be opened. All of these need the operator's attention.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A SQLite file or folder cannot be used.
    #[error("cannot open {}: {reason}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The message from the operating system or from SQLite.
        reason: String,
    },
    /// The root certificates for PostgreSQL cannot be used.
    #[error("cannot use the root certificates{}: {reason}", path.as_ref().map_or(String::new(), |p| format!(" in {}", p.display())))]
    Certificates {
        /// The certificate file, or `None` for the system's certificates.
        path: Option<PathBuf>,
        /// Why they cannot be used.
        reason: String,
    },
    /// The connection pool or the TLS configuration was rejected by its library.
    #[error("cannot set up the database client: {0}")]
    Client(String),
}

/// Why the schema could not be brought up to date. The variants differ in who can act.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// The database is down or slow. Retry later.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// Another process is migrating. Retry later; if that process hangs, the operator has to end it.
    #[error("another process has been migrating this database for {} s", waited.as_secs())]
    Locked {
        /// How long this process waited for the other one.
        waited: Duration,
    },
    /// The operator has to act: the login, a privilege or the database itself is not set up correctly.
    #[error("database refused: {0}")]
    Refused(String),
    /// The operator has to run a newer release: one has already migrated this database.
    #[error(
        "the database schema is newer than this program: it has the unknown migration {version}; run the newer release"
    )]
    NewerSchema {
        /// A migration that this program does not know.
        version: String,
    },
    /// The operator has to run `flight-monitor migrate`, since converting takes long.
    #[error(
        "the database holds state vectors in the format of an earlier version; convert them with `flight-monitor \
         migrate`, which shows its progress and can be interrupted"
    )]
    Unconverted,
    /// A migration failed, because of a bug in this program or a problem that the operator can fix.
    #[error("migration failed: {0}")]
    Failed(String),
}

/// Why a query failed. The variants differ in who can act.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// The database is down, slow or busy. Retry later.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// Too many histories are being read. Retry later.
    #[error("too many concurrent history requests")]
    Busy,
    /// The operator has to act: a row, probably edited by hand, is not valid.
    #[error("malformed row: {0}")]
    Malformed(String),
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Unavailable(reason) => Self::Unavailable(reason),
            MigrateError::Locked { .. } => Self::Unavailable(error.to_string()),
            MigrateError::Refused(reason) => Self::Refused(reason),
            MigrateError::NewerSchema { .. } | MigrateError::Unconverted | MigrateError::Failed(_) => {
                Self::Refused(error.to_string())
            }
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

/// Formats an error with its causes. Only the causes say what happened: PostgreSQL's client calls every server error
/// "db error".
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
