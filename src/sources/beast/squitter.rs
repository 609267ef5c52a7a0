//! Extended squitters: the messages of ADS-B (ICAO Doc 9871, appendix A to C).

use actors::domain::{StateVectorParts, emitter_category_code};
use compact_str::{CompactString, format_compact};

use super::altitude::{altitude12, squawk};
use super::cpr::EncodedPosition;
use super::message::Message;
use actors::domain::units::{FOOT, FOOT_PER_MINUTE, KNOT};

/// The 56 bits of an extended squitter, numbered from 1 as in the specifications.
#[derive(Clone, Copy)]
struct Bits(u64);

impl Bits {
    /// The bits of a message of 14 bytes, after format and address.
    fn of(message: &[u8]) -> Self {
        Self(message.iter().skip(4).take(7).fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    fn number(self, first: u32, length: u32) -> u32 {
        (self.0 >> (57 - first - length) & ((1 << length) - 1)) as u32
    }

    fn is_set(self, bit: u32) -> bool {
        self.number(bit, 1) == 1
    }

    fn type_code(self) -> u32 {
        self.number(1, 5)
    }
}

/// Adds what the extended squitter in `bytes` tells.
pub(super) fn decode(bytes: &[u8], message: Message) -> Message {
    let bits = Bits::of(bytes);
    match bits.type_code() {
        1..=4 => identification(bits, message),
        5..=8 => surface_position(bits, message),
        9..=18 | 20..=22 => airborne_position(bits, message),
        19 => velocity(bits, message),
        28 if bits.number(6, 3) == 1 => emergency(bits, message),
        _ => message,
    }
}

/// Whether a position of TIS-B has an address that is not an ICAO address: a flag in place of the antenna's.
pub(super) fn has_other_address(bytes: &[u8]) -> bool {
    let bits = Bits::of(bytes);
    matches!(bits.type_code(), 9..=18 | 20..=22) && bits.is_set(8)
}

fn identification(bits: Bits, mut message: Message) -> Message {
    let characters = (0..8).map(|place| match bits.number(9 + 6 * place, 6) as u8 {
        letter @ 1..=26 => Some(b'A' + letter - 1),
        other @ (b' ' | b'0'..=b'9') => Some(other),
        _ => None,
    });
    let callsign: Option<CompactString> = characters.map(|character| character.map(char::from)).collect();
    message.told.callsign = callsign;
    message.told.category = category(bits.type_code(), bits.number(6, 3));
    message
}

/// Returns OpenSky's code of a category: type code 4 is set A, and 1 is set D.
fn category(type_code: u32, category: u32) -> Option<i16> {
    let set = ["D", "C", "B", "A"].get(type_code.checked_sub(1)? as usize)?;
    emitter_category_code(&format_compact!("{set}{category}"))
}

fn surface_position(bits: Bits, mut message: Message) -> Message {
    message.told = StateVectorParts {
        on_ground: Some(true),
        velocity: ground_speed(bits.number(6, 7)).map(|knots| knots * KNOT),
        true_track: bits.is_set(13).then(|| f64::from(bits.number(14, 7)) * 360.0 / 128.0),
        ..message.told
    };
    message.position = Some(position(bits, true));
    message
}

/// Returns the speed in knots of a movement code (ICAO Doc 9871, table A-2-7): the lower limit of its range.
fn ground_speed(code: u32) -> Option<f64> {
    let speed = |start: f64, step: f64, first: u32| Some(start + step * f64::from(code - first));
    match code {
        1 => Some(0.0),
        2..=8 => speed(0.125, 0.125, 2),
        9..=12 => speed(1.0, 0.25, 9),
        13..=38 => speed(2.0, 0.5, 13),
        39..=93 => speed(15.0, 1.0, 39),
        94..=108 => speed(70.0, 2.0, 94),
        109..=123 => speed(100.0, 5.0, 109),
        124 => Some(175.0),
        _ => None,
    }
}

fn airborne_position(bits: Bits, mut message: Message) -> Message {
    message.told.on_ground = Some(false);
    // The surveillance status. An emergency or a change of the squawk hides the special purpose indicator.
    message.told.spi = match bits.number(6, 2) {
        0 => Some(false),
        3 => Some(true),
        _ => None,
    };
    let altitude = altitude12(bits.number(9, 12)).map(|feet| feet * FOOT);
    if bits.type_code() < 19 {
        message.told.baro_altitude = altitude;
    } else {
        message.told.geo_altitude = altitude;
    }
    message.position = Some(position(bits, false));
    message
}

fn position(bits: Bits, is_surface: bool) -> EncodedPosition {
    EncodedPosition { is_odd: bits.is_set(22), is_surface, lat: bits.number(23, 17), lon: bits.number(40, 17) }
}

fn velocity(bits: Bits, mut message: Message) -> Message {
    let signed = |sign: u32, value: f64| if bits.is_set(sign) { -value } else { value };
    // 0 means that the value is unknown.
    let component = |sign: u32, first: u32, length: u32| match bits.number(first, length) {
        0 => None,
        value => Some(signed(sign, f64::from(value - 1))),
    };
    // Supersonic aircraft report in steps of four knots. The other subtypes tell airspeed and magnetic heading.
    let step = match bits.number(6, 3) {
        1 => Some(1.0),
        2 => Some(4.0),
        _ => None,
    };
    if let Some(step) = step
        && let Some((east, north)) = component(14, 15, 10).zip(component(25, 26, 10))
    {
        let (east, north) = (east * step, north * step);
        message.told.velocity = Some(east.hypot(north) * KNOT);
        if (east, north) != (0.0, 0.0) {
            message.told.true_track = Some(east.atan2(north).to_degrees());
        }
    }
    if (1..=4).contains(&bits.number(6, 3)) {
        message.told.vertical_rate = component(37, 38, 9).map(|steps| steps * 64.0 * FOOT_PER_MINUTE);
        message.geo_minus_baro = component(49, 50, 7).map(|steps| steps * 25.0 * FOOT);
    }
    message
}

fn emergency(bits: Bits, mut message: Message) -> Message {
    let code = bits.number(12, 13);
    message.told.squawk = (code != 0).then(|| squawk(code));
    message
}
