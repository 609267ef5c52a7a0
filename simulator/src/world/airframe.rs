//! One aircraft: its identity, what its transponder reports, and when the receivers hear it.

use super::countries::Country;
use super::flight::Profile;
use super::great_circle::GreatCircle;
use super::hash;

/// Seconds after the last contact until a row disappears, as with OpenSky.
pub(super) const KEPT_AFTER_CONTACT: i64 = 300;

// Seconds; an aircraft falls silent, or loses its position, at most once in each interval of this length.
const SILENCE_STRETCH: i64 = 900;
const LOST_POSITION_STRETCH: i64 = 1800;

/// An aircraft that flies back and forth on one route.
#[derive(Debug)]
pub(super) struct Airframe {
    /// 24 bits, unique in the world.
    pub(super) address: u32,
    pub(super) country: &'static Country,
    /// Callsigns of the outbound and the return flight: eight characters, or blank.
    pub(super) callsigns: [Box<str>; 2],
    /// OpenSky's code: 0 ADS-B, 1 ASTERIX, 2 MLAT, 3 FLARM.
    pub(super) position_source: u8,
    pub(super) category: u8,
    pub(super) reports: Reports,
    /// Seconds between two contacts.
    pub(super) cadence: i64,
    /// Seed of this aircraft's random decisions.
    pub(super) salt: u64,
    pub(super) way: GreatCircle,
    /// Elevations of the start and the end of the route, in metres.
    pub(super) elevations: (f64, f64),
    pub(super) profile: Profile,
}

/// Which fields an aircraft reports at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reports {
    /// Whether there are receivers near its airports, so that it is also heard on the ground.
    pub(super) on_ground: bool,
    pub(super) position: bool,
    pub(super) barometric_altitude: bool,
    pub(super) geometric_altitude: bool,
    pub(super) vertical_rate: bool,
    pub(super) squawk: bool,
}

impl Airframe {
    /// Returns the part of a flight during which it can be heard, in seconds since the flight began.
    pub(super) fn heard(&self) -> (f64, f64) {
        if self.reports.on_ground { (0.0, self.profile.duration()) } else { self.profile.airborne() }
    }

    /// Returns when any message was last heard, as of `now`. Never decreases as `now` grows.
    pub(super) fn last_contact(&self, now: i64) -> i64 {
        let silence = Gap { stretch: SILENCE_STRETCH, chance: 0.1, earliest: 60, latest: 460, max_length: 400 };
        self.tick(silence.cut(now, hash::mix(self.salt, 1)))
    }

    /// Returns when its position was last heard, as of `contact`. Never decreases as `contact` grows.
    pub(super) fn last_position(&self, contact: i64) -> i64 {
        let lost = Gap { stretch: LOST_POSITION_STRETCH, chance: 0.03, earliest: 30, latest: 400, max_length: 1_300 };
        let heard = self.tick(lost.cut(contact, hash::mix(self.salt, 2)));
        // About every other message carries a position, so the last one sometimes has none.
        heard - i64::from(hash::chance(hash::mix(self.salt, heard.cast_unsigned())) < 0.25)
    }

    /// Returns the time of the latest contact its cadence allows.
    fn tick(&self, now: i64) -> i64 {
        let phase = (self.salt >> 40).cast_signed();
        now - (now + phase).rem_euclid(self.cadence)
    }
}

/// A pseudo-random gap, at most one in every interval of `stretch` seconds. Its start and length depend on the
/// interval's number.
struct Gap {
    stretch: i64,
    chance: f64,
    earliest: i64,
    latest: i64,
    max_length: i64,
}

impl Gap {
    /// Returns `now`, or the start of the gap that contains it.
    fn cut(&self, now: i64, salt: u64) -> i64 {
        let (number, into) = (now.div_euclid(self.stretch), now.rem_euclid(self.stretch));
        let dice = hash::mix(salt, number.cast_unsigned());
        if hash::chance(dice) >= self.chance {
            return now;
        }
        let within = |shift: u32, bound: i64| ((dice >> shift) & 0xffff).cast_signed() * bound / 0x1_0000;
        let from = self.earliest + within(0, self.latest - self.earliest);
        let until = from + 20 + within(16, self.max_length - 20);
        if (from..until).contains(&into) { number * self.stretch + from } else { now }
    }
}
