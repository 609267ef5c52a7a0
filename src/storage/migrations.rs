use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::conversion::{Converted, OnUnconverted};
use super::error::{MigrateError, with_causes};
use super::migration_outcome::{Hypertable, MigrationOutcome, Policies, SetPolicies, Statistics};
use super::postgres::{PostgresDatabase, PostgresError, Session, find_unscaled, within};
use super::sqlite::{SqliteDatabase, convert, ensure_views, finish_conversion, has_unscaled_rows, has_unscaled_table};

/// PostgreSQL's migrations.
pub const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// SQLite's migrations.
pub const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// The advisory lock held while migrating: "flight-m" in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"flight-m");

/// Migrates PostgreSQL. One connection holds the lock; diesel uses another one.
pub(super) async fn migrate_postgres(
    database: &PostgresDatabase,
    set: SetPolicies,
    unconverted: OnUnconverted,
) -> Result<MigrationOutcome, MigrateError> {
    let limit = database.options.migration_timeout;
    let holder = database.connect(Duration::ZERO).await?;
    acquire_lock(&holder.client, database).await?;
    let unscaled = within(database.options.lock_timeout, find_unscaled(&holder.client)).await?;
    let must_convert = unscaled.is_some_and(|unscaled| unscaled.has_rows);
    if must_convert && matches!(unconverted, OnUnconverted::Refuse) {
        return Err(MigrateError::Unconverted);
    }
    let session = database.connect(Duration::ZERO).await?;
    let applied = match within_migration(limit, apply_to_postgres(session)).await {
        // Diesel's error text does not distinguish an unavailable server from a refusal, so query the other connection.
        Err(MigrateError::Failed(reason)) => return Err(explain(reason, &holder.client, database).await),
        applied => applied?,
    };
    within_migration(limit, Box::pin(async { Ok(database.begin_conversion().await?) })).await?;
    let hypertable = within_migration(limit, Box::pin(async { Ok(database.ensure_hypertable().await?) })).await?;
    let converted = match unconverted {
        OnUnconverted::Convert(report) if must_convert => Some(Box::pin(database.convert(&report)).await?),
        _ => None,
    };
    let (policies, statistics) = match hypertable {
        Hypertable::Present | Hypertable::Created => (
            match set {
                SetPolicies::Yes => {
                    within_migration(limit, Box::pin(async { Ok(database.apply_policies().await?) })).await?
                }
                SetPolicies::No => Policies::Skipped,
            },
            within_migration(limit, Box::pin(async { Ok(database.ensure_aggregates(set).await?) })).await?,
        ),
        Hypertable::NotAvailable | Hypertable::Refused(_) => (Policies::NotAvailable, Statistics::NotAvailable),
    };
    within(database.options.lock_timeout, holder.client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK])).await?;
    Ok(MigrationOutcome { applied, converted, hypertable, policies, statistics })
}

async fn within_migration<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, MigrateError>>,
) -> Result<T, MigrateError> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(PostgresError::Timeout(limit).into()))
}

/// The oldest server version that we test, as `server_version_num`.
const MIN_SERVER_VERSION: i32 = 140_000;

/// Queries possible reasons for a failed migration. The schema is NULL if no schema in the search path exists.
const MIGRATION_CONTEXT: &str = "
SELECT current_setting('server_version_num')::integer, current_setting('server_version'), quote_ident(current_user),
    quote_ident(current_schema()), has_schema_privilege(current_schema(), 'CREATE')";

/// Turns a failed migration into an error that tells the operator what to do, or into `Unavailable` if the server does
/// not respond.
async fn explain(reason: String, client: &Client, database: &PostgresDatabase) -> MigrateError {
    let row = match within(database.options.connect_timeout, client.query_one(MIGRATION_CONTEXT, &[])).await {
        Ok(row) => row,
        Err(_) => return MigrateError::Unavailable(reason),
    };
    let (number, version, role): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
    let (schema, may_create): (Option<String>, Option<bool>) = (row.get(3), row.get(4));
    match (schema, may_create) {
        (Some(schema), Some(false)) => MigrateError::Refused(format!(
            "{reason}; run this as its owner: GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}"
        )),
        (None, _) => MigrateError::Refused(format!(
            "{reason}; no schema in the search_path of {role} exists or is accessible: create one, or grant USAGE"
        )),
        _ if number < MIN_SERVER_VERSION => MigrateError::Failed(format!(
            "{reason}; this server runs PostgreSQL {version}, but {} or newer is required",
            MIN_SERVER_VERSION / 10_000
        )),
        _ => MigrateError::Failed(reason),
    }
}

async fn acquire_lock(client: &Client, database: &PostgresDatabase) -> Result<(), MigrateError> {
    let waited = database.options.migration_lock_timeout;
    let wait = format!("SET lock_timeout = {}", waited.as_millis());
    let lock = async {
        client.batch_execute(&wait).await?;
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await
    };
    // The server ends the wait itself; the margin covers a server that does not respond at all.
    match within(waited + database.options.connect_timeout, lock).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Err(MigrateError::Locked { waited }),
        Err(failure) => Err(failure.into()),
    }
}

