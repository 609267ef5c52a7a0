//! Decodes the Beast messages with another decoder, and compares them with OpenSky's states.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rs1090::decode::adsb::ME;
use rs1090::decode::cpr::{Position, decode_position, surface_position_with_reference};
use rs1090::decode::{DF, ICAO, Message};
use serde_json::Value;
use simulator::{Beast, Options, Target};

use crate::{NOON, Sky, everywhere, localhost, metres};

const FOOT: f64 = 0.3048;
const KNOT: f64 = 1_852.0 / 3_600.0;
const MASK: u64 = (1 << 48) - 1;

/// A frame without its escapes.
struct Frame {
    timestamp: u64,
    signal: u8,
    message: Vec<u8>,
}

/// Splits complete frames; an incomplete one at the end is left out.
fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut at = 0;
    while bytes.get(at) == Some(&0x1a) {
        let length = match bytes.get(at + 1) {
            Some(b'2') => 14,
            Some(b'3') => 21,
            Some(other) => panic!("unknown type {other:#x}"),
            None => break,
        };
        let mut content = Vec::new();
        let mut next = at + 2;
        while content.len() < length {
            match (bytes.get(next), bytes.get(next + 1)) {
                (Some(0x1a), Some(0x1a)) => next += 2,
                (Some(0x1a), Some(other)) => panic!("an escape byte is followed by {other:#x}"),
                (Some(0x1a), None) | (None, _) => return frames,
                (Some(_), _) => next += 1,
            }
            content.push(bytes[next - 1]);
        }
        let timestamp = content[..6].iter().fold(0, |time, byte| (time << 8) | u64::from(*byte));
        frames.push(Frame { timestamp, signal: content[6], message: content[7..].to_vec() });
        at = next;
    }
    frames
}

/// Returns the frames of the first `seconds`.
fn receive(sky: &Sky, seconds: i64) -> Vec<Frame> {
    let mut client = sky.connect(Target::Beast);
    sky.clock.advance(seconds);
    let recorded = || sky.simulator.sent(Target::Beast).states.len();
    crate::wait_until("something is sent", || recorded() > 0);
    // With a stopped clock, everything is delivered at once.
    let end = ((NOON + seconds) as u64 * 12_000_000) & MASK;
    client.read_until("frames", |received| {
        received.len() > 1_000 && frames(received).last().is_some_and(|frame| end - frame.timestamp < 6_000_000)
    });
    frames(&client.received)
}

