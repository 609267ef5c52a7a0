//! Advice for the operator on how to fix a server error.

use tokio_postgres::error::{DbError, SqlState};

/// Returns whether the error persists until the operator changes something: the login (class 28), the database (3D), a
/// schema (3F), a privilege, or a pooler that does not keep sessions.
pub(super) fn is_refusal(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or_default();
    ["28", "3D", "3F"].contains(&class) || *code == SqlState::INSUFFICIENT_PRIVILEGE || is_lost_session(code)
}

/// Returns whether a prepared statement is missing or belongs to another connection.
pub(super) fn is_lost_session(code: &SqlState) -> bool {
    [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT].contains(code)
}

/// Returns advice for an error reported by the server.
pub(super) fn advice(error: &DbError) -> Option<&'static str> {
    let code = error.code();
    Some(match *code {
        SqlState::INVALID_PASSWORD => "check the user name and the password in database.url",
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "create this role, allow it in pg_hba.conf, or use another one in database.url"
        }
        SqlState::INVALID_CATALOG_NAME => "create this database, or use another one in database.url",
        SqlState::INVALID_SCHEMA_NAME => "create this schema, or change the search_path",
        SqlState::INSUFFICIENT_PRIVILEGE => "grant it to the role in database.url",
        SqlState::UNDEFINED_TABLE => "run `flight-monitor migrate`, or restart the server",
        _ if is_lost_session(code) => POOLER,
        _ if error.message().contains("startup parameter") => {
            "a pooler rejects it: remove it from database.url, or add it to PgBouncer's ignore_startup_parameters"
        }
        _ => return None,
    })
}

/// Advice for a pooler that does not keep sessions.
pub(super) const POOLER: &str =
    "set pool_mode=session for this database in PgBouncer, or use PostgreSQL's own address in database.url";

/// Returns advice for a connection failure that was not reported by the server.
pub(super) fn connection_advice(text: &str) -> Option<&'static str> {
    text.contains("does not support TLS")
        .then_some("enable ssl on the server, or set sslmode=prefer or sslmode=disable in database.url")
}
