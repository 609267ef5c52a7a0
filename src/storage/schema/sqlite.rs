//! SQLite's tables and views, as the migrations create them.

pub(in crate::storage) use super::state_vectors::sqlite::{state_vectors, state_vectors_scaled};

diesel::table! {
    derived_cursor (one) {
        one -> Integer,
        through -> Nullable<BigInt>,
    }
}

diesel::table! {
    derived_late_aircraft (icao24) {
        icao24 -> Text,
        oldest -> BigInt,
        newest -> BigInt,
    }
}

diesel::table! {
    flights (icao24, first_seen) {
        icao24 -> Text,
        first_seen -> BigInt,
        last_seen -> BigInt,
        first_lat -> Nullable<Double>,
        first_lon -> Nullable<Double>,
        last_lat -> Nullable<Double>,
        last_lon -> Nullable<Double>,
        distance -> Double,
        highest_altitude -> Nullable<Double>,
        states -> BigInt,
        landed -> Bool,
        callsign -> Nullable<Text>,
        first_altitude -> Nullable<Double>,
        last_altitude -> Nullable<Double>,
    }
}

diesel::table! {
    ingest_position (log, topic, partition) {
        log -> Text,
        topic -> Text,
        partition -> Integer,
        next_offset -> BigInt,
        last_timestamp -> BigInt,
    }
}

diesel::table! {
    traffic_by_cell (hour, lat, lon) {
        hour -> BigInt,
        lat -> SmallInt,
        lon -> SmallInt,
        states -> BigInt,
        aircraft -> BigInt,
    }
}

diesel::table! {
    traffic_by_country (hour) {
        hour -> BigInt,
        origin_country -> Nullable<Text>,
        states -> BigInt,
        aircraft -> BigInt,
    }
}
