use super::*;

const NOW: UnixTime = UnixTime(1_700_000_000);

fn state(line: &str) -> StateVector {
    parse(line, NOW).unwrap().unwrap()
}

fn expected(icao24: &str, parts: StateVectorParts) -> StateVector {
    StateVectorParts { icao24: icao24.into(), last_contact: Some(NOW.0), ..parts }.try_into().unwrap()
}

/// The examples of the description of the format, <http://woodair.net/sbs/article/barebones42_socket_data.htm>.
#[test]
fn each_transmission_type_tells_its_values() {
    let check = |line: &str, icao24: &str, parts: StateVectorParts| {
        assert_eq!(state(line), expected(icao24, parts), "{line}");
    };
    check(
        "MSG,1,145,256,7404F2,11267,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,RJA1118,,,,,,,,,,,",
        "7404f2",
        StateVectorParts { callsign: Some("RJA1118".into()), ..StateVectorParts::default() },
    );
    check(
        "MSG,2,496,603,400CB6,13168,2008/10/13,12:24:32.414,2008/10/13,12:28:52.074,,0,76.4,258.3,54.05735,-4.38826,,,,,,0",
        "400cb6",
        StateVectorParts {
            baro_altitude: Some(0.0),
            velocity: Some(39.30),
            true_track: Some(258.3),
            lat: Some(54.05735),
            lon: Some(-4.38826),
            on_ground: Some(false),
            position_source: Some(0),
            ..StateVectorParts::default()
        },
    );
    check(
        "MSG,3,496,211,4CA2D6,10057,2008/11/28,14:53:50.594,2008/11/28,14:58:51.153,,37000,,,51.45735,-1.02826,,,0,0,0,0",
        "4ca2d6",
        StateVectorParts {
            baro_altitude: Some(11_277.6),
            lat: Some(51.45735),
            lon: Some(-1.02826),
            spi: Some(false),
            on_ground: Some(false),
            position_source: Some(0),
            ..StateVectorParts::default()
        },
    );
    check(
        "MSG,4,496,469,4CA767,27854,2010/02/19,17:58:13.039,2010/02/19,17:58:13.368,,,288.6,103.2,,,-832,,,,,",
        "4ca767",
        StateVectorParts {
            velocity: Some(148.47),
            true_track: Some(103.2),
            vertical_rate: Some(-4.23),
            ..StateVectorParts::default()
        },
    );
    check(
        "MSG,5,496,329,394A65,27868,2010/02/19,17:58:12.644,2010/02/19,17:58:13.368,,10000,,,,,,,0,,0,0",
        "394a65",
        StateVectorParts {
            baro_altitude: Some(3_048.0),
            spi: Some(false),
            on_ground: Some(false),
            ..StateVectorParts::default()
        },
    );
    check(
        "MSG,6,496,237,4CA215,27864,2010/02/19,17:58:12.846,2010/02/19,17:58:13.368,,33325,,,,,,0271,0,0,0,0",
        "4ca215",
        StateVectorParts {
            baro_altitude: Some(10_157.46),
            squawk: Some("0271".into()),
            spi: Some(false),
            on_ground: Some(false),
            ..StateVectorParts::default()
        },
    );
    check(
        "MSG,7,496,742,51106E,27929,2011/03/06,07:57:36.523,2011/03/06,07:57:37.054,,3775,,,,,,,,,,0",
        "51106e",
        StateVectorParts { baro_altitude: Some(1_150.62), on_ground: Some(false), ..StateVectorParts::default() },
    );
    check(
        "MSG,8,496,194,405F4E,27884,2010/02/19,17:58:13.244,2010/02/19,17:58:13.368,,,,,,,,,,,,0",
        "405f4e",
        StateVectorParts { on_ground: Some(false), ..StateVectorParts::default() },
    );
}

#[test]
fn other_messages_tell_nothing() {
    for line in [
        "SEL,,496,2286,4CA4E5,27215,2010/02/19,18:06:07.710,2010/02/19,18:06:07.710,RYR1427",
        "ID,,496,7162,405637,27928,2010/02/19,18:06:07.115,2010/02/19,18:06:07.115,EZY691A",
        "AIR,,496,5906,400F01,27931,2010/02/19,18:06:07.128,2010/02/19,18:06:07.128",
        "STA,,5,179,400AE7,10103,2008/11/28,14:58:51.153,2008/11/28,14:58:51.153,RM",
        "CLK,,496,-1,,-1,2010/02/19,18:18:19.036,2010/02/19,18:18:19.036",
    ] {
        assert_eq!(parse(line, NOW), Ok(None), "{line}");
    }
}

