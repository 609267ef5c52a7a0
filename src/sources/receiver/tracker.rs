use std::collections::{HashMap, VecDeque};

use actors::domain::{BoundingBox, Icao24, Point, StateVector, UnixTime};
use compact_str::CompactString;
use foldhash::fast::RandomState;

use super::{Arrival, PlausibleTrack};

/// Assembles the state of each aircraft from messages that each tell a part of it, and publishes at most one state per
/// aircraft and second.
///
/// A state is published as soon as a position arrives in a new second. If only other messages arrive in a second, the
/// state is published at its end. What arrives after the publication is part of the next state.
#[derive(Debug)]
pub struct AircraftTracker {
    area: Option<BoundingBox>,
    aircraft: HashMap<Icao24, Aircraft, RandomState>,
    /// The aircraft to publish at the end of a second, in order of the seconds.
    pending: VecDeque<(UnixTime, Icao24)>,
    ready: VecDeque<StateVector>,
    swept: UnixTime,
    reported: usize,
    dropped: u64,
}

/// What is known about an aircraft.
#[derive(Debug)]
struct Aircraft {
    callsign: Told<CompactString>,
    squawk: Told<CompactString>,
    category: Told<i16>,
    velocity: Told<f64>,
    true_track: Told<f64>,
    vertical_rate: Told<f64>,
    baro_altitude: Told<f64>,
    geo_altitude: Told<f64>,
    on_ground: Told<bool>,
    spi: Told<bool>,
    position: Told<(Point, Option<i16>)>,
    track: PlausibleTrack,
    heard: UnixTime,
    /// The second of the last state, and of the one to publish at the end of its second.
    assembled: UnixTime,
    pending: UnixTime,
    /// The second of the last state in the area.
    reported: UnixTime,
}

/// A value and when it was last told.
#[derive(Clone, Debug)]
struct Told<T> {
    value: Option<T>,
    at: UnixTime,
}

/// A time before any other.
const NEVER: UnixTime = UnixTime(i64::MIN);

impl AircraftTracker {
    /// The maximum number of aircraft, about twice as many as fly worldwide. More are noise or an attack.
    pub const MAX_AIRCRAFT: usize = 20_000;

    /// The maximum number of states that wait to be taken. The oldest are dropped first.
    const MAX_READY: usize = 40_000;

    /// An aircraft is forgotten after this many seconds of silence.
    const MEMORY: i64 = 60;

    /// Callsign, squawk and category hardly change during a flight, but are sent every few seconds at most. They and a
    /// position, which has a time of its own, are kept for this many seconds after they were last told.
    const KEEP_IDENTITY: i64 = 60;

    /// Altitudes, speeds, direction and flags are sent every second, and are kept for this many seconds. OpenSky keeps
    /// them as long.
    const KEEP_MOTION: i64 = 15;

    /// Creates a tracker that publishes only aircraft in the area.
    pub fn new(area: Option<BoundingBox>) -> Self {
        Self {
            area,
            aircraft: HashMap::default(),
            pending: VecDeque::new(),
            ready: VecDeque::new(),
            swept: NEVER,
            reported: 0,
            dropped: 0,
        }
    }

    /// Adds what the messages tell that arrived at this time.
    pub fn add(&mut self, reports: &[StateVector], at: Arrival) {
        self.complete_seconds(at.second());
        for report in reports {
            self.add_report(report, at);
        }
    }

    fn add_report(&mut self, report: &StateVector, at: Arrival) {
        let second = at.second();
        if self.aircraft.len() >= Self::MAX_AIRCRAFT && !self.aircraft.contains_key(&report.icao24) {
            self.dropped += 1;
            return;
        }
        let aircraft = self.aircraft.entry(report.icao24).or_insert_with(Aircraft::new);
        let has_position = aircraft.add(report, at);
        if second <= aircraft.assembled {
            return;
        }
        if has_position {
            self.publish(report.icao24, second);
        } else if aircraft.pending < second {
            aircraft.pending = second;
            self.pending.push_back((second, report.icao24));
        }
    }

    /// Publishes the states of the seconds before `now`, and forgets silent aircraft.
    pub fn complete_seconds(&mut self, now: UnixTime) {
        while let Some((second, icao24)) = self.pending.pop_front_if(|(second, _)| *second < now) {
            self.publish(icao24, second);
        }
        if self.swept != now {
            self.swept = now;
            let is_recent = |time: UnixTime| now.seconds_since(time) <= Self::MEMORY;
            self.aircraft.retain(|_, aircraft| is_recent(aircraft.heard));
            self.reported = self.aircraft.values().filter(|aircraft| is_recent(aircraft.reported)).count();
        }
    }

