use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actors::ports::StoreError;
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig};
use futures_util::FutureExt;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::advice::{self, POOLER};
use super::session_check::SessionCheck;
use crate::storage::error::{OpenError, with_causes};
use crate::storage::options::StorageOptions;
use crate::storage::tls;
use crate::storage::url::PostgresUrl;

/// A PostgreSQL database: how to connect to it, and the pool for queries.
pub(in crate::storage) struct PostgresDatabase {
    target: Target,
    pub(in crate::storage) options: StorageOptions,
    pub(in crate::storage) pool: Pool<AsyncPgConnection>,
    /// Limits the number of concurrent history readers.
    pub(in crate::storage) histories: Arc<Semaphore>,
    pub(super) sessions: SessionCheck,
}

#[derive(Clone)]
struct Target {
    config: Config,
    tls: MakeRustlsConnect,
    connect_timeout: Duration,
}

type RawConnection = Connection<Socket, <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream>;

/// A connection and the task that drives it. Dropping it closes the connection immediately, even if the server hangs.
pub(in crate::storage) struct Session {
    pub(in crate::storage) client: Client,
    pub(in crate::storage) driver: Driver,
}

/// The task that drives a connection. Dropping it aborts the task, after which every call on the connection fails.
pub(in crate::storage) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An error on a connection.
#[derive(Debug, Error)]
pub(in crate::storage) enum PostgresError {
    /// An error reported by the server or by the client library.
    #[error("{}", describe(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// The server did not respond within this time.
    #[error("no response within {:.1} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// A pooler assigns a different session to each transaction.
    #[error(
        "a connection pooler assigns each transaction a different server connection, but prepared statements and \
         temporary tables belong to one connection; {POOLER}"
    )]
    Pooled,
    /// Objects of the operator's keep a table from being dropped.
    #[error(
        "all rows are converted, but the table state_vectors_unscaled cannot be dropped, since others depend on it: {0}; \
         drop these, or recreate them on the view state_vectors, and migrate again"
    )]
    Dependent(String),
    /// The server rejects a specific row.
    #[error(transparent)]
    Rejected(StoreError),
}

impl PostgresError {
    /// Returns whether a copied row already exists in the table.
    pub(super) fn is_unique_violation(&self) -> bool {
        self.code() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// Returns whether the server rejected the data itself: a data exception (class 22) or a constraint violation (23).
    pub(super) fn is_data_error(&self) -> bool {
        self.code().is_some_and(|code| code.code().starts_with("22") || code.code().starts_with("23"))
    }

    /// Returns whether the role lacks a privilege, or TimescaleDB's edition lacks the feature.
    pub(in crate::storage) fn is_missing_privilege(&self) -> bool {
        matches!(self.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE | &SqlState::FEATURE_NOT_SUPPORTED))
    }

    pub(in crate::storage) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            Self::Timeout(_) | Self::Pooled | Self::Dependent(_) | Self::Rejected(_) => None,
        }
    }

    /// Returns whether the error persists until the operator changes something on the server.
    pub(in crate::storage) fn is_refusal(&self) -> bool {
        matches!(self, Self::Pooled | Self::Dependent(_)) || self.code().is_some_and(advice::is_refusal)
    }
}

