use std::collections::HashMap;

use super::*;
use crate::sources::beast::downlink::tests::{bytes, with_parity};
use actors::domain::units::{FOOT, FOOT_PER_MINUTE, KNOT};

fn at(millis: i64) -> Arrival {
    Arrival::from_millis(1_700_000_000_000 + millis)
}

/// Returns the frame of a message, with this clock.
fn frame(clock: [u8; 6], message: &[u8]) -> Vec<u8> {
    let kind = if message.len() == 7 { b'2' } else { b'3' };
    let body = clock.iter().chain([&0x40]).chain(message);
    let escaped = body.flat_map(|byte| std::iter::repeat_n(*byte, if *byte == 0x1a { 2 } else { 1 }));
    [0x1a, kind].into_iter().chain(escaped).collect()
}

fn decode(decoder: &mut BeastDecoder, message: &[u8], now: Arrival) -> Decoded {
    let mut decoded = Decoded::default();
    decoder.decode(&frame([0; 6], message), now, &mut decoded);
    decoded
}

/// Decodes a message that tells at most one thing about one aircraft.
fn report(decoder: &mut BeastDecoder, hex: &str, now: Arrival) -> Option<StateVector> {
    decode(decoder, &bytes(hex), now).reports.pop()
}

fn decoder() -> BeastDecoder {
    BeastDecoder::new(None)
}

// The two halves of the example of "The 1090 Megahertz Riddle".
const EVEN: &str = "8d40621d58c382d690c8ac2863a7";
const ODD: &str = "8d40621d58c386435cc412692ad6";

#[test]
fn a_position_needs_a_pair_and_then_one_message() {
    let mut decoder = decoder();
    let first = report(&mut decoder, EVEN, at(0)).unwrap();
    assert_eq!((first.lat, first.position_source, first.baro_altitude), (None, None, Some(11_582.4)));
    let second = report(&mut decoder, ODD, at(500)).unwrap();
    assert_eq!((second.lat, second.lon, second.position_source), (Some(52.265_780), Some(3.938_913), Some(0)));
    let third = report(&mut decoder, EVEN, at(20_000)).unwrap();
    assert_eq!((third.lat, third.lon), (Some(52.257_202), Some(3.919_373)));
    assert_eq!(third.last_contact, at(20_000).second());
}

#[test]
fn an_old_message_is_not_part_of_a_pair() {
    let mut decoder = decoder();
    report(&mut decoder, EVEN, at(0));
    assert_eq!(report(&mut decoder, ODD, at(10_001)).unwrap().lat, None);
}

#[test]
fn a_surface_position_needs_a_reference() {
    let surface = "8c4841753a9a153237aef0f275be";
    assert_eq!(report(&mut decoder(), surface, at(0)).unwrap().lat, None);
    let mut near = BeastDecoder::new(Some(Point { lat: 51.99, lon: 4.375 }));
    let state = report(&mut near, surface, at(0)).unwrap();
    assert_eq!((state.lat, state.lon, state.on_ground), (Some(52.320_561), Some(4.735_735), Some(true)));
    // A receiver this far away cannot hear an aircraft on the ground.
    let mut far = BeastDecoder::new(Some(Point { lat: 50.0, lon: 8.0 }));
    assert_eq!(report(&mut far, surface, at(0)).unwrap().lat, None);
}

#[test]
fn a_reply_counts_only_for_an_aircraft_that_has_proven_its_address() {
    // The address in the parity is 4ca7e8.
    let (reply, proof) = ("2000171806a983", with_parity("5d4ca7e8"));
    let mut decoder = decoder();
    assert_eq!(report(&mut decoder, reply, at(0)), None);
    assert_eq!(decode(&mut decoder, &proof, at(100)).reports.len(), 1);
    let state = report(&mut decoder, reply, at(60_000)).unwrap();
    assert_eq!((state.icao24.to_string().as_str(), state.baro_altitude), ("4ca7e8", Some(10_972.8)));
    // Replies do not renew the proof.
    assert_eq!(report(&mut decoder, reply, at(60_101)), None);
}

#[test]
fn the_geometric_altitude_follows_from_a_fresh_barometric_one() {
    let velocity = with_parity("8d40621d99440994083817");
    let geo_altitude = |after: i64| {
        let mut decoder = decoder();
        report(&mut decoder, EVEN, at(0));
        decode(&mut decoder, &velocity, at(after)).reports[0].geo_altitude
    };
    // The message tells a difference of 550 feet to 38,000.
    assert_eq!(geo_altitude(2_000), Some(11_750.04));
    assert_eq!(geo_altitude(2_001), None);
}