    fn publish(&mut self, icao24: Icao24, second: UnixTime) {
        let Some(aircraft) = self.aircraft.get_mut(&icao24).filter(|aircraft| aircraft.assembled < second) else {
            return;
        };
        aircraft.assembled = second;
        let state = aircraft.state(icao24, second);
        if let Some(area) = self.area
            && !state.lat.zip(state.lon).is_some_and(|(lat, lon)| area.contains(lat, lon))
        {
            return;
        }
        if second.seconds_since(aircraft.reported) > Self::MEMORY {
            self.reported += 1;
        }
        aircraft.reported = second;
        if self.ready.len() >= Self::MAX_READY {
            self.ready.pop_front();
            self.dropped += 1;
        }
        self.ready.push_back(state);
    }

    /// Whether there are states to take.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the states published since the last call, in the order of their seconds.
    pub fn take(&mut self) -> Vec<StateVector> {
        self.ready.drain(..).collect()
    }

    /// Returns the number of aircraft in the area that were heard within the last minute.
    pub fn reported(&self) -> usize {
        self.reported
    }

    /// Returns and resets the number of messages and states dropped because a limit was reached.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

impl Aircraft {
    fn new() -> Self {
        Self {
            callsign: Told::nothing(),
            squawk: Told::nothing(),
            category: Told::nothing(),
            velocity: Told::nothing(),
            true_track: Told::nothing(),
            vertical_rate: Told::nothing(),
            baro_altitude: Told::nothing(),
            geo_altitude: Told::nothing(),
            on_ground: Told::nothing(),
            spi: Told::nothing(),
            position: Told::nothing(),
            track: PlausibleTrack::default(),
            heard: NEVER,
            assembled: NEVER,
            pending: NEVER,
            reported: NEVER,
        }
    }

    /// Adds what a message tells. Returns whether it has a plausible position.
    fn add(&mut self, report: &StateVector, at: Arrival) -> bool {
        let second = at.second();
        self.heard = second;
        self.callsign.tell(report.callsign.as_ref(), second);
        self.squawk.tell(report.squawk.as_ref(), second);
        self.category.tell(report.category.as_ref(), second);
        self.velocity.tell(report.velocity.as_ref(), second);
        self.true_track.tell(report.true_track.as_ref(), second);
        self.vertical_rate.tell(report.vertical_rate.as_ref(), second);
        self.baro_altitude.tell(report.baro_altitude.as_ref(), second);
        self.geo_altitude.tell(report.geo_altitude.as_ref(), second);
        self.on_ground.tell(report.on_ground.as_ref(), second);
        self.spi.tell(report.spi.as_ref(), second);
        let position = report.lat.zip(report.lon).map(|(lat, lon)| Point { lat, lon });
        let plausible = position.filter(|point| self.track.accept(*point, at));
        self.position.tell(plausible.map(|point| (point, report.position_source)).as_ref(), second);
        plausible.is_some()
    }

    fn state(&self, icao24: Icao24, second: UnixTime) -> StateVector {
        let (identity, motion) = (AircraftTracker::KEEP_IDENTITY, AircraftTracker::KEEP_MOTION);
        let position = self.position.within(identity, second);
        StateVector {
            callsign: self.callsign.within(identity, second),
            squawk: self.squawk.within(identity, second),
            category: self.category.within(identity, second),
            velocity: self.velocity.within(motion, second),
            true_track: self.true_track.within(motion, second),
            vertical_rate: self.vertical_rate.within(motion, second),
            baro_altitude: self.baro_altitude.within(motion, second),
            geo_altitude: self.geo_altitude.within(motion, second),
            on_ground: self.on_ground.within(motion, second),
            spi: self.spi.within(motion, second),
            lat: position.map(|(point, _)| point.lat),
            lon: position.map(|(point, _)| point.lon),
            position_source: position.and_then(|(_, source)| source),
            time_position: position.map(|_| self.position.at),
            ..StateVector::new(icao24, second)
        }
    }
}

impl<T: Clone> Told<T> {
    const fn nothing() -> Self {
        Self { value: None, at: NEVER }
    }

    fn tell(&mut self, value: Option<&T>, at: UnixTime) {
        if let Some(value) = value {
            *self = Self { value: Some(value.clone()), at };
        }
    }

    /// Returns the value if it was told within this many seconds.
    fn within(&self, seconds: i64, now: UnixTime) -> Option<T> {
        self.value.clone().filter(|_| now.seconds_since(self.at) <= seconds)
    }
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
