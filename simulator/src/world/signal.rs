//! What an aircraft transmits: its exact state at any moment, independent of who hears it.

use super::{Flight, World};
use crate::rows::Row;

/// The transponder of an aircraft during one flight.
#[derive(Debug)]
pub(crate) struct Signal<'a> {
    world: &'a World,
    flight: Flight<'a>,
}

/// A true position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fix {
    /// Degrees north and east.
    pub(crate) position: (f64, f64),
    /// Metres above sea level; 0 on the ground.
    pub(crate) altitude: f64,
}

impl World {
    /// Returns the transponder that is on at a place, from stand to stand; `None` between two flights.
    pub(crate) fn signal(&self, place: usize, millis: i64) -> Option<Signal<'_>> {
        let flight = self.flight(place, seconds(millis))?;
        let signal = Signal { world: self, flight };
        signal.is_on(millis).then_some(signal)
    }

    /// Returns the time-lapse factor.
    pub(crate) fn speed(&self) -> f64 {
        self.plan.speed
    }
}

impl<'a> Signal<'a> {
    pub(crate) fn address(&self) -> u32 {
        self.flight.airframe.address
    }

    /// Returns a number that is random, but fixed for the aircraft.
    pub(crate) fn salt(&self) -> u64 {
        self.flight.airframe.salt
    }

    /// Returns OpenSky's code of the source of its positions.
    pub(crate) fn position_source(&self) -> u8 {
        self.flight.airframe.position_source
    }

    /// Returns whether the transponder is on at a time in Unix milliseconds.
    pub(crate) fn is_on(&self, millis: i64) -> bool {
        (self.flight.begin..=self.flight.end).contains(&seconds(millis))
    }

    /// Returns where it is at a time in Unix milliseconds, even if it does not report it.
    pub(crate) fn fix(&self, millis: i64) -> Fix {
        let (moment, here) = self.world.moment(&self.flight, seconds(millis));
        let altitude = if moment.on_ground { 0.0 } else { moment.altitude };
        Fix { position: (here.lat, here.lon), altitude }
    }

    /// Returns its state at a time in Unix milliseconds.
    pub(crate) fn row(&self, millis: i64) -> Row<'a> {
        let time = seconds(millis);
        self.world.observe(&self.flight, time, time)
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1_000.0
}
