use proptest::prelude::*;

use super::*;

fn encoded(is_odd: bool, is_surface: bool, lat: u32, lon: u32) -> EncodedPosition {
    EncodedPosition { is_odd, is_surface, lat, lon }
}

fn check(found: Option<Point>, lat: f64, lon: f64) {
    let found = found.unwrap();
    assert!((found.lat - lat).abs() < 1e-5 && (found.lon - lon).abs() < 1e-5, "{found:?} {lat} {lon}");
}

/// From the tests of adsb_deku 0.8.0 (MIT), cpr.rs.
#[test]
fn pairs_match_another_decoder() {
    let (even, odd) = (encoded(false, false, 93_000, 51_372), encoded(true, false, 74_158, 50_194));
    check(even.with(odd), 52.257_202, 3.919_373);
    let (even, odd) = (encoded(false, false, 108_011, 110_088), encoded(true, false, 75_050, 36_777));
    check(odd.with(even), 88.917_474, 101.011_047);
    let (even, odd) = (encoded(false, false, 3_487, 4_958), encoded(true, false, 16_540, 81_316));
    check(odd.with(even), -35.840_195, 150.283_852);
}

/// The worked example of "The 1090 Megahertz Riddle", and one from the tests of rs1090 0.7.0 (MIT), cpr.rs.
#[test]
fn surface_positions_match_another_decoder() {
    let reference = Point { lat: 51.99, lon: 4.375 };
    check(encoded(true, true, 39_195, 110_320).near(reference), 52.320_561, 4.735_735);
    check(encoded(false, true, 115_609, 116_941).near(reference), 52.323_040, 4.730_473);
}

#[test]
fn two_messages_of_a_kind_are_not_a_pair() {
    let (even, odd) = (encoded(false, false, 93_000, 51_372), encoded(true, false, 74_158, 50_194));
    assert_eq!(even.with(even), None);
    assert_eq!(odd.with(odd), None);
    assert_eq!(even.with(EncodedPosition { is_surface: true, ..odd }), None);
}

/// Encodes a position as a transponder does (ICAO Doc 9871, C.2.6.3).
fn encode(point: Point, is_odd: bool, is_surface: bool) -> EncodedPosition {
    let (span, steps) = if is_surface { (90.0, STEPS) } else { (360.0, STEPS) };
    let size = span / if is_odd { 59.0 } else { 60.0 };
    let step = |value: f64, size: f64| (steps * value.rem_euclid(size) / size + 0.5).floor();
    let lat = step(point.lat, size);
    let rounded = size * (lat / steps + (point.lat / size).floor());
    let columns = (longitude_zones(rounded) - if is_odd { 1.0 } else { 0.0 }).max(1.0);
    let lon = step(point.lon, span / columns);
    encoded(is_odd, is_surface, lat as u32 % 131_072, lon as u32 % 131_072)
}

/// Whether two positions are equal within the resolution of an airborne position, about 5 m; longitudes are the less
/// exact the nearer they are to a pole.
fn is_near(found: Point, point: Point) -> bool {
    found.distance_to(point) < 15.0
}

proptest! {
    #[test]
    fn a_pair_gives_the_position_anywhere(lat in -89.9..89.9_f64, lon in -180.0..180.0_f64) {
        let point = Point { lat, lon };
        let (even, odd) = (encode(point, false, false), encode(point, true, false));
        // Near a border of zones, the two may fall into different ones.
        for found in [even.with(odd), odd.with(even)].into_iter().flatten() {
            prop_assert!(is_near(found, point), "{:?} {:?}", found, point);
        }
    }

    #[test]
    fn a_reference_gives_the_position_around_it(
        lat in -85.0..85.0_f64, lon in -180.0..180.0_f64, off in (-0.6..0.6_f64, -0.6..0.6_f64),
        is_odd: bool, is_surface: bool,
    ) {
        let point = Point { lat, lon };
        let reference = Point { lat: lat + off.0, lon: normalised(lon + off.1) };
        let found = encode(point, is_odd, is_surface).near(reference).unwrap();
        prop_assert!(is_near(found, point), "{:?} {:?}", found, point);
    }

    #[test]
    fn any_bits_give_a_position_on_earth_or_none(
        bits in (0_u32..131_072, 0_u32..131_072, 0_u32..131_072, 0_u32..131_072),
        lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, is_surface: bool,
    ) {
        let (even, odd) = (encoded(false, is_surface, bits.0, bits.1), encoded(true, is_surface, bits.2, bits.3));
        let reference = Point { lat, lon };
        for point in [even.with(odd), odd.with(even), even.near(reference), odd.near(reference)].into_iter().flatten() {
            prop_assert!(point.lat.abs() <= 90.0 && (-180.0..180.0).contains(&point.lon), "{:?}", point);
        }
    }
}
