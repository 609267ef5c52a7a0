//! Diesel's view of the tables. Both databases use the same names; each stores times in its own type.

pub(super) mod postgres;
pub(super) mod sqlite;
mod state_vectors;
mod views;

pub(super) use state_vectors::COLUMNS;
pub(super) use views::{Dialect, comment, unscaled_columns};

diesel::define_sql_function! {
    /// SQL's `upper`, for comparing callsigns regardless of case. The callsign index of `flights` is on this
    /// expression.
    fn upper(text: diesel::sql_types::Nullable<diesel::sql_types::Text>) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
}
