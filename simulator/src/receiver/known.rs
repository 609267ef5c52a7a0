//! What a receiver knows about its aircraft at a moment.

use super::hearing::Hearing;
use super::schedule::{Kind, Schedule, has_adsb};
use crate::rows::Row;
use crate::world::{Signal, World};

// Seconds for which readsb lists an aircraft after its last position, and after its last message.
const KEPT_AFTER_POSITION: i64 = 60;
const KEPT_AFTER_MESSAGE: i64 = 30;
/// Slots to look back for the last message of a kind; an aircraft that stands skips nine positions of ten.
const SLOTS: usize = 10;
/// OpenSky's code for multilateration.
const MLAT: u8 = 2;

/// An aircraft as its receiver knows it.
#[derive(Debug)]
pub(crate) struct Heard<'a> {
    pub(crate) address: u32,
    /// A number that is random, but fixed for the aircraft.
    pub(crate) salt: u64,
    /// Unix milliseconds of the last message.
    pub(crate) last_message: i64,
    /// The state at the last message.
    pub(crate) now: Row<'a>,
    /// Unix milliseconds of the last position, and the state at that time.
    pub(crate) position: Option<(i64, Row<'a>)>,
    /// Whether the position was computed from arrival times at several receivers.
    pub(crate) is_mlat: bool,
    /// Whether the aircraft sends ADS-B messages.
    pub(crate) has_adsb: bool,
    pub(crate) velocity: Option<Row<'a>>,
    pub(crate) callsign: Option<&'a str>,
    /// OpenSky's code.
    pub(crate) category: Option<u8>,
    pub(crate) baro_altitude: Option<f64>,
    pub(crate) squawk: Option<u16>,
    /// Signal strength in dBFS.
    pub(crate) strength: f64,
}

/// The aircraft that a receiver knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) world: &'a World,
    pub(crate) hearing: Hearing,
    pub(crate) schedule: Schedule,
}

impl<'a> Known<'a> {
    /// Returns the aircraft known at a time in Unix milliseconds.
    pub(crate) fn all(self, now: i64) -> impl Iterator<Item = Heard<'a>> {
        (0..self.world.places()).filter_map(move |place| self.heard(place, now))
    }

    fn heard(self, place: usize, now: i64) -> Option<Heard<'a>> {
        let second = now.div_euclid(1_000);
        let last = self.hearing.last_heard(self.world, place, second, KEPT_AFTER_POSITION)?;
        let now = now.min(last * 1_000 + 999);
        let signal = self.world.signal(place, now).or_else(|| self.world.signal(place, last * 1_000))?;
        let latest = |kind| self.latest(&signal, kind, now);

        let position = latest(Kind::Position);
        let velocity = latest(Kind::Velocity);
        let identification = latest(Kind::Identification);
        let all_call = latest(Kind::AllCall);
        let newer = |a: Option<(i64, Row<'a>)>, b: Option<(i64, Row<'a>)>| match (a, b) {
            (Some(a), Some(b)) => Some(if a.0 >= b.0 { a } else { b }),
            (a, b) => a.or(b),
        };
        let altitude = newer(latest(Kind::Altitude), latest(Kind::AltitudeAndCallsign));
        let identity = newer(latest(Kind::Identity), latest(Kind::IdentityAndCallsign));
        let comm_b = newer(latest(Kind::AltitudeAndCallsign), latest(Kind::IdentityAndCallsign));

        let (last_message, state) = [&position, &velocity, &identification, &all_call, &altitude, &identity]
            .into_iter()
            .flatten()
            .max_by_key(|(millis, _)| *millis)?
            .clone();
        let has_adsb = has_adsb(&state);
        let is_mlat = state.position_source == MLAT && state.position.is_some();
        // Multilateration locates about one message in a second.
        let position = if is_mlat { all_call } else { position };
        let baro_altitude =
            newer(position.clone().filter(|_| has_adsb), altitude).and_then(|(_, row)| row.baro_altitude);
        let callsign =
            newer(identification.clone(), comm_b).map(|(_, row)| row.callsign).filter(|text| !text.is_empty());
        Some(Heard {
            address: signal.address(),
            salt: signal.salt(),
            last_message,
            strength: self.hearing.strength(signal.fix(last_message).position),
            has_adsb,
            is_mlat,
            velocity: if is_mlat { position.clone() } else { velocity }.map(|(_, row)| row),
            position,
            callsign,
            category: identification.map(|(_, row)| row.category),
            baro_altitude,
            squawk: identity.and_then(|(_, row)| row.squawk),
            now: state,
        })
    }

    /// Returns the last message of a kind that was received until `now`: its time in Unix milliseconds, and the
    /// aircraft's state at that time.
    fn latest(self, signal: &Signal<'a>, kind: Kind, now: i64) -> Option<(i64, Row<'a>)> {
        let oldest = now - 1_000 * KEPT_AFTER_POSITION;
        self.schedule
            .before(kind, signal.salt(), now)
            .take(SLOTS)
            .take_while(|&(_, millis)| millis > oldest)
            .filter(|&(_, millis)| self.hearing.hears(signal, millis.div_euclid(1_000)))
            .find_map(|(slot, millis)| signal.sent(kind, slot, millis).map(|row| (millis, row)))
    }
}

impl Heard<'_> {
    /// Returns whether readsb lists the aircraft at a time in Unix milliseconds.
    pub(crate) fn is_listed(&self, now: i64) -> bool {
        let age = now - self.last_message;
        age <= 1_000 * KEPT_AFTER_MESSAGE
            || self.position.as_ref().is_some_and(|(millis, _)| now - millis <= 1_000 * KEPT_AFTER_POSITION)
    }
}
