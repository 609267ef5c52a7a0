use std::collections::HashMap;
use std::time::Duration;

use actors::domain::{Icao24, Point, RejectedRow, StateVector, StateVectorParts, UnixTime};
use foldhash::fast::RandomState;

use super::downlink::{self, Unusable};
use super::frames::{FramePart, FrameSplitter};
use super::message::Message;
use super::positions::Positions;
use crate::sources::receiver::{AircraftTracker, Arrival, Decoded, Decoder, position_source};

/// Decodes Mode S messages in Beast's binary format.
#[derive(Debug)]
pub struct BeastDecoder {
    frames: FrameSplitter,
    aircraft: ProvenAircraft,
    /// Whether the last byte was not part of a frame, so that a run of such bytes is counted once.
    in_garbage: bool,
}

/// The aircraft that have proven their address.
#[derive(Debug)]
struct ProvenAircraft {
    /// The receiver's own position.
    receiver: Option<Point>,
    aircraft: HashMap<Icao24, Aircraft, RandomState>,
    swept: UnixTime,
}

#[derive(Debug)]
struct Aircraft {
    proven: Arrival,
    positions: Positions,
    baro_altitude: Option<(f64, Arrival)>,
}

/// The time stamp with which clients of multilateration networks mark their results: `FF 00` and `MLAT`.
const MLAT_CLOCK: [u8; 6] = *b"\xff\0MLAT";

impl BeastDecoder {
    /// Creates a decoder. `receiver` is the receiver's own position, from which the first positions on the ground are
    /// decoded; without it, an aircraft on the ground has a position only after it was airborne.
    pub fn new(receiver: Option<Point>) -> Self {
        let aircraft = ProvenAircraft { receiver, aircraft: HashMap::default(), swept: UnixTime(i64::MIN) };
        Self { frames: FrameSplitter::default(), aircraft, in_garbage: false }
    }
}

impl Decoder for BeastDecoder {
    const MESSAGE: &'static str = "Beast frame";

    fn decode(&mut self, chunk: &[u8], at: Arrival, decoded: &mut Decoded) {
        let (aircraft, in_garbage) = (&mut self.aircraft, &mut self.in_garbage);
        aircraft.sweep(at);
        self.frames.split(chunk, |part| {
            let was_garbage = std::mem::replace(in_garbage, part == FramePart::Garbage);
            match part {
                FramePart::Message { clock, message, bytes } => {
                    decoded.valid_bytes += bytes as u64;
                    match downlink::decode(message, clock == MLAT_CLOCK) {
                        Ok(Some(message)) => aircraft.add(message, clock == MLAT_CLOCK, at, decoded),
                        Ok(None) => {}
                        Err(reason) => decoded.bad_rows.add(rejected(reason, message)),
                    }
                }
                FramePart::Other(bytes) => decoded.valid_bytes += bytes as u64,
                FramePart::Incomplete(bytes) => {
                    let reason = format!("a Beast frame that ends after {bytes} bytes");
                    decoded.reject(bytes, RejectedRow { kind: "row", reason });
                }
                FramePart::Garbage => {
                    decoded.invalid_bytes += 1;
                    if !was_garbage {
                        let reason = "bytes that are not part of a Beast frame".to_owned();
                        decoded.bad_rows.add(RejectedRow { kind: "row", reason });
                    }
                }
            }
        });
    }

    fn reset(&mut self) {
        self.frames.reset();
    }
}

fn rejected(reason: Unusable, message: &[u8]) -> RejectedRow {
    let (kind, what) = match reason {
        Unusable::Checksum => ("checksum", "the parity does not match"),
        Unusable::Length => ("row", "the length does not match the downlink format"),
        Unusable::NotIcao => ("icao24", "the address is not an ICAO address"),
    };
    let hex: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
    RejectedRow { kind, reason: format!("{what} in {hex}") }
}

impl ProvenAircraft {
    /// An aircraft is forgotten if it has not proven its address for this long. Replies without proof are then noise.
    const MEMORY: Duration = Duration::from_secs(60);

    /// A geometric altitude is derived from a barometric one of at most this age.
    const MAX_ALTITUDE_AGE: Duration = Duration::from_secs(2);

    /// Adds what a message tells about an aircraft that has proven its address.
    fn add(&mut self, message: Message, is_multilaterated: bool, at: Arrival, decoded: &mut Decoded) {
        let is_full = self.aircraft.len() >= AircraftTracker::MAX_AIRCRAFT;
        let aircraft = match self.aircraft.get_mut(&message.address) {
            Some(aircraft) if message.is_proof || at.since(aircraft.proven) <= Self::MEMORY => aircraft,
            None if message.is_proof && !is_full => self.aircraft.entry(message.address).or_insert(Aircraft {
                proven: at,
                positions: Positions::default(),
                baro_altitude: None,
            }),
            _ => return,
        };
        if message.is_proof {
            aircraft.proven = at;
        }
        let mut told = message.told;
        if let Some(altitude) = told.baro_altitude {
            aircraft.baro_altitude = Some((altitude, at));
        }
        if let Some(difference) = message.geo_minus_baro
            && let Some((altitude, measured)) = aircraft.baro_altitude
            && at.since(measured) <= Self::MAX_ALTITUDE_AGE
        {
            told.geo_altitude = Some(altitude + difference);
        }
        let position = message
            .position
            .and_then(|position| aircraft.positions.decode(position, is_multilaterated, self.receiver, at));
        if let Some(point) = position {
            let source = if is_multilaterated { position_source::MLAT } else { position_source::ADS_B };
            told =
                StateVectorParts { lat: Some(point.lat), lon: Some(point.lon), position_source: Some(source), ..told };
        }
        let icao24 = message.address.to_string().into();
        let told = StateVectorParts { icao24, last_contact: Some(at.second().0), ..told };
        match StateVector::try_from(told) {
            Ok(report) => decoded.reports.push(report),
            Err(error) => decoded.bad_rows.add(error.into()),
        }
    }

    /// Forgets silent aircraft, once a second.
    fn sweep(&mut self, now: Arrival) {
        if self.swept != now.second() {
            self.swept = now.second();
            self.aircraft.retain(|_, aircraft| now.since(aircraft.proven) <= Self::MEMORY);
        }
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
