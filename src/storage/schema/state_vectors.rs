//! The view `state_vectors` of both databases, and SQLite's table behind it, generated from the field list: each field is
//! a column of the same name. PostgreSQL's table is written and read in binary `COPY`.

use actors::state_vector_fields;

/// Maps each kind of field to its SQL type in PostgreSQL.
#[allow(non_camel_case_types, reason = "named as the kinds are")]
mod postgres_types {
    use diesel::sql_types::{Bool, Double, Nullable, SmallInt, Text, Timestamptz};

    pub(super) type address = Text;
    pub(super) type text = Nullable<Text>;
    pub(super) type number = Nullable<Double>;
    pub(super) type code = Nullable<SmallInt>;
    pub(super) type flag = Nullable<Bool>;
    pub(super) type time = Nullable<Timestamptz>;
    pub(super) type key_time = Timestamptz;
}

/// Maps each kind of field to its SQL type in SQLite, where times are Unix seconds.
#[allow(non_camel_case_types, reason = "named as the kinds are")]
mod sqlite_types {
    use diesel::sql_types::{BigInt, Nullable};

    pub(super) use super::postgres_types::{address, code, flag, number, text};
    pub(super) type time = Nullable<BigInt>;
    pub(super) type key_time = BigInt;
}

/// Maps each kind of field to its SQL type in SQLite's physical table.
#[allow(non_camel_case_types, reason = "named as the kinds are")]
mod scaled_types {
    use diesel::sql_types::{Integer, Nullable};

    pub(super) use super::sqlite_types::{address, code, flag, key_time, text};
    pub(super) type number = Nullable<Integer>;
    pub(super) type time = Nullable<Integer>;
}

macro_rules! tables {
    ($($(#[$docs:meta])* $name:ident: $kind:ident $properties:tt)*) => {
        pub(super) mod postgres {
            diesel::table! {
                use crate::storage::schema::state_vectors::postgres_types::*;
                state_vectors (icao24, last_contact) { $($name -> $kind,)* }
            }
        }

        pub(super) mod sqlite {
            diesel::table! {
                use crate::storage::schema::state_vectors::sqlite_types::*;
                state_vectors (icao24, last_contact) { $($name -> $kind,)* }
            }

            diesel::table! {
                use crate::storage::schema::state_vectors::scaled_types::*;
                state_vectors_scaled (icao24, last_contact) { $($name -> $kind,)* }
            }
        }
    };
}
state_vector_fields!(tables);

macro_rules! list {
    (
        $(#[$first_docs:meta])* $first:ident: $first_kind:ident $first_properties:tt
        $($(#[$docs:meta])* $name:ident: $kind:ident $properties:tt)*
    ) => {
        concat!(stringify!($first) $(, ", ", stringify!($name))*)
    };
}

/// Lists the columns in the order in which rows are written and read.
pub(in crate::storage) const COLUMNS: &str = state_vector_fields!(list);
