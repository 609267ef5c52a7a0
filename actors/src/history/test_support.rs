//! Random sightings of one aircraft.

use std::time::Duration;

use proptest::prelude::*;

use crate::domain::{Icao24, Point, Sighting, UnixTime};

pub(super) const GAP: Duration = Duration::from_secs(30 * 60);

/// The seconds since the previous sighting, the number of the callsign and of the position, and whether it is on the
/// ground.
#[derive(Clone, Debug)]
pub(super) struct SightingParts(i64, u8, u8, bool);

impl SightingParts {
    /// Creates an airborne sighting.
    pub(super) fn airborne(pause: i64, callsign: u8) -> Self {
        Self(pause, callsign, 1, false)
    }
}

impl Arbitrary for SightingParts {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let pause = prop_oneof![8 => 1i64..600, 2 => 1795i64..1806, 1 => 2000i64..100_000];
        let callsign = prop_oneof![6 => Just(1u8), 3 => Just(0u8), 1 => Just(2u8)];
        let on_ground = prop_oneof![4 => Just(false), 1 => Just(true)];
        (pause, callsign, any::<u8>(), on_ground).prop_map(|(p, c, at, g)| Self(p, c, at, g)).boxed()
    }
}

pub(super) fn sightings(parts: &[SightingParts]) -> Vec<Sighting> {
    let mut now = 1_750_000_000;
    let of = |SightingParts(pause, callsign, position, on_ground): &SightingParts| {
        now += pause;
        Sighting {
            icao24: Icao24::from_u32(0x4b_1814),
            at: UnixTime(now),
            callsign: (*callsign > 0).then(|| format!("SWR{callsign}").into()),
            position: (position % 4 > 0).then(|| Point { lat: 47.0, lon: f64::from(*position) / 7.0 }),
            altitude: (position % 3 > 0).then(|| f64::from(*position) * 40.0),
            on_ground: *on_ground,
        }
    };
    parts.iter().map(of).collect()
}