/// Applies the migrations on a blocking thread, since diesel's harness blocks and actix's runtimes must not be blocked.
/// Dropping this future closes the connection, which ends the thread.
async fn apply_to_postgres(session: Session) -> Result<Vec<String>, MigrateError> {
    let Session { client, driver } = session;
    let connection =
        AsyncPgConnection::try_from(client).await.map_err(|error| MigrateError::Unavailable(error.to_string()))?;
    let applying = tokio::task::spawn_blocking(move || {
        let mut connection = AsyncConnectionWrapper::<AsyncPgConnection>::from(connection);
        apply::<Pg, _>(&mut connection, POSTGRES_MIGRATIONS)
    });
    let applied = applying.await.map_err(|error| MigrateError::Failed(error.to_string()))?;
    drop(driver);
    applied
}

/// Migrates SQLite in a single transaction, except for the conversion of rows. Other writers wait for it.
pub(super) async fn migrate_sqlite(
    database: &Arc<SqliteDatabase>,
    unconverted: OnUnconverted,
) -> Result<MigrationOutcome, MigrateError> {
    let waited = database.options.lock_timeout;
    let database = Arc::clone(database);
    let migrating = tokio::task::spawn_blocking(move || {
        // Problems with the file itself: no permission to write, no such folder, or not a SQLite database.
        let mut connection = database.prepare().map_err(|error| match error.to_string() {
            reason if reason.contains("locked") => MigrateError::Unavailable(reason),
            reason => MigrateError::Refused(reason),
        })?;
        migrate_connection(&mut connection, unconverted).map_err(|error| match error {
            InTransaction::Migrate(error) => error,
            InTransaction::Begin(error) if error.to_string().contains("locked") => MigrateError::Locked { waited },
            InTransaction::Begin(error) => MigrateError::Unavailable(error.to_string()),
        })
    });
    let (applied, converted) = migrating.await.map_err(|error| MigrateError::Failed(error.to_string()))??;
    Ok(MigrationOutcome {
        applied,
        converted,
        hypertable: Hypertable::NotAvailable,
        policies: Policies::NotAvailable,
        statistics: Statistics::NotAvailable,
    })
}

fn migrate_connection(
    connection: &mut SqliteConnection,
    unconverted: OnUnconverted,
) -> Result<(Vec<String>, Option<Converted>), InTransaction> {
    let mut must_convert = false;
    let applied = connection.immediate_transaction(|connection| {
        must_convert = has_unscaled_rows(connection)?;
        if must_convert && matches!(unconverted, OnUnconverted::Refuse) {
            return Err(InTransaction::Migrate(MigrateError::Unconverted));
        }
        let applied =
            apply::<Sqlite, SqliteConnection>(connection, SQLITE_MIGRATIONS).map_err(InTransaction::Migrate)?;
        match (must_convert, has_unscaled_table(connection)?) {
            (false, true) => finish_conversion(connection)?,
            (must_convert, _) => ensure_views(connection, must_convert)?,
        }
        Ok(applied)
    })?;
    let converted = match unconverted {
        OnUnconverted::Convert(report) if must_convert => Some(convert(connection, &report)?),
        _ => None,
    };
    Ok((applied, converted))
}

enum InTransaction {
    Begin(diesel::result::Error),
    Migrate(MigrateError),
}

impl From<diesel::result::Error> for InTransaction {
    fn from(error: diesel::result::Error) -> Self {
        Self::Begin(error)
    }
}

/// Applies the pending migrations, unless the schema is newer than this program.
fn apply<DB: Backend, C: MigrationHarness<DB>>(
    connection: &mut C,
    migrations: EmbeddedMigrations,
) -> Result<Vec<String>, MigrateError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(with_causes(&*error));
    let known: Vec<Box<dyn Migration<DB>>> = migrations.migrations().map_err(failed)?;
    let known: HashSet<MigrationVersion<'_>> = known.iter().map(|migration| migration.name().version()).collect();
    let applied = connection.applied_migrations().map_err(failed)?;
    if let Some(unknown) = applied.iter().rev().find(|version| !known.contains(version)) {
        return Err(MigrateError::NewerSchema { version: unknown.to_string() });
    }
    let now = connection.run_pending_migrations(migrations).map_err(failed)?;
    Ok(now.iter().map(ToString::to_string).collect())
}

impl From<PostgresError> for MigrateError {
    fn from(failure: PostgresError) -> Self {
        match failure.code() {
            _ if failure.is_refusal() => Self::Refused(failure.to_string()),
            Some(code) if !is_transient(code) => Self::Failed(failure.to_string()),
            _ => Self::Unavailable(failure.to_string()),
        }
    }
}

/// Returns whether the error is transient: the server is starting or shutting down (class 57), is out of connections or
/// disk space (53), lost a connection (08), detected a conflict (40), or had a system error (58).
fn is_transient(code: &SqlState) -> bool {
    ["08", "40", "53", "57", "58"].iter().any(|class| code.code().starts_with(class))
}
