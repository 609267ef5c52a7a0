//! Invalid streams: no panic, no aircraft that no valid message told, and the same result however a stream is divided
//! into chunks. `make fuzz` runs 100,000 cases of each kind.

use std::collections::BTreeSet;

use flight_monitor::sources::beast::BeastDecoder;
use flight_monitor::sources::receiver::{AircraftTracker, Arrival, Decoded, Decoder};
use flight_monitor::sources::sbs::SbsDecoder;
use proptest::collection::vec;
use proptest::prelude::*;

/// Decodes a stream that arrives in chunks of this size, and returns the result and the aircraft published.
fn decode(mut decoder: impl Decoder, stream: &[u8], size: usize) -> (Decoded, BTreeSet<String>) {
    let (mut decoded, now) = (Decoded::default(), Arrival::from_millis(1_700_000_000_000));
    let mut tracker = AircraftTracker::new(None);
    for chunk in stream.chunks(size) {
        decoder.decode(chunk, now, &mut decoded);
    }
    assert!(decoded.valid_bytes + decoded.invalid_bytes <= stream.len() as u64);
    tracker.add(&decoded.reports, now);
    tracker.add(&[], Arrival::from_millis(1_700_000_001_000));
    let states = tracker.take();
    let addresses: BTreeSet<_> = states.iter().map(|state| state.icao24.to_string()).collect();
    assert_eq!(addresses.len(), states.len(), "a second was published twice");
    (decoded, addresses)
}

/// Overwrites bytes of a stream.
fn changed(pieces: &[Vec<u8>], changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut stream = pieces.concat();
    for (index, byte) in changes {
        if !stream.is_empty() {
            let place = index.index(stream.len());
            stream[place] = *byte;
        }
    }
    stream
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    vec(any::<(prop::sample::Index, u8)>(), 0..4)
}

fn sbs_value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => (-200.0..200.0_f64).prop_map(|number| number.to_string()),
        1 => Just("-1".to_owned()),
        1 => Just("0".to_owned()),
        1 => "[0-7]{1,4}",
        1 => "[A-Z0-9 ]{0,8}",
        1 => "\\PC{0,5}",
    ]
}

fn sbs_line() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![8 => (1..=8).prop_map(|kind| format!("MSG,{kind}")), 1 => "[A-Z]{2,4},[0-9]?"];
    let address = prop_oneof![8 => "[0-9A-F]{6}", 1 => "[~0-9a-f]{5,7}"];
    (start, address, vec(sbs_value(), 17), any::<bool>()).prop_map(|(start, address, values, crlf)| {
        let end = if crlf { "\r\n" } else { "\n" };
        format!("{start},1,1,{address},{}{end}", values.join(",")).into_bytes()
    })
}

/// The addresses of all lines that could be messages.
fn sbs_addresses(stream: &[u8]) -> BTreeSet<String> {
    let lines = stream.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let values = lines.map(|line| line.split(',').collect::<Vec<_>>()).filter(|values| values.len() == 22);
    values.map(|values| values[4].trim().to_lowercase()).collect()
}

const ESCAPE: u8 = 0x1a;

/// The remainder of a message by the parity's polynomial, bit by bit.
fn parity(message: &[u8]) -> u32 {
    let mut bits: Vec<bool> =
        message.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let end = bits.len() - 24;
    for at in 0..end {
        if bits[at] {
            for bit in 0..=24 {
                bits[at + bit] ^= 0x01ff_f409 >> (24 - bit) & 1 == 1;
            }
        }
    }
    bits[end..].iter().fold(0, |number, bit| number << 1 | u32::from(*bit))
}

/// Returns a message of any content that has a valid parity, or the parity of an address.
fn beast_message() -> impl Strategy<Value = Vec<u8>> {
    // Few addresses, so that replies find an aircraft, and that positions form pairs.
    let address = (0..4_u32).prop_map(|number| 0x004b_1810 + number);
    let type_code = prop_oneof![3 => 9..19_u8, 1 => 0..32_u8];
    let content = prop_oneof![any::<[u8; 10]>(), Just([0; 10]), Just([ESCAPE; 10])];
    let format = prop_oneof![3 => Just(17_u8), 1 => Just(18), 1 => Just(11), 2 => 0..32_u8];
    (format, 0..8_u8, address, type_code, content).prop_map(|(format, low, address, type_code, content)| {
        let mut message = vec![format << 3 | low];
        if matches!(format, 11 | 17 | 18) {
            message.extend(&address.to_be_bytes()[1..]);
            message.push(type_code << 3 | content[0] & 7);
            message.extend(&content[1..7]);
        } else {
            message.extend(content);
        }
        message.truncate(if format < 16 { 4 } else { 11 });
        message.extend([0; 3]);
        let reply = if matches!(format, 11 | 17 | 18) { 0 } else { address };
        let end = message.len() - 3;
        let parity = (parity(&message) ^ reply).to_be_bytes();
        message[end..].copy_from_slice(&parity[1..]);
        message
    })
}

