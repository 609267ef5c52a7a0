use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use futures_util::FutureExt;
use tokio::sync::Semaphore;

use super::immutable_file::ImmutableFile;
use crate::storage::error::{OpenError, with_causes};
use crate::storage::options::StorageOptions;

/// A pooled connection, which runs queries on a blocking thread.
pub(super) type PooledSqlite = SyncConnectionWrapper<SqliteConnection>;

/// A SQLite database: its location, and the pool for queries.
pub(in crate::storage) struct SqliteDatabase {
    location: String,
    /// `None` for a database in memory or opened read-only.
    file: Option<PathBuf>,
    pub(in crate::storage) options: StorageOptions,
    pub(in crate::storage) pool: Pool<PooledSqlite>,
    /// Limits the number of concurrent history readers.
    pub(in crate::storage) histories: Arc<Semaphore>,
    /// Set for a file that is read as immutable.
    pub(in crate::storage) immutable_file: Option<ImmutableFile>,
    /// Keeps a database in memory alive, which exists only while a connection is open.
    _keeper: Option<Mutex<SqliteConnection>>,
}

impl SqliteDatabase {
    /// Opens a file. Creates it and its folder if they are missing.
    pub(in crate::storage) fn open_file(path: &Path, options: StorageOptions) -> Result<Self, OpenError> {
        let database = Self::for_file(path, options)?;
        database.prepare()?;
        Ok(database)
    }

    /// Sets up the pool for a file without touching the file.
    pub(in crate::storage) fn for_file(path: &Path, options: StorageOptions) -> Result<Self, OpenError> {
        let file_error = |reason: &str| OpenError::File { path: path.to_owned(), reason: reason.to_owned() };
        // SQLite cannot mistake an absolute path for a URI or for one of its special names.
        let absolute = std::path::absolute(path).map_err(|error| file_error(&error.to_string()))?;
        let location = absolute.to_str().ok_or_else(|| file_error("the path is not UTF-8"))?.to_owned();
        Ok(Self { file: Some(absolute), ..Self::open(location, options, None)? })
    }

    /// Opens a connection for writing. Creates the file and its folder if they are missing. Blocks.
    ///
    /// # Errors
    /// The folder or file cannot be created or used. The error includes advice for the operator.
    pub(in crate::storage) fn prepare(&self) -> Result<SqliteConnection, OpenError> {
        let path = self.file.as_deref().unwrap_or_else(|| Path::new(&self.location));
        let file_error = |reason: String| OpenError::File { path: path.to_owned(), reason };
        if let Some(folder) = self.file.as_deref().and_then(Path::parent) {
            std::fs::create_dir_all(folder)
                .map_err(|error| file_error(format!("failed to create the folder {}: {error}", folder.display())))?;
        }
        let mut connection = self.connect().map_err(|error| file_error(with_advice(&error)))?;
        if self.file.is_some() {
            // The WAL mode is stored in the file. Commits do not wait for the disk, and readers do not wait for the
            // writer.
            connection.batch_execute("PRAGMA journal_mode = WAL").map_err(|error| file_error(with_advice(&error)))?;
        }
        Ok(connection)
    }

    /// Opens an existing file for reading.
    pub(in crate::storage) fn open_read_only(path: &Path, options: StorageOptions) -> Result<Self, OpenError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let file_error = |reason: String| OpenError::File { path: path.clone(), reason };
        if !path.metadata().map_err(|error| file_error(error.to_string()))?.is_file() {
            return Err(file_error("not a file".to_owned()));
        }
        let immutable_file = ImmutableFile::detect(&path).map_err(|error| file_error(error.to_string()))?;
        let escaped = percent_encoded(path.to_str().ok_or_else(|| file_error("the path is not UTF-8".to_owned()))?);
        let immutable = if immutable_file.is_some() { "&immutable=1" } else { "" };
        let mut database = Self::open(format!("file:{escaped}?mode=ro{immutable}"), options, None)?;
        database.immutable_file = immutable_file;
        let mut connection = database.connect().map_err(|error| file_error(error.to_string()))?;
        let checked = connection.batch_execute("SELECT 1 FROM state_vectors LIMIT 0");
        checked.map_err(|error| file_error(error.to_string()))?;
        Ok(database)
    }

    /// Opens a new database in memory, shared by all connections of this value.
    pub(in crate::storage) fn open_memory(options: StorageOptions) -> Result<Self, OpenError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let location = format!("file:/flight-monitor-{}?vfs=memdb", COUNT.fetch_add(1, Ordering::Relaxed));
        let keeper = connect(&location, &options).map_err(|error| OpenError::Client(error.to_string()))?;
        Self::open(location, options, Some(Mutex::new(keeper)))
    }

    fn open(
        location: String,
        options: StorageOptions,
        keeper: Option<Mutex<SqliteConnection>>,
    ) -> Result<Self, OpenError> {
        let mut config = ManagerConfig::default();
        let target = (location.clone(), options.clone());
        config.custom_setup = Box::new(move |_| {
            let (location, options) = target.clone();
            async move {
                let connecting = tokio::task::spawn_blocking(move || connect(&location, &options));
                let connection =
                    connecting.await.map_err(|error| ConnectionError::BadConnection(error.to_string()))??;
                Ok(SyncConnectionWrapper::new(connection))
            }
            .boxed()
        });
        let pool = Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
            .max_size(options.pool_size)
            .build()
            .map_err(|error| OpenError::Client(error.to_string()))?;
        let histories = Arc::new(Semaphore::new(options.histories));
        Ok(Self { location, file: None, options, pool, histories, immutable_file: None, _keeper: keeper })
    }

    /// Opens another connection. Blocks on the file system.
    pub(in crate::storage) fn connect(&self) -> ConnectionResult<SqliteConnection> {
        connect(&self.location, &self.options)
    }
}

/// The page cache per connection. Each connection fills its cache within minutes and never frees it. Cache misses are
/// served by the operating system's page cache.
const CACHE_KIB: u32 = 8 << 10;

/// Percent-encodes a path for use in a URI.
fn percent_encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    })
}

/// Opens a connection and sets its options.
///
/// In WAL mode with `synchronous = NORMAL`, a killed process loses no commits. After a power failure the database may
/// return to an earlier commit, but positions and rows stay consistent. Each batch touches most pages of the index by
/// aircraft, so checkpoints run every 64 MiB of log (several batches) rather than after each batch.
fn connect(location: &str, options: &StorageOptions) -> ConnectionResult<SqliteConnection> {
    let mut connection = SqliteConnection::establish(location)?;
    connection
        .batch_execute(&format!(
            "PRAGMA busy_timeout = {}; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -{CACHE_KIB};
             PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 16384; PRAGMA temp_store = MEMORY;",
            options.lock_timeout.as_millis()
        ))
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Formats a SQLite error with its causes and advice for the operator.
fn with_advice(error: &(dyn std::error::Error + 'static)) -> String {
    let reason = with_causes(error);
    let advice = if reason.contains("unable to open") {
        "the user of this process needs write permission for the file and its folder"
    } else if reason.contains("not a database") {
        "move this file, or use another path in database.url"
    } else if reason.contains("readonly") || reason.contains("read-only") {
        "the user of this process needs write permission for the file"
    } else {
        return reason;
    };
    format!("{reason}; {advice}")
}

impl fmt::Debug for SqliteDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDatabase").field("location", &self.location).finish_non_exhaustive()
    }
}
