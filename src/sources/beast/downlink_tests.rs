use super::*;
use crate::sources::beast::cpr::EncodedPosition;

/// Returns the bytes of hex digits.
pub(in super::super) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn decoded(hex: &str) -> Message {
    decode(&bytes(hex), false).unwrap().unwrap()
}

/// Converts metres to feet and m/s to knots, rounded to what the message can tell.
fn feet(metres: Option<f64>) -> Option<f64> {
    metres.map(|metres| (metres / FOOT).round())
}

fn knots(speed: Option<f64>) -> Option<f64> {
    speed.map(|speed| (speed * 3600.0 / 1852.0 * 100.0).round() / 100.0)
}

fn feet_per_minute(rate: Option<f64>) -> Option<f64> {
    rate.map(|rate| (rate / FOOT * 60.0).round())
}

// The messages and values are those of the tests of rs1090 0.7.0 (MIT) and of "The 1090 Megahertz Riddle".

#[test]
fn an_identification_tells_callsign_and_category() {
    let check = |hex: &str, icao24: &str, callsign: &str, category: Option<i16>| {
        let message = decoded(hex);
        assert_eq!((message.address.to_string().as_str(), message.is_proof), (icao24, true));
        assert_eq!(message.told.callsign.as_deref().map(str::trim), Some(callsign), "{hex}");
        assert_eq!(message.told.category, category, "{hex}");
    };
    check("8d406b902015a678d4d220aa4bda", "406b90", "EZY85MH", Some(1));
    check("8d4840d6202cc371c32ce0576098", "4840d6", "KLM1023", Some(1));
}

#[test]
fn a_category_has_opensky_s_code() {
    let category = |first: &str| squitter(&format!("{first}2cc371c32ce0")).told.category;
    // A heavy aircraft, a glider, a service vehicle, and a reserved code.
    assert_eq!([category("25"), category("19"), category("12"), category("0f")], [Some(6), Some(9), Some(17), None]);
}

#[test]
fn a_callsign_with_an_invalid_character_is_unknown() {
    assert_eq!(squitter("20fcc371c32ce0").told.callsign, None);
}

#[test]
fn an_airborne_position_tells_altitude_and_state() {
    let message = decoded("8d40621d58c382d690c8ac2863a7");
    assert_eq!((feet(message.told.baro_altitude), message.told.geo_altitude), (Some(38_000.0), None));
    assert_eq!((message.told.on_ground, message.told.spi), (Some(false), Some(false)));
    let expected = EncodedPosition { is_odd: false, is_surface: false, lat: 93_000, lon: 51_372 };
    assert_eq!(message.position, Some(expected));
}

#[test]
fn a_surface_position_tells_speed_and_track() {
    let message = decoded("8c4841753a9a153237aef0f275be");
    assert_eq!((knots(message.told.velocity), message.told.true_track), (Some(17.0), Some(92.8125)));
    assert_eq!((message.told.on_ground, message.told.baro_altitude), (Some(true), None));
    assert!(message.position.is_some_and(|position| position.is_surface && position.is_odd));
}

#[test]
fn a_velocity_tells_speed_track_and_vertical_rate() {
    let message = decoded("8d485020994409940838175b284f");
    assert_eq!(knots(message.told.velocity), Some(159.2));
    assert!((message.told.true_track.unwrap().rem_euclid(360.0) - 182.88).abs() < 0.005);
    assert_eq!(feet_per_minute(message.told.vertical_rate), Some(-832.0));
    assert_eq!(feet(message.geo_minus_baro), Some(550.0));
}

#[test]
fn an_airspeed_is_not_a_ground_speed() {
    let message = decoded("8da05f219b06b6af189400cbc33f");
    assert_eq!((message.told.velocity, message.told.true_track), (None, None));
    assert_eq!(feet_per_minute(message.told.vertical_rate), Some(-2304.0));
}

/// Returns a message of these hex digits and a valid parity.
pub(in super::super) fn with_parity(hex: &str) -> Vec<u8> {
    let mut message = bytes(hex);
    message.extend([0; 3]);
    let parity = checksum::remainder(&message).to_be_bytes();
    let start = message.len() - 3;
    message[start..].copy_from_slice(&parity[1..]);
    message
}

/// Returns an extended squitter of this content with a valid parity.
fn squitter(content: &str) -> Message {
    decode(&with_parity(&format!("8d485020{content}")), false).unwrap().unwrap()
}