#[test]
fn multilaterated_positions_are_marked_and_give_way_to_sent_ones() {
    let mut decoder = decoder();
    let mut multilaterated = |hex: &str, now| {
        let mut message = bytes(hex);
        // Format 18, control field 2, as the clients of multilateration networks send it.
        message[0] = 18 << 3 | 2;
        let length = message.len();
        let message = with_parity(&message[..length - 3].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let mut decoded = Decoded::default();
        decoder.decode(&frame(MLAT_CLOCK, &message), now, &mut decoded);
        decoded.reports.pop().unwrap()
    };
    multilaterated(EVEN, at(0));
    let state = multilaterated(ODD, at(100));
    assert_eq!((state.lat, state.position_source), (Some(52.265_780), Some(2)));
    // The halves of the two kinds are not paired, but the last position is a reference for both.
    let sent = report(&mut decoder, EVEN, at(200)).unwrap();
    assert_eq!((sent.lat, sent.position_source), (Some(52.257_202), Some(0)));
    let mut decoded = Decoded::default();
    let message = with_parity("9240621d58c386435cc412");
    decoder.decode(&frame(MLAT_CLOCK, &message), at(300), &mut decoded);
    assert_eq!(decoded.reports[0].lat, None);
}

#[test]
fn bad_data_is_counted_by_kind() {
    let mut decoder = decoder();
    let mut decoded = Decoded::default();
    let good = frame([0; 6], &bytes(EVEN));
    let mut corrupted = good.clone();
    corrupted[12] ^= 1;
    let anonymous = frame([0; 6], &with_parity("95c639eefbffffedd5fefb"));
    let stream =
        [b"noise".as_slice(), &good, &corrupted, &good[..9], &anonymous, &[0x1a, b'3'], &good, b"more noise"].concat();
    decoder.decode(&stream, at(0), &mut decoded);
    let kinds: Vec<_> = decoded.bad_rows.iter().map(|(kind, count, _)| (kind, count)).collect();
    assert_eq!(kinds, [("checksum", 1), ("icao24", 1), ("row", 4)]);
    assert_eq!(decoded.invalid_bytes, 5 + 9 + 2 + 10);
    assert_eq!(decoded.valid_bytes as usize, stream.len() - 26);
    assert_eq!(decoded.reports.len(), 2);
}

#[test]
fn aircraft_are_bounded_and_forgotten() {
    let mut decoder = decoder();
    for address in 1..=AircraftTracker::MAX_AIRCRAFT + 5 {
        decode(&mut decoder, &with_parity(&format!("5d{address:06x}")), at(0));
    }
    assert_eq!(decoder.aircraft.aircraft.len(), AircraftTracker::MAX_AIRCRAFT);
    decode(&mut decoder, &with_parity("5d000001"), at(61_000));
    assert_eq!(decoder.aircraft.aircraft.len(), 1);
}

/// A message of the recorded flight, and what rs1090 decodes from it.
struct Recorded<'a>(HashMap<&'a str, &'a str>);

impl<'a> Recorded<'a> {
    fn read(file: &'a str) -> Vec<Self> {
        let mut lines = file.lines();
        let names: Vec<_> = lines.next().unwrap().split(',').collect();
        lines.map(|line| Self(names.iter().copied().zip(line.split(',')).collect())).collect()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied().filter(|text| !text.is_empty())
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.text(name).map(|text| text.parse().unwrap())
    }
}

/// Whether both are unknown, or known and equal to the given precision.
fn agree(found: Option<f64>, expected: Option<f64>, precision: f64) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= precision,
        (found, expected) => found == expected,
    }
}

/// Compares every value of a recorded flight from Toulouse to Amsterdam, and of the traffic around it, with those that
/// rs1090 decoded (`tests/data/beast/SOURCES.md`).
#[test]
fn a_recorded_flight_is_decoded_as_by_another_decoder() {
    let file = include_str!("../../../tests/data/beast/flight-2023-10-24.csv");
    // The receivers at both ends of the flight.
    let receivers = [Point { lat: 43.7, lon: 1.36 }, Point { lat: 52.31, lon: 4.76 }];
    let mut decoders = receivers.map(|receiver| BeastDecoder::new(Some(receiver)));
    const ARRIVAL: i64 = 1_698_147_000_000;
    let (mut compared, mut unproven, mut positions) = (0, 0, 0);
    for row in Recorded::read(file) {
        let millis = row.text("millis").unwrap().parse().unwrap();
        let (now, decoder) = (Arrival::from_millis(millis), &mut decoders[usize::from(millis > ARRIVAL)]);
        let message = bytes(&row.text("frame").unwrap()[18..]);
        let Some(state) = decode(decoder, &message, now).reports.pop() else {
            assert!(!matches!(row.text("df"), Some("17" | "18")), "{:?}", row.0);
            unproven += 1;
            continue;
        };
        compared += 1;
        assert_eq!(Some(state.icao24.to_string().as_str()), row.text("icao24"));
        let check = |name: &str, found: Option<f64>, unit: f64| {
            let expected = row.number(name).map(|number| number * unit);
            assert!(agree(found, expected, 0.006), "{name} {found:?} {expected:?} {:?}", row.0);
        };
        check("altitude_ft", state.baro_altitude, FOOT);
        check("ground_speed_kt", state.velocity, KNOT);
        check("vertical_rate_fpm", state.vertical_rate, FOOT_PER_MINUTE);
        // An aircraft that does not move has no direction.
        check("track", state.true_track.or(row.number("track").filter(|_| state.velocity == Some(0.0))), 1.0);
        assert_eq!(state.squawk.as_deref(), row.text("squawk"), "{:?}", row.0);
        assert_eq!(state.callsign.as_deref(), row.text("callsign"), "{:?}", row.0);
        if let (Some(lat), Some(lon)) = (row.number("lat"), row.number("lon"))
            && let (Some(found_lat), Some(found_lon)) = (state.lat, state.lon)
        {
            positions += 1;
            assert!((found_lat - lat).abs() <= 2e-6 && (found_lon - lon).abs() <= 2e-6, "{state:?} {:?}", row.0);
        }
    }
    assert_eq!((compared, unproven, positions), (1714, 56, 159));
}
