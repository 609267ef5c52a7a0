//! SQLite's tables, as the migrations make them.

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
    state_vectors (icao24, last_contact) {
        icao24 -> Text,
        last_contact -> BigInt,
        time_position -> Nullable<BigInt>,
        observed_at -> Nullable<BigInt>,
        lat -> Nullable<Double>,
        lon -> Nullable<Double>,
        baro_altitude -> Nullable<Double>,
        geo_altitude -> Nullable<Double>,
        velocity -> Nullable<Double>,
        true_track -> Nullable<Double>,
        vertical_rate -> Nullable<Double>,
        position_source -> Nullable<SmallInt>,
        category -> Nullable<SmallInt>,
        on_ground -> Nullable<Bool>,
        spi -> Nullable<Bool>,
        callsign -> Nullable<Text>,
        squawk -> Nullable<Text>,
        origin_country -> Nullable<Text>,
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