#[test]
fn an_unknown_velocity_is_not_one_knot() {
    // All fields are 0, which means unknown.
    let message = squitter("99000000000000");
    assert_eq!((message.told.velocity, message.told.true_track), (None, None));
    assert_eq!((message.told.vertical_rate, message.geo_minus_baro), (None, None));
    // Only the eastern component is known.
    assert_eq!(squitter("99000a00000000").told.velocity, None);
    // Both are zero: the aircraft hovers, so it has no direction.
    let hovering = squitter("99000100200000").told;
    assert_eq!((hovering.velocity, hovering.true_track), (Some(0.0), None));
}

#[test]
fn a_supersonic_speed_has_steps_of_four_knots() {
    assert_eq!(knots(squitter("99001f00200000").told.velocity), Some(30.0));
    assert_eq!(knots(squitter("9a001f00200000").told.velocity), Some(120.0));
}

#[test]
fn an_emergency_tells_the_squawk() {
    // Type 28, subtype 1, general emergency, 7700.
    assert_eq!(squitter("e12aaa00000000").told.squawk.as_deref(), Some("7700"));
    assert_eq!(squitter("e1000000000000").told.squawk, None);
}

#[test]
fn replies_tell_altitude_or_squawk_of_the_address_in_their_parity() {
    let check = |hex: &str, icao24: &str, altitude: Option<f64>, squawk: Option<&str>| {
        let message = decoded(hex);
        assert_eq!((message.address.to_string().as_str(), message.is_proof), (icao24, false), "{hex}");
        assert_eq!((feet(message.told.baro_altitude), message.told.squawk.as_deref()), (altitude, squawk), "{hex}");
    };
    check("02e19cb02512c3", "0d097e", Some(45_000.0), None);
    check("2000171806a983", "4ca7e8", Some(36_000.0), None);
    check("2a00516d492b80", "510af9", None, Some("0356"));
    check("a0001910cc300030aa0000eae004", "020176", Some(39_000.0), None);
    check("a800292dffbba9383ffceb903d01", "d9938e", None, Some("1346"));
}

#[test]
fn an_all_call_reply_is_proof_only_without_an_interrogator_code() {
    let check = |hex: &str, icao24: &str, is_proof: bool| {
        let message = decoded(hex);
        assert_eq!((message.address.to_string().as_str(), message.is_proof), (icao24, is_proof), "{hex}");
        assert_eq!(message.told.on_ground, Some(false));
    };
    check("5da039b46d7d81", "a039b4", true);
    check("5dab3d17d4ba29", "ab3d17", false);
    assert_eq!(decode(&bytes("5dab3d17d4bb29"), false), Err(Unusable::Checksum));
}

#[test]
fn corrupted_and_foreign_messages_are_unusable() {
    let check = |hex: &str, reason| assert_eq!(decode(&bytes(hex), false), Err(reason), "{hex}");
    check("8d4ca251204994b1c36e60a5343d", Unusable::Checksum);
    check("8d406b902015a6", Unusable::Length);
    check("5da039b46d7d8100000000000000", Unusable::Length);
    check("00000000000000", Unusable::NotIcao);
    // A military format.
    assert_eq!(decode(&bytes("98000000000000000000000000aa"), false), Ok(None));
}

#[test]
fn results_of_multilateration_are_told_from_other_targets_without_transponder() {
    // The control field, and the flag of an address that is not an ICAO address.
    let check = |control: u8, content: &str, is_multilaterated, expected: Result<&str, Unusable>| {
        let message = with_parity(&format!("{:02x}4d2023{content}", 18 << 3 | control));
        let found = decode(&message, is_multilaterated).map(|message| message.unwrap().address.to_string());
        assert_eq!(found.as_deref().map_err(|reason| *reason), expected, "{control} {content}");
    };
    let (position, flagged) = ("58c382d690c8ac", "59c382d690c8ac");
    check(0, position, false, Ok("4d2023"));
    check(2, position, true, Ok("4d2023"));
    check(2, flagged, true, Err(Unusable::NotIcao));
    for control in 1..8 {
        check(control, position, false, Err(Unusable::NotIcao));
    }
    check(5, position, true, Err(Unusable::NotIcao));
}

#[test]
fn every_single_bit_error_is_found() {
    let message = bytes("8d40621d58c382d690c8ac2863a7");
    for bit in 5..message.len() * 8 {
        let mut wrong = message.clone();
        wrong[bit / 8] ^= 0x80 >> (bit % 8);
        assert_eq!(decode(&wrong, false), Err(Unusable::Checksum), "{bit}");
    }
}
