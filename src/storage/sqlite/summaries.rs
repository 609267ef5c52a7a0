use super::connection::SqliteDatabase;
use crate::storage::summary_queries::summary_queries;

summary_queries!(SqliteDatabase, diesel::sqlite::Sqlite, sqlite, seconds);

fn seconds(time: UnixTime) -> i64 {
    time.0
}
