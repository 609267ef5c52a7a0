//! Which aircraft are heard.

use crate::doors::Receiver;
use crate::world::{Fix, Signal, World, distance};

/// OpenSky's code for FLARM, which is not transmitted at 1090 MHz.
const FLARM: u8 = 3;
/// Height of the antenna above its surroundings, in metres.
const ANTENNA: f64 = 50.0;
/// Metres to the radio horizon, per square root of a metre of height (with the standard refraction, 4/3 earth radii).
const HORIZON: f64 = 4_120.0;
/// Maximum speed of an aircraft, in m/s.
const MAX_SPEED: f64 = 260.0;

/// Who listens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hearing {
    /// One antenna.
    Receiver {
        /// Degrees north and east.
        position: (f64, f64),
        /// Metres.
        range: f64,
    },
    /// Receivers all over the world.
    Everywhere,
}

impl Hearing {
    pub(crate) fn of(receiver: &Receiver) -> Self {
        match receiver.range_km {
            Some(range) => Self::Receiver { position: (receiver.lat, receiver.lon), range: range * 1_000.0 },
            None => Self::Everywhere,
        }
    }

    /// Returns whether an aircraft's messages of a second (Unix time) are received.
    pub(crate) fn hears(&self, signal: &Signal<'_>, second: i64) -> bool {
        signal.position_source() != FLARM && signal.is_on(second * 1_000) && self.reaches(signal.fix(second * 1_000))
    }

    /// Returns the last second, from `second` back to `patience` seconds before, in which the aircraft at a place was
    /// heard.
    pub(crate) fn last_heard(&self, world: &World, place: usize, second: i64, patience: i64) -> Option<i64> {
        let hears = |second| world.signal(place, second * 1_000).is_some_and(|signal| self.hears(&signal, second));
        if hears(second) {
            return Some(second);
        }
        let earliest = second - patience;
        let reach = patience as f64 * MAX_SPEED * world.speed();
        let may_have_been = [second, earliest].into_iter().any(|second| {
            world.signal(place, second * 1_000).is_some_and(|signal| self.is_within(signal.fix(second * 1_000), reach))
        });
        if may_have_been { (earliest..second).rev().find(|&second| hears(second)) } else { None }
    }

    /// Returns the signal strength in dBFS.
    pub(crate) fn strength(&self, from: (f64, f64)) -> f64 {
        match self {
            Self::Receiver { position, range } => -3.0 - 25.0 * (distance(*position, from) / range).min(1.2),
            Self::Everywhere => -12.0,
        }
    }

    fn reaches(&self, fix: Fix) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Receiver { position, range } => {
                let horizon = HORIZON * (ANTENNA.sqrt() + fix.altitude.sqrt());
                distance(*position, fix.position) <= range.min(horizon)
            }
        }
    }

    fn is_within(&self, fix: Fix, beyond: f64) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Receiver { position, range } => distance(*position, fix.position) <= range + beyond,
        }
    }
}
