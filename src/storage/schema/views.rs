//! The views of the physical table, generated from the table of fields.
//!
//! A migration adds a column to the physical table; the views follow when the program migrates the database. They divide
//! rather than multiply by the reciprocal, so that each number is the one whose decimals the source sent.

use actors::domain::{FIELDS, Field, FieldKind};

use super::COLUMNS;

/// An SQL dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    /// Returns the query that the view `state_vectors` consists of, with the columns in field order. While rows of the
    /// earlier table `unscaled` have not been converted, it shows these too; `unscaled` consists of a table and the
    /// condition that selects them.
    pub(in crate::storage) fn state_vectors(self, unscaled: Option<&str>) -> String {
        let columns: Vec<_> = FIELDS.iter().map(|field| self.column(field)).collect();
        let mut query = format!("SELECT {} FROM state_vectors_scaled", columns.join(", "));
        if let Some(unscaled) = unscaled {
            let columns = FIELDS.iter().map(|field| if is_unscaled_column(field) { field.name } else { "NULL" });
            query += &format!(" UNION ALL SELECT {} FROM {unscaled}", columns.collect::<Vec<_>>().join(", "));
        }
        query
    }

    /// Returns the query that the view `latest_states` consists of. It checks for each row whether a newer one exists,
    /// so that a condition on the position is applied first, and only the matching rows are checked.
    pub(in crate::storage) fn latest_states(self) -> String {
        let since = match self {
            Self::Postgres => "now() - INTERVAL '15 minutes'",
            Self::Sqlite => "unixepoch() - 900",
        };
        format!(
            "SELECT {COLUMNS} FROM state_vectors AS state WHERE last_contact > {since} AND NOT EXISTS (
                SELECT 1 FROM state_vectors AS newer WHERE newer.icao24 = state.icao24
                    AND newer.last_contact > state.last_contact AND newer.last_contact > {since}
            )"
        )
    }

    /// Returns the expression of a column of `state_vectors`.
    fn column(self, field: &Field) -> String {
        let name = field.name;
        let expression = match (field.kind, self) {
            (FieldKind::Number(_), Self::Postgres) => format!("{name} / {}::double precision", field.scale()),
            (FieldKind::Number(_), Self::Sqlite) => format!("{name} / {:?}", field.scale()),
            (FieldKind::Time(_), Self::Postgres) => format!("last_contact + {name} * INTERVAL '1 second'"),
            (FieldKind::Time(_), Self::Sqlite) => format!("last_contact + {name}"),
            _ => return name.to_owned(),
        };
        format!("{expression} AS {name}")
    }

    /// Returns the SQL expression of a column of the physical table for a value of the earlier table, and the condition
    /// under which the value fits.
    pub(in crate::storage) fn scaled(self, field: &Field) -> (String, Option<String>) {
        let name = field.name;
        if !is_unscaled_column(field) {
            return ("NULL".to_owned(), None);
        }
        let seconds = -f64::from(i32::MAX)..=f64::from(i32::MAX);
        let (value, range) = match (field.kind, self) {
            (FieldKind::Number(_), _) => (format!("round({name} * {:?})", field.scale()), field.range.clone()),
            (FieldKind::Time(_), Self::Postgres) => (format!("extract(epoch FROM {name} - last_contact)"), seconds),
            (FieldKind::Time(_), Self::Sqlite) => (format!("{name} - last_contact"), seconds),
            _ => return (name.to_owned(), None),
        };
        let scale = if matches!(field.kind, FieldKind::Number(_)) { field.scale() } else { 1.0 };
        let (min, max) = (range.start() * scale, range.end() * scale);
        let fits = format!("coalesce({value} BETWEEN {min:.0} AND {max:.0}, true)");
        (format!("CAST({value} AS integer)"), Some(fits))
    }
}

/// The number of fields that the earlier table has as columns: the first ones.
const UNSCALED_COLUMNS: usize = 18;

/// Returns whether the earlier table has a column for this field.
fn is_unscaled_column(field: &Field) -> bool {
    FIELDS.iter().take(UNSCALED_COLUMNS).any(|column| column.name == field.name)
}

/// Lists the columns of the earlier table.
pub(in crate::storage) fn unscaled_columns() -> String {
    FIELDS.iter().take(UNSCALED_COLUMNS).map(|field| field.name).collect::<Vec<_>>().join(", ")
}

/// Returns the comment on a column of `state_vectors`, in ASCII, which every encoding of a database has.
pub(in crate::storage) fn comment(field: &Field) -> String {
    let docs = field.docs.trim();
    let scale = match field.kind {
        FieldKind::Number(_) => format!(" In {}, with {} decimals.", field.unit, field.decimals),
        _ => String::new(),
    };
    format!("{docs}{scale}").replace('≤', "<=").replace('−', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_in_ascii() {
        for field in FIELDS {
            assert!(comment(field).is_ascii(), "{}", comment(field));
        }
    }
}
