use actors::domain::StateVectorParts;

use super::altitude::{altitude13, squawk};
use super::checksum;
use super::message::Message;
use super::squitter;
use actors::domain::units::FOOT;

/// Why a message is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The parity does not match.
    Checksum,
    /// The length does not match the downlink format.
    Length,
    /// The address is not an ICAO address, as of anonymous targets of TIS-B.
    NotIcao,
}

/// The highest interrogator code, which the parity of an all-call reply includes.
const MAX_INTERROGATOR: u32 = 79;

/// Decodes a message. Returns `None` if its format tells nothing about the state of an aircraft.
///
/// Comm-B registers (BDS 4,0 to 6,0) are not decoded: the reply does not say which register it contains, so values would
/// be guesses.
///
/// # Errors
/// The message is corrupted, or its address is not an ICAO address.
pub(super) fn decode(message: &[u8], is_multilaterated: bool) -> Result<Option<Message>, Unusable> {
    let &[first, _, high, low, ..] = message else { return Err(Unusable::Length) };
    let format = first >> 3;
    if message.len() != if format < 16 { 7 } else { 14 } {
        return Err(Unusable::Length);
    }
    let remainder = checksum::remainder(message);
    let code = u32::from(high & 0x1f) << 8 | u32::from(low);
    let reply = |told: StateVectorParts| Ok(Message::new(remainder, false, told));
    let altitude = || altitude13(code).map(|feet| feet * FOOT);
    let decoded = match format {
        // Air-to-air surveillance.
        0 | 16 => {
            let on_ground = Some(first & 0x04 != 0);
            reply(StateVectorParts { baro_altitude: altitude(), on_ground, ..StateVectorParts::default() })
        }
        // Altitude replies.
        4 | 20 => reply(StateVectorParts { baro_altitude: altitude(), ..flight_status(first) }),
        // Identity replies.
        5 | 21 => reply(StateVectorParts { squawk: Some(squawk(code)), ..flight_status(first) }),
        // All-call replies and acquisition squitters.
        11 => match remainder {
            0..=MAX_INTERROGATOR => Ok(Message::new(address(message), remainder == 0, capability(first))),
            _ => Err(Unusable::Checksum),
        },
        17 | 18 if remainder != 0 => Err(Unusable::Checksum),
        17 => Ok(squitter::decode(message, Message::new(address(message), true, capability(first)))),
        18 if is_icao(message, is_multilaterated) => {
            Ok(squitter::decode(message, Message::new(address(message), true, StateVectorParts::default())))
        }
        18 => Err(Unusable::NotIcao),
        _ => return Ok(None),
    }?;
    // No aircraft has this address, but a message of zeros has it.
    if decoded.address.to_u32() == 0 { Err(Unusable::NotIcao) } else { Ok(Some(decoded)) }
}

fn address(message: &[u8]) -> u32 {
    message.iter().skip(1).take(3).fold(0, |address, byte| address << 8 | u32::from(*byte))
}

/// Reads the flight status of a reply.
fn flight_status(first: u8) -> StateVectorParts {
    let (on_ground, spi) = match first & 7 {
        0 | 2 => (Some(false), Some(false)),
        1 | 3 => (Some(true), Some(false)),
        4 | 5 => (None, Some(true)),
        _ => (None, None),
    };
    StateVectorParts { on_ground, spi, ..StateVectorParts::default() }
}

/// Reads the capability of a transponder, which tells whether the aircraft is on the ground.
fn capability(first: u8) -> StateVectorParts {
    let on_ground = match first & 7 {
        4 => Some(true),
        5 => Some(false),
        _ => None,
    };
    StateVectorParts { on_ground, ..StateVectorParts::default() }
}

/// Whether the address of an extended squitter of format 18 is the ICAO address of an aircraft that is where the message
/// says. Devices without a transponder use the control field 0. Clients of multilateration networks send their results
/// like TIS-B, with the control field 2. TIS-B and ADS-R themselves come from radars and other links, with their own
/// delay, and are left out.
fn is_icao(message: &[u8], is_multilaterated: bool) -> bool {
    match message.first().map(|first| first & 7) {
        Some(0) => true,
        Some(2) => is_multilaterated && !squitter::has_other_address(message),
        _ => false,
    }
}

#[cfg(test)]
#[path = "downlink_tests.rs"]
pub(super) mod tests;
