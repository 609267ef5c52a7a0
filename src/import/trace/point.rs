use std::borrow::Cow;
use std::fmt;

use actors::domain::StateVectorParts;
use compact_str::CompactString;
use serde::de::{Error, IgnoredAny, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use actors::domain::emitter_category_code;
use actors::domain::units::{FOOT, FOOT_PER_MINUTE, KNOT};

/// How many seconds a callsign, squawk or category of an earlier point is used for.
const MAX_AGE: f64 = 60.0;

/// Flag: the point begins another flight.
const NEW_LEG: i64 = 2;
/// Flag: the altitude is geometric.
const GEOMETRIC_ALTITUDE: i64 = 8;

/// One point: `[seconds, lat, lon, altitude, speed, track, flags, rate, details, type, geometric altitude, …]`. Older
/// versions of readsb wrote fewer elements.
#[derive(Debug, Default)]
pub(super) struct Point<'a> {
    seconds: f64,
    lat: Option<f64>,
    lon: Option<f64>,
    altitude: Option<Altitude>,
    speed: Option<f64>,
    track: Option<f64>,
    flags: i64,
    rate: Option<f64>,
    aircraft: Option<Aircraft<'a>>,
    source: Option<Cow<'a, str>>,
    geometric_altitude: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
enum Altitude {
    Feet(f64),
    Ground,
}

/// The members of `details` that a state vector has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Aircraft<'a> {
    #[serde(borrow, rename = "type")]
    source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    flight: Option<Cow<'a, str>>,
    #[serde(borrow)]
    squawk: Option<Cow<'a, str>>,
    #[serde(borrow)]
    category: Option<Cow<'a, str>>,
    alt_geom: Option<f64>,
    spi: Option<u8>,
}

/// The details that only some points have, each with the time of its point.
#[derive(Debug, Default)]
pub(super) struct Details {
    callsign: Option<(CompactString, f64)>,
    squawk: Option<(CompactString, f64)>,
    category: Option<(i16, f64)>,
}

impl<'a> Point<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Converts the point, and remembers its details for the points after it.
    pub(super) fn into_parts(self, address: &str, timestamp: f64, details: &mut Details) -> StateVectorParts {
        // Without the error of adding a multiple of 0.01 to one of 0.001.
        let time = ((timestamp + self.seconds) * 1000.0).round() / 1000.0;
        if self.flags & NEW_LEG != 0 {
            *details = Details::default();
        }
        let aircraft = self.aircraft.unwrap_or_default();
        details.update(&aircraft, time);
        let is_geometric = self.flags & GEOMETRIC_ALTITUDE != 0;
        let (altitude, on_ground) = match self.altitude {
            Some(Altitude::Feet(feet)) => (Some(feet), Some(false)),
            Some(Altitude::Ground) => (None, Some(true)),
            None => (None, None),
        };
        let geometric = self.geometric_altitude.or(aircraft.alt_geom).or(altitude.filter(|_| is_geometric));
        let second = time.floor() as i64;
        let source = self.source.or(aircraft.source);
        StateVectorParts {
            icao24: address.into(),
            callsign: recent(&details.callsign, time),
            lat: self.lat,
            lon: self.lon,
            velocity: self.speed.map(|knots| knots * KNOT),
            true_track: self.track,
            vertical_rate: self.rate.map(|rate| rate * FOOT_PER_MINUTE),
            baro_altitude: altitude.filter(|_| !is_geometric).map(|feet| feet * FOOT),
            geo_altitude: geometric.map(|feet| feet * FOOT),
            on_ground,
            squawk: recent(&details.squawk, time),
            spi: aircraft.spi.map(|spi| spi != 0),
            position_source: source.as_deref().and_then(position_source),
            category: recent(&details.category, time),
            time_position: self.lat.and(self.lon).map(|_| second),
            last_contact: Some(second),
            ..StateVectorParts::default()
        }
    }
}

impl Details {
    fn update(&mut self, aircraft: &Aircraft<'_>, time: f64) {
        let text = |text: &Option<Cow<'_, str>>| {
            let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
            Some((text.into(), time))
        };
        self.callsign = text(&aircraft.flight).or(self.callsign.take());
        self.squawk = text(&aircraft.squawk).or(self.squawk.take());
        let category = aircraft.category.as_deref().and_then(emitter_category_code);
        self.category = category.map(|code| (code, time)).or(self.category);
    }
}

/// Returns a detail unless it is too old.
fn recent<T: Clone>(detail: &Option<(T, f64)>, time: f64) -> Option<T> {
    detail.as_ref().filter(|(_, at)| (0.0..=MAX_AGE).contains(&(time - at))).map(|(value, _)| value.clone())
}

/// Returns OpenSky's code of the source of a position; `None` for one that OpenSky does not have, such as TIS-B.
fn position_source(source: &str) -> Option<i16> {
    match source.split('_').next() {
        Some("adsb" | "adsr") => Some(0),
        Some("mlat") => Some(2),
        _ => None,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Point<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PointVisitor)
    }
}

struct PointVisitor;

impl<'de> Visitor<'de> for PointVisitor {
    type Value = Point<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of at least 8 elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Point<'de>, A::Error> {
        macro_rules! required {
            ($index:literal, $name:literal) => {
                elements
                    .next_element()
                    .map_err(|error| A::Error::custom(format!("{}: {error}", $name)))?
                    .ok_or_else(|| A::Error::invalid_length($index, &self))?
            };
        }
        macro_rules! optional {
            ($name:literal) => {
                elements
                    .next_element::<Option<_>>()
                    .map_err(|error| A::Error::custom(format!("{}: {error}", $name)))?
                    .flatten()
            };
        }
        let point = Point {
            seconds: required!(0, "time"),
            lat: required!(1, "lat"),
            lon: required!(2, "lon"),
            altitude: required!(3, "altitude"),
            speed: required!(4, "speed"),
            track: required!(5, "track"),
            flags: required!(6, "flags"),
            rate: required!(7, "rate"),
            aircraft: optional!("details"),
            source: optional!("type"),
            geometric_altitude: optional!("geometric altitude"),
        };
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(point)
    }
}

impl<'de> Deserialize<'de> for Altitude {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AltitudeVisitor)
    }
}

struct AltitudeVisitor;

impl Visitor<'_> for AltitudeVisitor {
    type Value = Altitude;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or \"ground\"")
    }

    fn visit_i64<E: Error>(self, feet: i64) -> Result<Altitude, E> {
        Ok(Altitude::Feet(feet as f64))
    }

    fn visit_u64<E: Error>(self, feet: u64) -> Result<Altitude, E> {
        Ok(Altitude::Feet(feet as f64))
    }

    fn visit_f64<E: Error>(self, feet: f64) -> Result<Altitude, E> {
        Ok(Altitude::Feet(feet))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Altitude, E> {
        if text == "ground" { Ok(Altitude::Ground) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
    }
}
