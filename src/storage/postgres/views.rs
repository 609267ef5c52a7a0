//! Keeps the views `state_vectors` and `latest_states` in step with the table of fields.

use actors::domain::FIELDS;
use tokio_postgres::Client;

use super::connection::PostgresError;
use crate::storage::schema::{Dialect, comment};

/// Returns the columns of a view in order; no row if it does not exist.
const COLUMNS: &str = "SELECT attname::text FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

/// Statements that grant the readers of the table of the earlier schema to read the views that take its place.
const GRANTS: &str = "
SELECT format('GRANT SELECT ON state_vectors, latest_states TO %s',
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass('state_vectors_unscaled') AND privilege_type = 'SELECT'";

/// Creates the views, or replaces them if a field was added.
pub(super) async fn ensure_views(client: &Client) -> Result<(), PostgresError> {
    for view in ["state_vectors", "latest_states"] {
        let columns = client.query(COLUMNS, &[&view]).await?;
        let columns = columns.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        if !columns.iter().map(String::as_str).eq(FIELDS.iter().map(|field| field.name)) {
            client.batch_execute(&format!("BEGIN; {}; COMMIT", definitions(None))).await?;
            return Ok(());
        }
    }
    Ok(())
}

/// Creates the views while some rows have not been converted. `unscaled` is their table and the condition that selects
/// them.
pub(super) async fn create_views_with_unscaled(client: &Client, unscaled: &str) -> Result<(), PostgresError> {
    let grants = client.query(GRANTS, &[]).await?;
    let grants = grants.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    let definitions = definitions(Some(unscaled));
    client.batch_execute(&format!("BEGIN; {definitions}; {}; COMMIT", grants.join("; "))).await?;
    Ok(())
}

/// Returns the statements that create or replace the views and their comments.
pub(super) fn definitions(unscaled: Option<&str>) -> String {
    let mut statements = vec![
        format!("CREATE OR REPLACE VIEW state_vectors AS {}", Dialect::Postgres.state_vectors(unscaled)),
        format!("CREATE OR REPLACE VIEW latest_states AS {}", Dialect::Postgres.latest_states()),
        "COMMENT ON VIEW state_vectors IS \
         'What a source knew of one aircraft at one moment, once for each last_contact; unknown is NULL, never 0.'"
            .to_owned(),
        "COMMENT ON VIEW latest_states IS \
         'The newest state of each aircraft that was heard in the last 15 minutes; columns as in state_vectors.'"
            .to_owned(),
    ];
    statements.extend(FIELDS.iter().map(|field| {
        let text = comment(field).replace('\'', "''");
        format!("COMMENT ON COLUMN state_vectors.{} IS '{text}'", field.name)
    }));
    statements.join(";\n")
}
