use super::connection::PostgresDatabase;
use crate::storage::rows::postgres_bound;
use crate::storage::summary_queries::summary_queries;

summary_queries!(PostgresDatabase, diesel::pg::Pg, postgres, postgres_bound);
