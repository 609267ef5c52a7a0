//! Whole messages.

use super::cpr::{self, Place};
use super::crc::parity;
use super::fields;
use crate::receiver::{Kind, Message, feet, feet_per_minute, is_emergency, knots};
use crate::rows::Row;

/// A Mode S message of 56 or 112 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    bytes: [u8; 14],
    length: usize,
}

impl Frame {
    /// Returns the bytes, 7 or 14.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Creates a message of 56 bits from its first 32, with `overlay` on its parity.
    fn short(head: u32, overlay: u32) -> Self {
        let mut bytes = [0; 14];
        bytes[..4].copy_from_slice(&head.to_be_bytes());
        Self { bytes, length: 7 }.sealed(overlay)
    }

    /// Creates a message of 112 bits from its first 32 and the 56 of its content.
    fn long(head: u32, content: u64, overlay: u32) -> Self {
        let mut bytes = [0; 14];
        bytes[..4].copy_from_slice(&head.to_be_bytes());
        bytes[4..11].copy_from_slice(&content.to_be_bytes()[1..]);
        Self { bytes, length: 14 }.sealed(overlay)
    }

    fn sealed(mut self, overlay: u32) -> Self {
        let (data, seal) = self.bytes[..self.length].split_at_mut(self.length - 3);
        seal.copy_from_slice(&(parity(data) ^ overlay).to_be_bytes()[1..]);
        self
    }
}

/// Encodes a message: DF 17 for extended squitters, DF 11 for all-call replies, DF 4, 5, 20 and 21 for others.
pub(crate) fn encode(message: &Message<'_>) -> Frame {
    let row = &message.row;
    // Replies to a radar carry the address on their parity (Annex 10, volume IV, 3.1.2.3.2.1.3).
    let address = row.address;
    let altitude = fields::altitude_13(row.baro_altitude.map(feet));
    let identity = row.squawk.map_or(0, fields::identity);
    let callsign = 0x20 << 48 | fields::callsign(row.callsign);
    match message.kind {
        Kind::Position if row.on_ground => squitter(row, surface_position(row, message.odd)),
        Kind::Position => squitter(row, airborne_position(row, message.odd)),
        Kind::Velocity => squitter(row, velocity(row)),
        Kind::Identification => squitter(row, identification(row)),
        Kind::AllCall => Frame::short(11 << 27 | capability(row) << 24 | address, 0),
        Kind::Altitude => Frame::short(reply(4, row, altitude), address),
        Kind::Identity => Frame::short(reply(5, row, identity), address),
        Kind::AltitudeAndCallsign => Frame::long(reply(20, row, altitude), callsign, address),
        Kind::IdentityAndCallsign => Frame::long(reply(21, row, identity), callsign, address),
    }
}

/// Returns the transponder's capability: level 2, on the ground or airborne (Annex 10, volume IV, 3.1.2.5.2.2.1).
fn capability(row: &Row<'_>) -> u32 {
    if row.on_ground { 4 } else { 5 }
}

/// Returns the first 32 bits of a reply: format, flight status, no requests, code.
fn reply(format: u32, row: &Row<'_>, code: u32) -> u32 {
    let status = match (is_emergency(row.squawk), row.spi, row.on_ground) {
        (true, true, _) => 4,
        (false, true, _) => 5,
        (true, false, true) => 3,
        (true, false, false) => 2,
        (false, false, true) => 1,
        (false, false, false) => 0,
    };
    format << 27 | status << 24 | code
}

/// Returns an extended squitter (DF 17) with a content of 56 bits.
fn squitter(row: &Row<'_>, content: u64) -> Frame {
    Frame::long(17 << 27 | capability(row) << 24 | row.address, content, 0)
}

/// Type code 11: airborne position with a containment radius of 0.1 nautical miles (Riddle, chapter 5).
fn airborne_position(row: &Row<'_>, odd: bool) -> u64 {
    let (y, x) = cpr::encode(row.position.unwrap_or_default(), Place::Airborne, odd);
    let status = match (is_emergency(row.squawk), row.spi) {
        (true, _) => 1,
        (false, true) => 3,
        (false, false) => 0,
    };
    let altitude = fields::altitude_12(row.baro_altitude.map(feet));
    Bits::new(11, 5).add(status, 2).add(0, 1).add(altitude, 12).add(0, 1).add(odd.into(), 1).add(y, 17).add(x, 17).0
}

/// Type code 7: surface position with movement and track (Riddle, chapter 6).
fn surface_position(row: &Row<'_>, odd: bool) -> u64 {
    let (y, x) = cpr::encode(row.position.unwrap_or_default(), Place::Surface, odd);
    let track = (row.true_track.rem_euclid(360.0) / 360.0 * 128.0).round() as u32 % 128;
    let movement = fields::movement(knots(row.velocity));
    Bits::new(7, 5).add(movement, 7).add(1, 1).add(track, 7).add(0, 1).add(odd.into(), 1).add(y, 17).add(x, 17).0
}

/// Type code 19, subtype 1: ground speed, vertical rate, and geometric minus barometric altitude (Riddle, chapter 7).
fn velocity(row: &Row<'_>) -> u64 {
    let (sin, cos) = row.true_track.to_radians().sin_cos();
    let speed = knots(row.velocity);
    let component = |knots: f64| (u32::from(knots < 0.0), (knots.abs().round() as u32 + 1).min(1_023));
    let ((west, east_speed), (south, north_speed)) = (component(speed * sin), component(speed * cos));
    let (down, rate) = row.vertical_rate.map_or((0, 0), |rate| {
        let steps = feet_per_minute(rate) / 64;
        (u32::from(steps < 0), (steps.unsigned_abs() as u32 + 1).min(511))
    });
    let difference = row
        .geo_altitude
        .zip(row.baro_altitude)
        .map(|(geometric, barometric)| ((feet(geometric) - feet(barometric)) as f64 / 25.0).round());
    let (below, difference) =
        difference.map_or((0, 0), |steps| (u32::from(steps < 0.0), (steps.abs() as u32 + 1).min(127)));
    Bits::new(19, 5)
        .add(1, 3)
        .add(0, 5)
        .add(west, 1)
        .add(east_speed, 10)
        .add(south, 1)
        .add(north_speed, 10)
        // The vertical rate is barometric.
        .add(1, 1)
        .add(down, 1)
        .add(rate, 9)
        .add(0, 2)
        .add(below, 1)
        .add(difference, 7)
        .0
}

/// Type codes 1 to 4: identification and category (Riddle, chapter 4).
fn identification(row: &Row<'_>) -> u64 {
    let (type_code, category) = fields::category(row.category);
    u64::from(type_code << 3 | category) << 48 | fields::callsign(row.callsign)
}

/// Bits from the most significant one on.
struct Bits(u64);

impl Bits {
    fn new(value: u32, width: u32) -> Self {
        Self(0).add(value, width)
    }

    fn add(self, value: u32, width: u32) -> Self {
        Self(self.0 << width | u64::from(value) & ((1 << width) - 1))
    }
}
