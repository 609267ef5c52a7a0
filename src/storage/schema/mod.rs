//! The tables as diesel sees them: the same names in both databases, times in each one's own type.

pub(super) mod postgres;
pub(super) mod sqlite;
