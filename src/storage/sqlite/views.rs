//! Keeps the views `state_vectors` and `latest_states` in step with the table of fields.

use actors::domain::FIELDS;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use crate::storage::conversion::UNSCALED;
use crate::storage::schema::Dialect;

const COLUMNS: &str = "SELECT name FROM pragma_table_info(?) ORDER BY cid";

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Creates the views, or replaces them if a field was added. With `unscaled`, they also show the rows of the earlier
/// schema that have not been converted.
pub(in crate::storage) fn ensure_views(connection: &mut SqliteConnection, unscaled: bool) -> QueryResult<()> {
    let mut is_current = !unscaled;
    for view in ["state_vectors", "latest_states"] {
        let columns = diesel::sql_query(COLUMNS).bind::<Text, _>(view).load::<Column>(connection)?;
        is_current &= columns.iter().map(|column| &*column.name).eq(FIELDS.iter().map(|field| field.name));
    }
    if is_current { Ok(()) } else { create_views(connection, unscaled) }
}

pub(super) fn create_views(connection: &mut SqliteConnection, unscaled: bool) -> QueryResult<()> {
    connection.batch_execute(&format!(
        "DROP VIEW IF EXISTS latest_states; DROP VIEW IF EXISTS state_vectors;
         CREATE VIEW state_vectors AS {}; CREATE VIEW latest_states AS {}",
        Dialect::Sqlite.state_vectors(unscaled.then_some(UNSCALED)),
        Dialect::Sqlite.latest_states(),
    ))
}