impl From<PostgresError> for StoreError {
    fn from(failure: PostgresError) -> Self {
        match failure {
            PostgresError::Rejected(error) => error,
            refusal if refusal.is_refusal() => Self::Refused(refusal.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

fn describe(error: &tokio_postgres::Error) -> String {
    let (text, advice) = match error.as_db_error() {
        Some(error) => (format!("{} (SQLSTATE {})", error.message(), error.code().code()), advice::advice(error)),
        None => {
            let text = with_causes(error);
            let advice = advice::connection_advice(&text);
            (text, advice)
        }
    };
    match advice {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

/// Waits for the server's response, but only up to `limit`: a suspended server keeps its connections open.
pub(in crate::storage) async fn within<T, E: Into<PostgresError>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, PostgresError> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(PostgresError::Timeout(limit)),
    }
}

impl PostgresDatabase {
    /// Sets up the pool without connecting.
    ///
    /// # Errors
    /// The root certificates cannot be used.
    pub(in crate::storage) fn open(url: &PostgresUrl, options: StorageOptions) -> Result<Self, OpenError> {
        let mut config = url.config.clone();
        let connect_timeout = config.get_connect_timeout().copied().unwrap_or(options.connect_timeout);
        config.connect_timeout(connect_timeout);
        // Keepalives detect a silently lost host within a minute. Requests that we wait for have their own timeouts.
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
        config.tcp_user_timeout(options.statement_timeout);
        let addresses = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
        let target = Target {
            config,
            tls: tls::connector(url)?,
            connect_timeout: connect_timeout * u32::try_from(addresses).unwrap_or(1),
        };
        let manager = pool_manager(&target, &options);
        let pool = Pool::builder(manager)
            .max_size(options.pool_size)
            .build()
            .map_err(|error| OpenError::Client(error.to_string()))?;
        let histories = Arc::new(Semaphore::new(options.histories));
        Ok(Self { target, options, pool, histories, sessions: SessionCheck::default() })
    }

    /// Opens a connection on which the server cancels statements after `statement_timeout`; zero disables the timeout.
    ///
    /// # Errors
    /// The connection failed, or [`PostgresError::Pooled`].
    pub(in crate::storage) async fn connect(&self, statement_timeout: Duration) -> Result<Session, PostgresError> {
        self.check_sessions().await?;
        self.open_session(statement_timeout).await
    }

    /// Opens a connection without checking whether a pooler sits in between.
    pub(super) async fn open_session(&self, statement_timeout: Duration) -> Result<Session, PostgresError> {
        within(self.target.connect_timeout, async {
            let (client, connection) = self.target.connect().await?;
            let driver = Driver(tokio::spawn(async move {
                if let Err(error) = connection.await {
                    log::debug!("connection to PostgreSQL ended: {}", describe(&error));
                }
            }));
            let session = Session { client, driver };
            let settings = session_settings(statement_timeout, self.options.lock_timeout);
            session.client.batch_execute(&settings).await?;
            Ok::<_, tokio_postgres::Error>(session)
        })
        .await
    }
}

impl Target {
    async fn connect(&self) -> Result<(Client, RawConnection), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }
}

fn pool_manager(target: &Target, options: &StorageOptions) -> AsyncDieselConnectionManager<AsyncPgConnection> {
    let mut config = ManagerConfig::default();
    let target = target.clone();
    let settings = session_settings(options.query_timeout, options.lock_timeout);
    config.custom_setup = Box::new(move |_| {
        let (target, settings) = (target.clone(), settings.clone());
        async move { pooled_connection(&target, &settings).await }.boxed()
    });
    // The manager passes its URL only to the custom setup, which uses the target instead.
    AsyncDieselConnectionManager::new_with_config("", config)
}

async fn pooled_connection(target: &Target, settings: &str) -> ConnectionResult<AsyncPgConnection> {
    let bad_connection = |error: &tokio_postgres::Error| ConnectionError::BadConnection(describe(error));
    let work = async {
        let (client, connection) = target.connect().await.map_err(|error| bad_connection(&error))?;
        let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
        diesel_async::SimpleAsyncConnection::batch_execute(&mut connection, settings)
            .await
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    };
    match tokio::time::timeout(target.connect_timeout, work).await {
        Ok(result) => result,
        Err(_) => Err(ConnectionError::BadConnection(PostgresError::Timeout(target.connect_timeout).to_string())),
    }
}

/// Returns the statement that sets the server-side timeouts, so that a client that disappears does not leave a lock
/// behind. It skips settings that the server does not know. TimescaleDB's setting lifts the limit on inserting late
/// rows into compressed chunks. The last three are for tracks: the rows of an aircraft are on as many pages, which are
/// read ahead, and compiling a query takes longer than running it.
fn session_settings(statement_timeout: Duration, lock_timeout: Duration) -> String {
    let (statement_timeout, lock_timeout) = (statement_timeout.as_millis(), lock_timeout.as_millis());
    format!(
        "SELECT set_config(name, wanted.value, false) FROM (VALUES
            ('statement_timeout', '{statement_timeout}'), ('lock_timeout', '{lock_timeout}'),
            ('idle_in_transaction_session_timeout', '{lock_timeout}'), ('idle_session_timeout', '0'),
            ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),
            ('timescaledb.max_tuples_decompressed_per_dml_transaction', '0'),
            ('effective_io_concurrency', '64'), ('work_mem', '16MB'), ('jit', 'off')
        ) AS wanted (name, value) JOIN pg_settings USING (name)"
    )
}

impl fmt::Debug for PostgresDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresDatabase").field("options", &self.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}
