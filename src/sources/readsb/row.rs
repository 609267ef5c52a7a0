//! The members of one aircraft object, in the units of readsb.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an aircraft that a state vector needs. Members that are missing or null are `None`.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) hex: Option<CompactString>,
    pub(super) kind: Option<CompactString>,
    pub(super) flight: Option<CompactString>,
    pub(super) alt_baro: Option<BarometricAltitude>,
    pub(super) alt_geom: Option<f64>,
    pub(super) gs: Option<f64>,
    pub(super) track: Option<f64>,
    pub(super) baro_rate: Option<f64>,
    pub(super) geom_rate: Option<f64>,
    pub(super) squawk: Option<CompactString>,
    pub(super) category: Option<CompactString>,
    pub(super) spi: Option<bool>,
    pub(super) seen: Option<f64>,
    pub(super) position: Position,
    pub(super) last_position: Position,
    /// Whether the position comes from multilateration.
    pub(super) mlat_position: bool,
    /// Whether the position comes from TIS-B, a broadcast of radar data.
    pub(super) tisb_position: bool,
}

/// A position and its age in seconds.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
pub(super) struct Position {
    pub(super) lat: Option<f64>,
    pub(super) lon: Option<f64>,
    pub(super) seen_pos: Option<f64>,
}

/// A barometric altitude in feet, or the ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum BarometricAltitude {
    Ground,
    Feet(f64),
}

/// Reads a row. `field` is the field of the state vector that is being read, for errors.
pub(super) struct RowReader {
    pub(super) field: &'static str,
}

impl Position {
    pub(super) fn is_complete(self) -> bool {
        self.lat.is_some() && self.lon.is_some()
    }
}

impl BarometricAltitude {
    pub(super) fn feet(self) -> Option<f64> {
        match self {
            Self::Ground => None,
            Self::Feet(feet) => Some(feet),
        }
    }
}

impl<'de> Visitor<'de> for &mut RowReader {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut row = Row::default();
        macro_rules! read {
            ($map:ident, $key:expr, { $($name:literal $(| $old:literal)? => $field:literal $target:expr),* $(,)? }) => {
                match $key {
                    $($name $(| $old)? => {
                        self.field = $field;
                        $target = $map.next_value()?;
                    })*
                    "spi" => {
                        self.field = "spi";
                        row.spi = $map.next_value::<Option<Flag>>()?.map(|flag| flag.0);
                    }
                    "lastPosition" => {
                        self.field = "time_position";
                        row.last_position = $map.next_value::<Option<Position>>()?.unwrap_or_default();
                    }
                    "mlat" => row.mlat_position = lists_position($map.next_value()?),
                    "tisb" => row.tisb_position = lists_position($map.next_value()?),
                    _ => drop($map.next_value::<IgnoredAny>()?),
                }
            };
        }
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            // The second name is that of dump1090-mutability and of dump1090-fa before version 3.
            read!(map, key.as_ref(), {
                "hex" => "icao24" row.hex,
                "type" => "position_source" row.kind,
                "flight" => "callsign" row.flight,
                "alt_baro" | "altitude" => "baro_altitude" row.alt_baro,
                "alt_geom" => "geo_altitude" row.alt_geom,
                "gs" | "speed" => "velocity" row.gs,
                "track" => "true_track" row.track,
                "baro_rate" | "vert_rate" => "vertical_rate" row.baro_rate,
                "geom_rate" => "vertical_rate" row.geom_rate,
                "squawk" => "squawk" row.squawk,
                "category" => "category" row.category,
                "seen" => "last_contact" row.seen,
                "lat" => "lat" row.position.lat,
                "lon" => "lon" row.position.lon,
                "seen_pos" => "time_position" row.position.seen_pos,
            });
        }
        Ok(row)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(&mut RowReader { field: "row" })
    }
}

/// Whether a list of members includes the position.
fn lists_position(members: &RawValue) -> bool {
    members.get().contains("\"lat\"")
}

impl<'de> Deserialize<'de> for BarometricAltitude {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AltitudeVisitor;

        impl Visitor<'_> for AltitudeVisitor {
            type Value = BarometricAltitude;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("feet or \"ground\"")
            }

            fn visit_i64<E>(self, feet: i64) -> Result<Self::Value, E> {
                Ok(BarometricAltitude::Feet(feet as f64))
            }

            fn visit_u64<E>(self, feet: u64) -> Result<Self::Value, E> {
                Ok(BarometricAltitude::Feet(feet as f64))
            }

            fn visit_f64<E>(self, feet: f64) -> Result<Self::Value, E> {
                Ok(BarometricAltitude::Feet(feet))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text {
                    "ground" => Ok(BarometricAltitude::Ground),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
        }

        deserializer.deserialize_any(AltitudeVisitor)
    }
}

/// A boolean, or 0 or 1.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0, 1 or a boolean")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(flag))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Flag, E> {
                match number {
                    0 | 1 => Ok(Flag(number == 1)),
                    other => Err(E::invalid_value(serde::de::Unexpected::Unsigned(other), &self)),
                }
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}
