use std::collections::HashMap;
use std::time::Duration;

use thiserror::Error;

use super::flight_log::{continues, is_within_gap};
use super::simplified_line::{SimplifiedLine, Tolerance, TrackPoint};
use crate::domain::{BoundingBox, Flight, Icao24, Sighting, StateVector, UnixTime};

/// Options of [`FlightTracks`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackOptions {
    /// The longest pause between two states of the same flight.
    pub gap: Duration,
    /// How far a position may be from the line that replaces it.
    pub tolerance: Tolerance,
    /// Only the parts of the tracks in this box.
    pub bounding_box: Option<BoundingBox>,
}

impl TrackOptions {
    /// Returns the box with a margin. [`FlightTracks`] needs the states in it to detect that an aircraft left the box.
    pub fn box_to_read(&self) -> Option<BoundingBox> {
        self.bounding_box.map(|bounding_box| bounding_box.widened(MARGIN))
    }
}

/// The width of the margin around the bounding box, in metres.
const MARGIN: f64 = 60_000.0;

/// The longest pause that does not end a line, if there is a bounding box. An aircraft that was outside the box and the
/// margin for the whole pause crossed the margin twice, at more than 400 m/s.
const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);

/// How often the open flights are searched for those that ended with a pause, in the time of the states.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Limits the memory of one request.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// The maximum number of positions, of at most 16 bytes each. The world, polled every 5 s, has about a million with
    /// a tolerance of 100 m.
    points: usize,
    /// The maximum number of flights at a time, several times those of the world.
    flights: usize,
}

const LIMITS: Limits = Limits { points: 2_000_000, flights: 100_000 };

/// The track of a flight, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlightTrack {
    /// The flight, as derived from the states up to the end of this part; with a bounding box, only from those in it.
    pub flight: Flight,
    /// The number of this part, from 1. A flight has several parts only if it does not fit in memory.
    pub part: u32,
    /// The lines, each with at least one position. With a bounding box, there is one for each time that the aircraft
    /// was inside.
    pub lines: Vec<Vec<TrackPoint>>,
}

/// Too many flights at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("more than {0} flights at a time")]
pub struct TooManyFlights(usize);

/// Derives flights and their simplified tracks from the states of many aircraft.
///
/// The flights are those of [`FlightLog`](super::FlightLog), as far as the states tell. A flight is returned as soon as
/// it is known to have ended. A flight without positions is not returned.
///
/// With a bounding box, states without a position are ignored, and a line ends where a state is outside the box, or
/// after a pause in which the aircraft may have been farther away than the states reach.
#[derive(Debug)]
pub struct FlightTracks {
    options: TrackOptions,
    limits: Limits,
    open: HashMap<Icao24, OpenTrack>,
    /// The number of positions in `open`.
    points: usize,
    next_sweep: Option<UnixTime>,
}

#[derive(Debug)]
struct OpenTrack {
    /// The flight as derived from all states.
    flight: Flight,
    /// The flight as derived from the states in the bounding box, if there is a box and such a state.
    inside: Option<Flight>,
    /// The lines that have ended.
    lines: Vec<Vec<TrackPoint>>,
    /// The number of positions in `lines`.
    points_in_lines: usize,
    line: SimplifiedLine,
    part: u32,
}

impl FlightTracks {
    /// Starts without any flight.
    pub fn new(options: TrackOptions) -> Self {
        Self { options, limits: LIMITS, open: HashMap::new(), points: 0, next_sweep: None }
    }

    /// Adds the next state, in chronological order, and passes on the tracks that have ended.
    ///
    /// # Errors
    /// There are too many flights at a time. Nothing can be added after that.
    pub fn add<Text: AsRef<str>>(
        &mut self,
        state: &StateVector<Text>,
        mut each: impl FnMut(FlightTrack),
    ) -> Result<(), TooManyFlights> {
        let TrackOptions { gap, bounding_box, .. } = self.options;
        let sighting = Sighting::from(state);
        self.end_paused_flights(sighting.at, &mut each);
        let is_inside = match (bounding_box, sighting.position) {
            (None, _) => true,
            (Some(bounding_box), Some(position)) => bounding_box.contains(position.lat, position.lon),
            (Some(_), None) => return Ok(()),
        };
        let open = self.open.get(&sighting.icao24);
        let starts = open.is_none_or(|open| !continues(&open.flight, &sighting, gap));
        if starts && sighting.on_ground {
            return Ok(());
        }
        if starts {
            self.end_flight(sighting.icao24, &mut each);
        }
        let open = self.open.entry(sighting.icao24).or_insert_with(|| OpenTrack::new(&sighting));
        let points = open.points();
        if !starts {
            let is_after_pause = sighting.at.minus(MAX_PAUSE) > open.flight.last_seen;
            if bounding_box.is_some() && (is_after_pause || !is_inside) {
                open.end_line();
            }
            open.flight.extend(&sighting);
        }
        if is_inside {
            open.add(&sighting, state.geo_altitude, &self.options);
        }
        self.points = self.points + open.points() - points;
        if sighting.on_ground {
            self.end_flight(sighting.icao24, &mut each);
        }
        self.limit_memory(each)
    }

