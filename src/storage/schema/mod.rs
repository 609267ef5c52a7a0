//! The tables as diesel sees them: the same names in both databases, times in each one's own type.

pub(super) mod postgres;
pub(super) mod sqlite;
mod state_vectors;

pub(super) use state_vectors::COLUMNS;

diesel::define_sql_function! {
    /// Callsigns are compared without regard to case; the index of `flights` is on this expression.
    fn upper(text: diesel::sql_types::Nullable<diesel::sql_types::Text>) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}
