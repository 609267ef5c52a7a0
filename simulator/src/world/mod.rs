//! Generates the world's aircraft. Every state is a function of time alone; nothing is accumulated.
//!
//! A world consists of *places*. Three aircraft take turns at each place: once one has landed and its row has
//! disappeared, the next one starts, so the number of rows stays close to the configured one. Each aircraft flies back
//! and forth on its route, so it departs from where it landed.

mod airframe;
mod airports;
mod countries;
mod fleet;
mod flight;
mod great_circle;
mod hash;
mod kinds;
mod signal;
#[cfg(test)]
mod tests;

use airframe::{Airframe, KEPT_AFTER_CONTACT};
use fleet::Fleet;
use flight::Moment;
use great_circle::Waypoint;
pub(crate) use great_circle::{bearing, distance};
pub(crate) use hash::mix;
pub(crate) use signal::{Fix, Signal};

use crate::rows::Row;

/// Number of aircraft that take turns at a place.
const TURNS: usize = 3;
/// Seconds between two flights at a place, so that the first one's row has disappeared before the second begins.
const PAUSE: f64 = KEPT_AFTER_CONTACT as f64 + 20.0;
/// Resolution of pressure altitude: 25 ft, in metres.
const ALTITUDE_STEP: f64 = 7.62;
/// Resolution of vertical rate: 64 ft/min, in m/s.
const RATE_STEP: f64 = 0.325_12;
/// Fraction of a flight after which an emergency may be declared.
const EMERGENCY_FROM: f64 = 0.3;

/// The parameters of a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Approximate number of rows at any time.
    pub(crate) aircraft: usize,
    /// Equal seeds produce equal worlds.
    pub(crate) seed: u64,
    /// Time-lapse factor for all movement.
    pub(crate) speed: f64,
    /// Fraction of flights that end with an emergency.
    pub(crate) emergencies: f64,
    /// Whether to keep exactly `aircraft` rows at all times: each aircraft flies back and forth without a pause.
    pub(crate) steady: bool,
}

/// The aircraft of a world.
#[derive(Debug)]
pub(crate) struct World {
    plan: Plan,
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    airframes: Vec<Airframe>,
    /// Seconds from the start of one flight to the start of the next.
    period: f64,
    /// Seconds by which its flights begin before the multiples of `period` since 1970.
    offset: f64,
}

/// One flight of an aircraft: its direction and its times.
#[derive(Debug)]
struct Flight<'a> {
    airframe: &'a Airframe,
    number: i64,
    back: bool,
    /// Unix seconds.
    begin: f64,
    end: f64,
    /// First and last time at which it can be heard, in Unix seconds.
    heard: (i64, i64),
}

impl World {
    /// Draws a world; takes a few milliseconds for thousands of aircraft.
    pub(crate) fn new(plan: Plan) -> Self {
        let mut fleet = Fleet::new(plan.seed);
        let mut places = Vec::with_capacity(plan.aircraft);
        let mut expected = 0.0;
        while if plan.steady { places.len() < plan.aircraft } else { expected + 0.5 < plan.aircraft as f64 } {
            let role = fleet.role();
            let turns = if plan.steady { 1 } else { TURNS };
            let airframes: Vec<Airframe> = (0..turns).map(|_| fleet.airframe(role)).collect();
            let durations = || airframes.iter().map(|airframe| airframe.profile.duration() / plan.speed);
            let longest = durations().fold(0.0, f64::max);
            let period = if plan.steady { longest } else { longest + PAUSE };
            let shown: f64 = airframes
                .iter()
                .map(|airframe| airframe.heard())
                .map(|(from, until)| (until - from) / plan.speed + KEPT_AFTER_CONTACT as f64)
                .sum();
            expected += shown / (turns as f64 * period);
            let offset = hash::chance(hash::mix(plan.seed, places.len() as u64)) * period * 2.0 * turns as f64;
            places.push(Place { airframes, period, offset });
        }
        Self { plan, places }
    }

