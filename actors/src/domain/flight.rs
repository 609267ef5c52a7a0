use compact_str::CompactString;

use super::{Icao24, Point, StateVector, UnixTime};

/// The fields of a state vector from which flights are built.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The aircraft.
    pub icao24: Icao24,
    /// The state's `last_contact`.
    pub at: UnixTime,
    /// The callsign without padding.
    pub callsign: Option<CompactString>,
    /// The position, if known.
    pub position: Option<Point>,
    /// The barometric altitude in metres, or the geometric one if there is none.
    pub altitude: Option<f64>,
    /// Whether the aircraft is on the ground; unknown counts as airborne.
    pub on_ground: bool,
}

impl<Text: AsRef<str>> From<&StateVector<Text>> for Sighting {
    fn from(state: &StateVector<Text>) -> Self {
        Self {
            icao24: state.icao24,
            at: state.last_contact,
            callsign: state.callsign.as_ref().map(|callsign| callsign.as_ref().into()),
            position: state.lat.zip(state.lon).map(|(lat, lon)| Point { lat, lon }),
            altitude: state.baro_altitude.or(state.geo_altitude),
            on_ground: state.on_ground.unwrap_or(false),
        }
    }
}

/// A flight: consecutive states of one aircraft, starting with the first airborne one. It ends with the first state on
/// the ground, or before a gap or a different callsign.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight {
    /// The aircraft.
    pub icao24: Icao24,
    /// The first known callsign.
    pub callsign: Option<CompactString>,
    /// `last_contact` of the first state. Together with the aircraft, it identifies the flight.
    pub first_seen: UnixTime,
    /// `last_contact` of the last state so far.
    pub last_seen: UnixTime,
    /// The first known position.
    pub first_position: Option<Point>,
    /// The last known position.
    pub last_position: Option<Point>,
    /// The altitude at the first known position in metres, as in [`Sighting::altitude`].
    pub first_altitude: Option<f64>,
    /// The altitude at the last known position in metres.
    pub last_altitude: Option<f64>,
    /// The sum of the great-circle distances between successive positions, in metres.
    pub distance: f64,
    /// The maximum altitude in metres.
    pub highest_altitude: Option<f64>,
    /// The number of state vectors.
    pub states: u64,
    /// Whether the flight ended with a state on the ground.
    pub landed: bool,
}

impl Flight {
    /// Creates a flight that consists of one state.
    pub fn starting_with(sighting: &Sighting) -> Self {
        Self {
            icao24: sighting.icao24,
            callsign: sighting.callsign.clone(),
            first_seen: sighting.at,
            last_seen: sighting.at,
            first_position: sighting.position,
            last_position: sighting.position,
            first_altitude: sighting.position.and(sighting.altitude),
            last_altitude: sighting.position.and(sighting.altitude),
            distance: 0.0,
            highest_altitude: sighting.altitude,
            states: 1,
            landed: sighting.on_ground,
        }
    }

    /// Adds the next state.
    pub fn extend(&mut self, sighting: &Sighting) {
        self.last_seen = sighting.at;
        if self.callsign.is_none() {
            self.callsign.clone_from(&sighting.callsign);
        }
        if let Some(position) = sighting.position {
            self.distance += self.last_position.map_or(0.0, |last| last.distance_to(position));
            if self.first_position.is_none() {
                self.first_position = Some(position);
                self.first_altitude = sighting.altitude;
            }
            self.last_position = Some(position);
            self.last_altitude = sighting.altitude;
        }
        self.highest_altitude = match (self.highest_altitude, sighting.altitude) {
            (Some(highest), Some(altitude)) => Some(highest.max(altitude)),
            (highest, altitude) => highest.or(altitude),
        };
        self.states += 1;
        self.landed |= sighting.on_ground;
    }
}
