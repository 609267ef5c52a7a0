//! Aircraft types and their performance.

use rand::Rng;

use super::flight::Performance;

/// A type of aircraft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Heavy,
    Narrow,
    Regional,
    Business,
    Light,
    Glider,
}

/// Metres in 1,000 ft, that is ten flight levels.
const THOUSAND_FEET: f64 = 304.8;

impl Kind {
    /// Draws a type that flies routes of `length` metres.
    pub(super) fn for_distance(length: f64, random: &mut impl Rng) -> Self {
        let dice: f64 = random.random();
        match length / 1000.0 {
            km if km < 700.0 && dice < 0.3 => Self::Regional,
            km if km < 3_000.0 && dice > 0.94 => Self::Business,
            km if km < 3_000.0 => Self::Narrow,
            km if km < 5_500.0 && dice < 0.6 => Self::Narrow,
            _ => Self::Heavy,
        }
    }

    /// Draws the performance of one aircraft of this type.
    pub(super) fn performance(self, random: &mut impl Rng) -> Performance {
        let mut within = |low: f64, high: f64| random.random_range(low..=high);
        let (cruise_speed, levels, rotation_speed, climb_rate, descent_rate, taxi_time) = match self {
            Self::Heavy => (within(236.0, 254.0), within(33.0, 41.0), 82.0, 7.5, 7.0, within(90.0, 200.0)),
            Self::Narrow => (within(215.0, 240.0), within(31.0, 39.0), 74.0, 8.5, 7.3, within(60.0, 150.0)),
            Self::Regional => (within(128.0, 150.0), within(17.0, 25.0), 58.0, 6.0, 6.0, within(50.0, 120.0)),
            Self::Business => (within(218.0, 246.0), within(38.0, 43.0), 66.0, 9.0, 7.5, within(50.0, 120.0)),
            Self::Light => (within(46.0, 75.0), within(2.0, 9.0), 31.0, 2.5, 2.5, within(50.0, 100.0)),
            Self::Glider => (within(24.0, 38.0), within(2.0, 6.0), 21.0, 1.5, 1.2, 60.0),
        };
        let cruise_altitude = levels.round() * THOUSAND_FEET;
        Performance { cruise_speed, cruise_altitude, rotation_speed, climb_rate, descent_rate, taxi_time }
    }

    /// Draws OpenSky's code of the emitter category; many transponders report none.
    pub(super) fn category(self, random: &mut impl Rng) -> u8 {
        let dice: f64 = random.random();
        match self {
            _ if dice < 0.25 => 0,
            _ if dice < 0.45 => 1,
            Self::Heavy => 6,
            Self::Narrow if dice > 0.95 => 5,
            Self::Narrow => 4,
            Self::Regional | Self::Business => 3,
            Self::Light if dice > 0.9 => 8,
            Self::Light => 2,
            Self::Glider => 9,
        }
    }
}
