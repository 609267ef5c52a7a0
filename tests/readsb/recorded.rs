//! Recorded lists, and lists with what those do not show; `tests/data/readsb/SOURCES.md` says where they come from.

use actors::domain::{FIELDS, FieldValue, StateVector, UnixTime, fields};
use flight_monitor::sources::readsb::wire::{AircraftList, parse_aircraft};

pub(crate) const RECORDED: [&str; 2] = ["adsbexchange-v2-2022-06-21-462", "adsbfi-2024-02-24-21"];

pub(crate) fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/readsb/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn list(name: &str) -> AircraftList {
    parse_aircraft(&bytes(&format!("{name}.json"))).unwrap()
}

fn text(value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Address(address) => address.to_string(),
        FieldValue::Text(text) => text.unwrap_or_default().to_owned(),
        FieldValue::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
        FieldValue::Code(code) => code.map(|code| code.to_string()).unwrap_or_default(),
        FieldValue::Flag(flag) => flag.map(|flag| flag.to_string()).unwrap_or_default(),
        FieldValue::Time(time) => time.map(|time| time.to_string()).unwrap_or_default(),
    }
}

#[test]
fn every_value_of_the_recorded_lists_equals_the_reference() {
    for name in RECORDED {
        let list = list(name);
        let reference = String::from_utf8(bytes(&format!("{name}.csv"))).unwrap();
        let mut lines = reference.lines();
        let columns: Vec<_> = lines.next().unwrap().split(',').map(|it| fields::Field::named(it).unwrap()).collect();
        let states = &list.snapshot.states;
        assert_eq!((lines.clone().count(), list.snapshot.bad_rows.count()), (states.len(), 0), "{name}");
        for (state, line) in states.iter().zip(lines) {
            let state = state.borrowed();
            let values: Vec<_> = columns.iter().map(|field| text(field.value(&state))).collect();
            assert_eq!(values.join(","), line, "{name}");
            let others = FIELDS.iter().filter(|field| columns.iter().all(|column| column.name != field.name));
            let known: Vec<_> = others.filter(|field| !text(field.value(&state)).is_empty()).collect();
            assert_eq!(known.iter().map(|field| field.name).collect::<Vec<_>>(), ["observed_at"], "{line}");
        }
    }
}

#[test]
fn times_are_in_seconds_or_milliseconds_and_other_addresses_are_counted() {
    let [exchange, fi] = RECORDED.map(list);
    assert_eq!((exchange.now, exchange.snapshot.time), (1_655_847_666_942, UnixTime(1_655_847_666)));
    assert_eq!((exchange.snapshot.states.len(), exchange.non_icao), (360, 102));
    assert_eq!((fi.now, fi.snapshot.time), (1_708_792_058_719, UnixTime(1_708_792_058)));
    assert_eq!((fi.snapshot.states.len(), fi.non_icao), (21, 0));
}

#[test]
fn each_rule_of_the_format_is_followed() {
    let list = list("readsb");
    assert_eq!((list.non_icao, list.snapshot.bad_rows.count()), (1, 0));
    let observed_at = Some(UnixTime(1_788_594_893));
    let state = |icao24: &str, last_contact| StateVector {
        observed_at,
        ..StateVector::new(icao24.parse().unwrap(), UnixTime(last_contact))
    };
    let expected = [
        StateVector {
            callsign: Some("SWR8AB".into()),
            lat: Some(47.2633),
            lon: Some(8.614239),
            velocity: Some(229.7),
            true_track: Some(309.0),
            vertical_rate: Some(-11.05),
            baro_altitude: Some(7658.1),
            geo_altitude: Some(7886.7),
            on_ground: Some(false),
            squawk: Some("1000".into()),
            spi: Some(false),
            position_source: Some(0),
            category: Some(4),
            time_position: Some(UnixTime(1_788_594_892)),
            ..state("4b1814", 1_788_594_893)
        },
        // On the ground. The heading is not the track.
        StateVector {
            lat: Some(47.4521),
            lon: Some(8.5617),
            velocity: Some(5.66),
            on_ground: Some(true),
            spi: Some(true),
            position_source: Some(0),
            category: Some(4),
            time_position: Some(UnixTime(1_788_594_889)),
            ..state("4b1815", 1_788_594_891)
        },
        // By multilateration.
        StateVector {
            callsign: Some("HBZAB".into()),
            lat: Some(47.10152),
            lon: Some(8.300021),
            velocity: Some(49.39),
            true_track: Some(12.0),
            vertical_rate: Some(0.33),
            baro_altitude: Some(1386.84),
            on_ground: Some(false),
            squawk: Some("7000".into()),
            spi: Some(false),
            position_source: Some(2),
            time_position: Some(UnixTime(1_788_594_891)),
            ..state("4b1816", 1_788_594_892)
        },
        // Only its last position is known.
        StateVector {
            lat: Some(47.90001),
            lon: Some(9.10002),
            baro_altitude: Some(11277.6),
            on_ground: Some(false),
            squawk: Some("2277".into()),
            spi: Some(false),
            time_position: Some(UnixTime(1_788_594_800)),
            ..state("4b1817", 1_788_594_893)
        },
        // Its last position is a day old.
        StateVector { baro_altitude: Some(11887.2), on_ground: Some(false), ..state("4b1818", 1_788_594_863) },
        // A vehicle.
        StateVector {
            callsign: Some("FOLLOW1".into()),
            lat: Some(47.458),
            lon: Some(8.548),
            on_ground: Some(true),
            position_source: Some(0),
            category: Some(17),
            time_position: Some(UnixTime(1_788_594_892)),
            ..state("4b1819", 1_788_594_892)
        },
        // By radar.
        StateVector {
            lat: Some(47.5),
            lon: Some(8.7),
            velocity: Some(41.41),
            true_track: Some(271.2),
            baro_altitude: Some(548.64),
            on_ground: Some(false),
            time_position: Some(UnixTime(1_788_594_891)),
            ..state("4b181a", 1_788_594_891)
        },
    ];
    for (found, expected) in list.snapshot.states.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(list.snapshot.states.len(), expected.len());
}

#[test]
fn the_names_of_dump1090_mutability_are_read() {
    let list = list("dump1090-mutability");
    let [klm, ground, mlat] = &list.snapshot.states[..] else { panic!("{list:?}") };
    assert_eq!((klm.baro_altitude, klm.velocity, klm.vertical_rate), (Some(11582.4), Some(230.47), Some(-0.33)));
    assert_eq!((klm.position_source, klm.last_contact, klm.category), (Some(0), UnixTime(1_470_000_000), Some(4)));
    assert_eq!((ground.on_ground, ground.baro_altitude, ground.velocity), (Some(true), None, Some(3.6)));
    assert_eq!((ground.time_position.unwrap().0, ground.last_contact.0), (1_469_999_988, 1_469_999_989));
    assert_eq!((mlat.position_source, mlat.true_track), (Some(2), Some(91.0)));
}
