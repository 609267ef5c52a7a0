//! When aircraft send which message.

use crate::rows::Row;
use crate::world::{Signal, mix};

/// An aircraft that stands sends every tenth of the positions that a moving one sends.
const STANDING: i64 = 10;
/// Slower than this, in m/s, an aircraft stands.
const STANDING_SPEED: f64 = 0.5;

/// The kinds of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Extended squitter, airborne or surface position.
    Position,
    /// Extended squitter, airborne velocity.
    Velocity,
    /// Extended squitter, identification and category.
    Identification,
    /// All-call reply (DF 11).
    AllCall,
    /// Altitude reply (DF 4).
    Altitude,
    /// Identity reply, that is the squawk (DF 5).
    Identity,
    /// Altitude reply with the callsign (DF 20 with BDS 2,0).
    AltitudeAndCallsign,
    /// Identity reply with the callsign (DF 21 with BDS 2,0).
    IdentityAndCallsign,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Position,
        Self::Velocity,
        Self::Identification,
        Self::AllCall,
        Self::Altitude,
        Self::Identity,
        Self::AltitudeAndCallsign,
        Self::IdentityAndCallsign,
    ];

    /// Returns the mean time between two messages in milliseconds: squitters as in ICAO Annex 10, volume IV, 3.1.2.8.6;
    /// replies as to two radars.
    fn period(self) -> i64 {
        match self {
            Self::Position | Self::Velocity => 500,
            Self::AllCall => 1_000,
            Self::Altitude => 2_000,
            Self::Identity | Self::AltitudeAndCallsign => 4_000,
            Self::Identification => 5_000,
            Self::IdentityAndCallsign => 8_000,
        }
    }

    /// Returns whether an aircraft in this state sends this kind of message in a slot.
    pub(crate) fn is_sent(self, slot: i64, row: &Row<'_>) -> bool {
        match self {
            Self::Position => {
                has_adsb(row) && (!row.on_ground || row.velocity > STANDING_SPEED || slot % STANDING == 0)
            }
            Self::Velocity => has_adsb(row) && !row.on_ground,
            Self::Identification => has_adsb(row) && !row.callsign.is_empty(),
            Self::AllCall => true,
            Self::Altitude | Self::AltitudeAndCallsign => row.baro_altitude.is_some(),
            Self::Identity | Self::IdentityAndCallsign => row.squawk.is_some(),
        }
    }
}

/// Returns whether an aircraft sends its position itself; those that only multilateration locates do not.
pub(crate) fn has_adsb(row: &Row<'_>) -> bool {
    row.position.is_some() && row.position_source <= 1
}

/// Returns whether the position of a slot has the odd format. Neighbours differ, and so do every tenth.
pub(crate) fn is_odd(slot: i64) -> bool {
    (slot + slot.div_euclid(STANDING)) & 1 == 1
}

/// When messages are sent: in each slot of a kind's period one, at an aircraft's own time, which varies by a tenth of
/// the period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Fraction of the real rates.
    rate: f64,
}

impl Schedule {
    pub(crate) fn new(rate: f64) -> Self {
        Self { rate }
    }

    /// Returns the slots, and times in Unix milliseconds, of the messages sent from `from` to before `until`.
    pub(crate) fn within(self, kind: Kind, salt: u64, from: i64, until: i64) -> impl Iterator<Item = (i64, i64)> {
        let first = self.latest_slot(kind, salt, from - 1) + 1;
        (first..).map(move |slot| (slot, self.time(kind, salt, slot))).take_while(move |&(_, time)| time < until)
    }

    /// Returns the slots and times of the messages sent until `millis`, the latest first.
    pub(crate) fn before(self, kind: Kind, salt: u64, millis: i64) -> impl Iterator<Item = (i64, i64)> {
        let latest = self.latest_slot(kind, salt, millis);
        (0..).map(move |back| (latest - back, self.time(kind, salt, latest - back)))
    }

    /// Returns the mean number of messages of an aircraft with ADS-B per second.
    pub(crate) fn messages_per_second(self) -> f64 {
        Kind::ALL.iter().map(|&kind| 1_000.0 / self.period(kind) as f64).sum()
    }

    fn period(self, kind: Kind) -> i64 {
        (kind.period() as f64 / self.rate).round() as i64
    }

    fn time(self, kind: Kind, salt: u64, slot: i64) -> i64 {
        let period = self.period(kind);
        let salt = mix(salt, kind as u64);
        // The phase leaves a tenth at both ends of the slot, so that no message leaves its slot.
        let phase = period / 10 + fraction(salt, period - 2 * (period / 10));
        let jitter = fraction(mix(salt, slot.cast_unsigned()), period / 5) - period / 10;
        slot * period + phase + jitter
    }

    /// Returns the slot of the last message sent until `millis`.
    fn latest_slot(self, kind: Kind, salt: u64, millis: i64) -> i64 {
        let slot = millis.div_euclid(self.period(kind));
        if self.time(kind, salt, slot) <= millis { slot } else { slot - 1 }
    }
}

/// Returns a number from 0 to below `bound`.
fn fraction(dice: u64, bound: i64) -> i64 {
    ((dice >> 32).cast_signed() * bound) >> 32
}

impl<'a> Signal<'a> {
    /// Returns its state at a message's time, if the message is sent.
    pub(crate) fn sent(&self, kind: Kind, slot: i64, millis: i64) -> Option<Row<'a>> {
        if !self.is_on(millis) {
            return None;
        }
        let row = self.row(millis);
        kind.is_sent(slot, &row).then_some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_one_message() {
        for rate in [1.0, 0.1, 0.37] {
            let schedule = Schedule::new(rate);
            for kind in Kind::ALL {
                for salt in 0..20 {
                    let times: Vec<(i64, i64)> = schedule.within(kind, salt, 1_000_000, 1_200_000).collect();
                    let period = schedule.period(kind);
                    assert!((times.len() as i64 - 200_000 / period).abs() <= 1, "{kind:?}");
                    for pair in times.windows(2) {
                        let wait = pair[1].1 - pair[0].1;
                        assert_eq!(pair[1].0, pair[0].0 + 1);
                        assert!(wait * 10 >= period * 8 - 20 && wait * 10 <= period * 12 + 20, "{wait} of {period}");
                    }
                    let back: Vec<_> = schedule.before(kind, salt, 1_199_999).take(times.len()).collect();
                    assert!(times.iter().rev().eq(back.iter()));
                }
            }
        }
    }
}