    /// Passes on the tracks of the flights that have not ended, at the end of the period.
    pub fn finish(&mut self, mut each: impl FnMut(FlightTrack)) {
        self.end_flights(|_| true, &mut each);
    }

    /// Ends the flights that cannot continue at this time.
    fn end_paused_flights(&mut self, at: UnixTime, each: impl FnMut(FlightTrack)) {
        if self.next_sweep.is_none_or(|next| at >= next) {
            self.next_sweep = Some(at.plus(SWEEP_INTERVAL));
            let gap = self.options.gap;
            self.end_flights(|flight| !is_within_gap(flight, at, gap), each);
        }
    }

    fn end_flight(&mut self, icao24: Icao24, mut each: impl FnMut(FlightTrack)) {
        if let Some(mut open) = self.open.remove(&icao24) {
            self.points -= open.points();
            open.end_line();
            open.take().into_iter().for_each(&mut each);
        }
    }

    fn end_flights(&mut self, is_over: impl Fn(&Flight) -> bool, mut each: impl FnMut(FlightTrack)) {
        let over = self.open.values().filter(|open| is_over(&open.flight));
        let mut over: Vec<_> = over.map(|open| (open.flight.first_seen, open.flight.icao24)).collect();
        over.sort_unstable();
        over.into_iter().for_each(|(_, icao24)| self.end_flight(icao24, &mut each));
    }

    /// Passes on what is known of every flight if that takes too much memory.
    fn limit_memory(&mut self, mut each: impl FnMut(FlightTrack)) -> Result<(), TooManyFlights> {
        if self.open.len() > self.limits.flights {
            return Err(TooManyFlights(self.limits.flights));
        }
        if self.points <= self.limits.points {
            return Ok(());
        }
        let mut long: Vec<_> = self.open.values_mut().filter(|open| open.points() > 1).collect();
        long.sort_unstable_by_key(|open| (open.flight.first_seen, open.flight.icao24));
        for open in long {
            open.split_line();
            open.take().into_iter().for_each(&mut each);
        }
        self.points = self.open.values().map(OpenTrack::points).sum();
        Ok(())
    }
}

impl OpenTrack {
    fn new(sighting: &Sighting) -> Self {
        Self {
            flight: Flight::starting_with(sighting),
            inside: None,
            lines: Vec::new(),
            points_in_lines: 0,
            line: SimplifiedLine::default(),
            part: 1,
        }
    }

    /// Adds a state in the bounding box, if there is one.
    fn add(&mut self, sighting: &Sighting, geo_altitude: Option<f64>, options: &TrackOptions) {
        if options.bounding_box.is_some() {
            match &mut self.inside {
                Some(inside) => inside.extend(sighting),
                None => self.inside = Some(Flight::starting_with(sighting)),
            }
        }
        if let Some(position) = sighting.position {
            self.line.add(TrackPoint::new(position, geo_altitude), options.tolerance);
        }
    }

    /// Returns the number of positions that are held in memory.
    fn points(&self) -> usize {
        self.points_in_lines + self.line.len()
    }

    fn end_line(&mut self) {
        let line = self.line.end();
        self.keep(line);
    }

    /// Ends the line, and starts another one where it ended.
    fn split_line(&mut self) {
        let line = self.line.split();
        self.keep(line);
    }

    fn keep(&mut self, line: Vec<TrackPoint>) {
        if !line.is_empty() {
            self.points_in_lines += line.len();
            self.lines.push(line);
        }
    }

    /// Returns the ended lines, with what is known of the flight; `None` if there are none.
    fn take(&mut self) -> Option<FlightTrack> {
        let lines = std::mem::take(&mut self.lines);
        self.points_in_lines = 0;
        if lines.is_empty() {
            return None;
        }
        let callsign = self.flight.callsign.clone();
        let flight = Flight { callsign, ..self.inside.as_ref().unwrap_or(&self.flight).clone() };
        let part = self.part;
        self.part += 1;
        Some(FlightTrack { flight, part, lines })
    }
}

#[cfg(test)]
mod tests;