/// Returns the Unix time of a 12-MHz timestamp near noon.
fn time(timestamp: u64) -> f64 {
    let since_noon = timestamp.wrapping_sub(NOON as u64 * 12_000_000) & MASK;
    NOON as f64 + since_noon as f64 / 12e6
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn another_decoder_reads_the_states_of_states_all() {
    let sky = Sky::of(250);
    let frames = receive(&sky, 12);
    let mut worlds = HashMap::new();
    let mut aircraft = BTreeMap::new();
    let mut read: BTreeMap<&str, HashSet<String>> = BTreeMap::new();
    let (mut formats, mut crossed) = (BTreeSet::new(), 0);
    for frame in &frames {
        let at = time(frame.timestamp);
        let mut message = Message::try_from(frame.message.as_slice())
            .unwrap_or_else(|error| panic!("{error}: {:02x?}", frame.message));
        let second = at.floor() as i64;
        let world = worlds.entry(second).or_insert_with(|| sky.world(second));
        if let DF::ExtendedSquitterADSB(adsb) = &mut message.df {
            decode_position(&mut adsb.message, at, &adsb.icao24, &mut aircraft, &mut None, &None);
        }
        let json = serde_json::to_value(&message).unwrap();
        let hex = json["icao24"].as_str().unwrap_or_else(|| panic!("no address: {json}")).to_owned();
        formats.insert(json["df"].as_str().unwrap().to_owned());
        let Some(row) = world.get(&hex).filter(|row| row[3] == second) else { continue };
        let mut found = |what| read.entry(what).or_default().insert(hex.clone());

        // Within its second, an aircraft may take off or land.
        let is_surface = json["bds"] == "06";
        if row[8].as_bool() != Some(is_surface) && json["df"] == "17" && json["bds"] != "08" {
            crossed += 1;
            continue;
        }
        if let DF::ExtendedSquitterADSB(adsb) = &message.df {
            let truth = (number(&row[6]), number(&row[5]));
            let position = match &adsb.message {
                ME::BDS05 { inner, .. } => inner.latitude.zip(inner.longitude),
                ME::BDS06 { inner, .. } => surface_position_with_reference(inner, truth.0, truth.1)
                    .map(|Position { latitude, longitude }| (latitude, longitude)),
                _ => None,
            };
            if let Some(position) = position {
                let (away, expected) = (metres(truth, position), number(&row[9]) * (at - at.floor()));
                // Up to 8 m for four decimals, and 5 m for the bins.
                assert!((away - expected).abs() < 15.0 + 0.05 * expected, "{away} m, {expected}: {json} {row}");
                found(if is_surface { "surface position" } else { "position" });
            }
        }
        if let (Some(feet), Some(altitude)) = (json["altitude"].as_f64(), row[7].as_f64()) {
            assert!((feet * FOOT - altitude).abs() < 27.0, "{json} {row}");
            found("altitude");
        }
        if let Some(callsign) = json["callsign"].as_str() {
            assert_eq!(callsign.trim(), row[1].as_str().unwrap().trim(), "{json}");
            found("callsign");
        }
        if let Some(squawk) = json["squawk"].as_str() {
            assert_eq!(squawk, row[14].as_str().unwrap());
            found("squawk");
        }
        if let Some(speed) = json["groundspeed"].as_f64() {
            let (speed, truth) = (speed * KNOT, number(&row[9]));
            // On the surface, speed has steps of up to 5 kn, and changes by up to 2 m/s in a second.
            assert!((speed - truth).abs() < if is_surface { 5.5 } else { 4.0 }, "{json} {row}");
            let turn = (number(&json["track"]) - number(&row[10]) + 540.0).rem_euclid(360.0) - 180.0;
            assert!(turn.abs() < if is_surface { 1.5 } else { 60.0 / truth }, "{json} {row}");
            found("velocity");
        }
        if let (Some(rate), Some(truth)) = (json["vertical_rate"].as_f64(), row[11].as_f64()) {
            assert!((rate * FOOT / 60.0 - truth).abs() < 0.7, "{json} {row}");
            found("vertical rate");
        }
        if let (Some(feet), Some(above), Some(below)) =
            (json["geo_minus_baro"].as_f64(), row[13].as_f64(), row[7].as_f64())
        {
            assert!((feet * FOOT - (above - below)).abs() < 8.0, "{json} {row}");
            found("geometric altitude");
        }
    }
    assert_eq!(formats, ["4", "5", "11", "17", "20", "21"].map(str::to_owned).into_iter().collect());
    for (what, least) in [
        ("position", 100),
        ("surface position", 2),
        ("altitude", 100),
        ("callsign", 100),
        ("squawk", 50),
        ("velocity", 100),
        ("vertical rate", 100),
        ("geometric altitude", 100),
    ] {
        let aircraft = read.get(what).map_or(0, HashSet::len);
        assert!(aircraft >= least, "{what} of {aircraft} aircraft");
    }
    assert!(crossed < 10, "{crossed}");
}

#[test]
fn every_message_has_the_parity_of_its_address() {
    let sky = Sky::of(60);
    let world: HashSet<String> = sky.world(NOON).into_keys().collect();
    let frames = receive(&sky, 10);
    for frame in &frames {
        let message = Message::try_from(frame.message.as_slice()).unwrap();
        let address = match &message.df {
            DF::ExtendedSquitterADSB(_) | DF::AllCallReply { .. } => {
                assert_eq!(message.crc, 0, "{:02x?}", frame.message);
                continue;
            }
            _ => ICAO(message.crc).to_string(),
        };
        // An aircraft may be out of OpenSky's coverage, but most are not.
        assert!(address.len() == 6 && frame.signal > 0, "{address}");
        if !world.contains(&address) {
            assert!(sky.simulator.sent(Target::Beast).states.iter().any(|(sent, _)| format!("{sent:06x}") == address));
        }
    }
    assert!(frames.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
    assert!(frames.len() > 2_000, "{}", frames.len());
}

#[test]
fn a_gps_clock_gives_the_second_of_the_day_and_nanoseconds() {
    let beast = Beast { address: localhost(), gps_clock: true };
    let sky = Sky::start(Options { aircraft: 30, receiver: everywhere(), beast: Some(beast), ..Options::default() });
    let mut client = sky.connect(Target::Beast);
    sky.clock.advance(2);
    client
        .read_until("frames", |received| frames(received).last().is_some_and(|frame| frame.timestamp >> 30 == 43_208));
    for frame in frames(&client.received) {
        assert!((43_207..43_209).contains(&(frame.timestamp >> 30)), "{}", frame.timestamp >> 30);
        assert!(frame.timestamp & 0x3fff_ffff < 1_000_000_000);
    }
}
