//! PostgreSQL's tables and views, as the migrations create them.

pub(in crate::storage) use super::state_vectors::postgres::state_vectors;

diesel::table! {
    flights (icao24, first_seen) {
        icao24 -> Text,
        first_seen -> Timestamptz,
        last_seen -> Timestamptz,
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
        hour -> Timestamptz,
        lat -> SmallInt,
        lon -> SmallInt,
        states -> BigInt,
        aircraft -> BigInt,
    }
}

diesel::table! {
    traffic_by_country (hour) {
        hour -> Timestamptz,
        origin_country -> Nullable<Text>,
        states -> BigInt,
        aircraft -> BigInt,
    }
}