/// Returns a message with one value replaced.
fn with(index: usize, value: &str) -> String {
    let mut values = ["MSG,3,1,1,4CA2D6,1,,,,,,37000,,,51.5,-1.0,,,0,0,0,0"].concat();
    values = values
        .split(',')
        .enumerate()
        .map(|(at, old)| if at == index { value } else { old })
        .collect::<Vec<_>>()
        .join(",");
    values
}

#[test]
fn flags_and_squawks_of_all_receivers_are_read() {
    for (value, flag) in [("0", Some(false)), ("-1", Some(true)), ("1", Some(true)), ("", None)] {
        assert_eq!(state(&with(SPI, value)).spi, flag, "{value:?}");
    }
    for (value, squawk) in [("7700", Some("7700")), ("21", Some("0021")), ("0", Some("0000")), ("", None)] {
        assert_eq!(state(&with(SQUAWK, value)).squawk.as_deref(), squawk, "{value:?}");
    }
    // Without the flag, the transmission type tells.
    assert_eq!(state(&with(ON_GROUND, "")).on_ground, Some(false));
    assert_eq!(state(&with(ON_GROUND, "").replace("MSG,3", "MSG,2")).on_ground, Some(true));
    assert_eq!(state(&with(ON_GROUND, "").replace("MSG,3", "MSG,7")).on_ground, None);
    let surface = state(&with(ON_GROUND, "-1"));
    assert_eq!((surface.on_ground, surface.position_source), (Some(true), Some(0)));
    assert_eq!(state(&with(0, "MLAT")).position_source, Some(2));
}

#[test]
fn an_unknown_position_is_not_zero() {
    let unknown = with(LATITUDE, "0.0").replace("-1.0", "0.0");
    let state = state(&unknown);
    assert_eq!((state.lat, state.lon, state.position_source), (None, None, None));
    assert_eq!(self::state(&with(LATITUDE, "")).lon, None);
}

#[test]
fn a_bad_value_rejects_its_line_with_the_reason() {
    let check = |line: &str, kind: &str, reason: &str| {
        let row = parse(line, NOW).unwrap_err();
        assert_eq!(row.kind, kind, "{line}: {}", row.reason);
        assert!(row.reason.contains(reason) && row.reason.len() < 250, "{line}: {}", row.reason);
    };
    check("", "row", "unknown message type");
    check(&"x".repeat(500), "row", "unknown message type");
    check("MSG,9,1,1,4CA2D6,1,,,,,,,,,,,,,,,,", "row", "unknown transmission type \"9\"");
    check("MSG,3,1,1,4CA2D6,1", "columns", "6 values instead of 22");
    check(&with(ON_GROUND, "0MSG,3,1,1,4CA2D6,1,,,,,,37000"), "columns", "33 values");
    check(&with(ICAO24, ""), "icao24", "not an ICAO 24-bit address");
    check(&with(ICAO24, "4CA2D"), "icao24", "not an ICAO 24-bit address");
    check(&with(ICAO24, "~2CA2D6"), "icao24", "not an ICAO address");
    check(&with(ICAO24, "000000"), "icao24", "not assigned");
    check(&with(ALTITUDE, "ground"), "baro_altitude", "invalid baro_altitude \"ground\"");
    check(&with(ALTITUDE, "NaN"), "baro_altitude", "NaN");
    check(&with(GROUND_SPEED, "-1"), "velocity", "-1");
    check(&with(TRACK, "361"), "true_track", "361");
    check(&with(LATITUDE, "91"), "lat", "91");
    check(&with(LONGITUDE, "-181"), "lon", "-181");
    check(&with(VERTICAL_RATE, "1e9"), "vertical_rate", "1e9");
    check(&with(SQUAWK, "7780"), "squawk", "7780");
    check(&with(SQUAWK, "17700"), "squawk", "17700");
    check(&with(SPI, "2"), "spi", "2");
    check(&with(ON_GROUND, "yes"), "on_ground", "yes");
    check(&with(CALLSIGN, &"x".repeat(200)), "callsign", "200 bytes");
}