fn beast_frame() -> impl Strategy<Value = Vec<u8>> {
    let clock = prop_oneof![any::<[u8; 6]>(), Just(*b"\xff\0MLAT")];
    (beast_message(), clock, any::<u8>()).prop_map(|(message, clock, signal)| {
        let kind = if message.len() == 7 { b'2' } else { b'3' };
        let body = clock.iter().chain([&signal]).chain(&message);
        let escaped = body.flat_map(|byte| std::iter::repeat_n(*byte, if *byte == ESCAPE { 2 } else { 1 }));
        [ESCAPE, kind].into_iter().chain(escaped).collect()
    })
}

/// The addresses of all frames that prove theirs, at whatever place they start.
fn beast_addresses(stream: &[u8]) -> BTreeSet<String> {
    let frames = (0..stream.len().saturating_sub(1)).filter_map(|start| {
        let length = match stream[start..start + 2] {
            [ESCAPE, b'2'] => 14,
            [ESCAPE, b'3'] => 21,
            _ => return None,
        };
        let (mut body, mut rest) = (Vec::new(), stream[start + 2..].iter());
        while body.len() < length {
            let byte = *rest.next()?;
            if byte == ESCAPE && rest.next() != Some(&ESCAPE) {
                return None;
            }
            body.push(byte);
        }
        let message = body.split_off(7);
        let is_proof = matches!(message[0] >> 3, 11 | 17 | 18) && parity(&message) == 0;
        is_proof.then(|| message[1..4].iter().map(|byte| format!("{byte:02x}")).collect())
    });
    frames.collect()
}

proptest! {
    #[test]
    fn fuzzed_sbs_bytes_cause_no_panic_and_no_aircraft(stream in vec(any::<u8>(), 0..400), size in 1_usize..200) {
        let (decoded, aircraft) = decode(SbsDecoder::default(), &stream, size);
        prop_assert_eq!(decoded.reports, []);
        prop_assert!(aircraft.is_empty());
    }

    #[test]
    fn fuzzed_sbs_lines_cause_no_extra_aircraft(
        pieces in vec(prop_oneof![6 => sbs_line(), 1 => vec(any::<u8>(), 0..40)], 0..12),
        changes in changes(), size in 1_usize..200,
    ) {
        let stream = changed(&pieces, &changes);
        let (decoded, aircraft) = decode(SbsDecoder::default(), &stream, size);
        let told = sbs_addresses(&stream);
        prop_assert!(aircraft.is_subset(&told), "{:?} {:?}", aircraft, told);
        prop_assert_eq!(decode(SbsDecoder::default(), &stream, stream.len().max(1)), (decoded, aircraft));
    }

    #[test]
    fn fuzzed_beast_bytes_cause_no_panic_and_no_aircraft(
        stream in vec(prop_oneof![4 => any::<u8>(), 1 => Just(ESCAPE), 1 => b'1'..=b'4'], 0..400), size in 1_usize..200,
    ) {
        let (_, aircraft) = decode(BeastDecoder::new(None), &stream, size);
        prop_assert!(aircraft.is_subset(&beast_addresses(&stream)));
    }

    #[test]
    fn fuzzed_beast_frames_cause_no_extra_aircraft(
        pieces in vec(prop_oneof![6 => beast_frame(), 1 => vec(any::<u8>(), 0..40)], 0..12),
        changes in changes(), size in 1_usize..200,
    ) {
        let stream = changed(&pieces, &changes);
        let (decoded, aircraft) = decode(BeastDecoder::new(None), &stream, size);
        let told = beast_addresses(&stream);
        prop_assert!(aircraft.is_subset(&told), "{:?} {:?}", aircraft, told);
        prop_assert_eq!(decode(BeastDecoder::new(None), &stream, stream.len().max(1)), (decoded, aircraft));
    }
}
