//! SQLite's tables, as the migrations make them.

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