    /// Returns the number of places; in a steady world, this is the number of aircraft.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    /// Returns the row of the aircraft at a place; `None` if none was heard there in the last five minutes.
    pub(crate) fn row(&self, place: usize, now: i64) -> Option<Row<'_>> {
        let flight = self.flight(place, now as f64)?;
        let (from, until) = flight.heard;
        let contact = flight.airframe.last_contact(now.min(until));
        if contact < from || now - contact > KEPT_AFTER_CONTACT {
            return None;
        }
        let position = flight.airframe.last_position(contact).max(from);
        Some(self.observe(&flight, contact as f64, position as f64))
    }

    /// Returns the row of a place whose aircraft was last heard, with its position, at `contact`. For steady worlds.
    pub(crate) fn row_at_contact(&self, place: usize, contact: i64) -> Option<Row<'_>> {
        let contact = contact as f64;
        self.flight(place, contact).map(|flight| self.observe(&flight, contact, contact))
    }

    fn flight(&self, place: usize, now: f64) -> Option<Flight<'_>> {
        let Place { airframes, period, offset } = self.places.get(place)?;
        let turns = airframes.len() as i64;
        let number = ((now + offset) / period).floor();
        let begin = number * period - offset;
        let number = number as i64;
        let airframe = &airframes[usize::try_from(number.rem_euclid(turns)).unwrap_or_default()];
        let back = number.div_euclid(turns).rem_euclid(2) == 1;
        let after = |seconds: f64| begin + seconds / self.plan.speed;
        let (from, until) = airframe.heard();
        let heard = (after(from).ceil() as i64, after(until).floor() as i64);
        Some(Flight { airframe, number, back, begin, end: after(airframe.profile.duration()), heard })
    }

    /// Returns where the aircraft is at a time in Unix seconds, and what it does there.
    fn moment(&self, flight: &Flight<'_>, time: f64) -> (Moment, Waypoint) {
        let Airframe { elevations: (from, to), profile, way, .. } = flight.airframe;
        let elevations = if flight.back { (*to, *from) } else { (*from, *to) };
        let moment = profile.at((time - flight.begin) * self.plan.speed, elevations);
        let here = way.at(if flight.back { way.length - moment.distance } else { moment.distance });
        let track = if flight.back { (here.track + 180.0) % 360.0 } else { here.track };
        (moment, Waypoint { track, ..here })
    }

    fn observe<'a>(&self, flight: &Flight<'a>, contact: f64, position_time: f64) -> Row<'a> {
        let airframe = flight.airframe;
        let (moment, mut here) = self.moment(flight, contact);
        if position_time != contact {
            here = self.moment(flight, position_time).1;
        }
        let track = here.track;

        let reports = airframe.reports;
        let airborne = !moment.on_ground;
        let baro_altitude = (moment.altitude / ALTITUDE_STEP).round() * ALTITUDE_STEP;
        // Warm air raises the pressure surfaces, and the weather tilts them.
        let weather = 35.0 * ((here.lat / 9.0).sin() + (here.lon / 13.0).cos());
        let geo_altitude = ((moment.altitude * 1.018 + weather) / ALTITUDE_STEP).round() * ALTITUDE_STEP;
        let flarm = airframe.position_source == 3;
        Row {
            address: airframe.address,
            callsign: &airframe.callsigns[usize::from(flight.back)],
            origin_country: airframe.country.name,
            time_position: reports.position.then_some(position_time.floor() as i64),
            last_contact: contact.floor() as i64,
            position: reports.position.then_some((here.lat, here.lon)),
            baro_altitude: (airborne && reports.barometric_altitude).then_some(baro_altitude),
            on_ground: moment.on_ground,
            velocity: moment.speed,
            // FLARM receivers report the western half as negative values.
            true_track: if flarm && track > 180.0 { track - 360.0 } else { track },
            vertical_rate: (airborne && reports.vertical_rate)
                .then(|| (moment.vertical_rate / RATE_STEP).round() * RATE_STEP),
            geo_altitude: (airborne && reports.geometric_altitude).then_some(geo_altitude.max(0.0)),
            squawk: self.squawk(flight, contact),
            spi: hash::chance(hash::mix(airframe.salt, 3)) < 0.002,
            position_source: airframe.position_source,
            category: airframe.category,
        }
    }

    fn squawk(&self, flight: &Flight<'_>, contact: f64) -> Option<u16> {
        let dice = hash::mix(flight.airframe.salt, 4 ^ (flight.number.cast_unsigned() << 3));
        let flown = (contact - flight.begin) / (flight.end - flight.begin);
        if flown > EMERGENCY_FROM && hash::chance(dice) < self.plan.emergencies {
            return Some(match dice % 20 {
                0 => 0o7500,
                1..=5 => 0o7600,
                _ => 0o7700,
            });
        }
        // Codes above 7477 are not assigned to flights.
        flight.airframe.reports.squawk.then_some((dice % 0o7400) as u16 + 0o100)
    }
}
