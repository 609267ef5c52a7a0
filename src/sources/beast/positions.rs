use std::time::Duration;

use actors::domain::Point;
use actors::domain::units::NAUTICAL_MILE;

use super::cpr::EncodedPosition;
use crate::sources::receiver::{Arrival, PlausibleTrack};

/// Decodes the positions of one aircraft.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// The last airborne position of each kind.
    even: Option<(EncodedPosition, Arrival)>,
    odd: Option<(EncodedPosition, Arrival)>,
    /// Whether those two are results of multilateration, which must not be paired with those of the aircraft.
    are_multilaterated: bool,
    track: PlausibleTrack,
    /// When the aircraft last sent its position itself.
    sent: Option<Arrival>,
}

impl Positions {
    /// An even and an odd position form a pair within this time (ICAO Doc 9871, C.2.6.7).
    const MAX_PAIR_AGE: Duration = Duration::from_secs(10);

    /// Positions from multilateration are ignored for this long after the aircraft sent its position, which is exact.
    const PREFER_SENT: Duration = Duration::from_secs(10);

    /// A surface position is unambiguous within 45 NM of the reference.
    const SURFACE_RANGE: f64 = 45.0 * NAUTICAL_MILE;

    /// Decodes the next position. `receiver` is the receiver's own position, if known. Returns `None` if the position is
    /// ambiguous, or not plausible after the last one.
    pub(super) fn decode(
        &mut self,
        position: EncodedPosition,
        is_multilaterated: bool,
        receiver: Option<Point>,
        now: Arrival,
    ) -> Option<Point> {
        if is_multilaterated && self.sent.is_some_and(|sent| now.since(sent) <= Self::PREFER_SENT) {
            return None;
        }
        if is_multilaterated != self.are_multilaterated {
            self.forget_pair();
            self.are_multilaterated = is_multilaterated;
        }
        let point =
            if position.is_surface { self.surface(position, receiver, now) } else { self.airborne(position, now) }?;
        if !self.track.accept(point, now) {
            self.forget_pair();
            return None;
        }
        if !is_multilaterated {
            self.sent = Some(now);
        }
        Some(point)
    }

    fn airborne(&mut self, position: EncodedPosition, now: Arrival) -> Option<Point> {
        let (own, other) = match position.is_odd {
            true => (&mut self.odd, self.even),
            false => (&mut self.even, self.odd),
        };
        *own = Some((position, now));
        let pair = other.filter(|(_, at)| now.since(*at) <= Self::MAX_PAIR_AGE);
        pair.and_then(|(other, _)| position.with(other))
            .or_else(|| self.track.last(now).and_then(|last| position.near(last)))
    }

    fn surface(&mut self, position: EncodedPosition, receiver: Option<Point>, now: Arrival) -> Option<Point> {
        self.forget_pair();
        let reference = self.track.last(now).or(receiver)?;
        position.near(reference).filter(|point| reference.distance_to(*point) <= Self::SURFACE_RANGE)
    }

    fn forget_pair(&mut self) {
        (self.even, self.odd) = (None, None);
    }
}
