use std::time::{Duration, Instant};

use crate::domain::UnixTime;

/// The seconds of an hour.
pub const HOUR: i64 = 60 * 60;

/// The beginning of the hour of a moment, UTC.
pub fn hour_of(time: UnixTime) -> UnixTime {
    UnixTime(time.0 - time.0.rem_euclid(HOUR))
}

/// The source goes on telling of an aircraft for up to 315 s after its last message, so rows come up to so much behind
/// the newest one. Later ones cost more: they are noted, and what they touch is made anew.
const SETTLING: Duration = Duration::from_secs(6 * 60);
/// An hour that is not over is counted so often.
const TENTH_MINUTE: i64 = 10 * 60;
const SHORTEST_SPAN: i64 = 1;

/// How far what is made of the rows may follow them, and in pieces of what size.
#[derive(Clone, Debug)]
pub struct Following {
    newest: Option<UnixTime>,
    /// When anything was stored for the last time.
    stored: Instant,
    /// Seconds.
    span: i64,
}

/// The rows from one moment to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first moment of it.
    pub from: UnixTime,
    /// The first moment after it.
    pub to: UnixTime,
    /// The hour to be counted once the piece is done.
    pub hour: Option<UnixTime>,
}

impl Following {
    /// Begins to follow.
    pub fn since(now: Instant) -> Self {
        Self { newest: None, stored: now, span: TENTH_MINUTE }
    }

    /// Takes note of the newest row of a batch that was stored.
    pub fn stored(&mut self, newest: UnixTime, now: Instant) {
        self.newest = self.newest.max(Some(newest));
        self.stored = now;
    }

    /// Up to where the rows are complete, as far as can be told. While there is a backlog that is the newest row of it;
    /// when nothing comes, it is the clock.
    pub fn settled(&self, clock: UnixTime, now: Instant) -> Option<UnixTime> {
        let newest = if now.duration_since(self.stored) < SETTLING { self.newest?.min(clock) } else { clock };
        Some(newest.minus(SETTLING))
    }

    /// The next piece, if there is one.
    pub fn next(&self, through: UnixTime, settled: UnixTime, clock: UnixTime) -> Option<Piece> {
        if through >= settled {
            return None;
        }
        let border = through.0 - through.0.rem_euclid(TENTH_MINUTE) + TENTH_MINUTE;
        let to = UnixTime((through.0 + self.span).min(border).min(settled.0));
        let hour = hour_of(through);
        let over = hour.0 + HOUR;
        let at_its_end = to.0 == over;
        // An hour of long ago is counted once, when it is complete.
        let meanwhile = to.0 == border && clock.minus(SETTLING).0 < over;
        Some(Piece { from: through, to, hour: (at_its_end || meanwhile).then_some(hour) })
    }

    /// How many rows of a piece are to be read to learn from it: where it cannot be cut any more, all of them.
    pub fn most(piece: Piece, limit: usize) -> usize {
        if piece.to.seconds_since(piece.from) > SHORTEST_SPAN { limit.saturating_add(1) } else { usize::MAX }
    }

    /// Learns from a piece that had so many rows how large the next one may be. `false`: it is too large, and is to be
    /// cut again.
    pub fn learn(&mut self, piece: Piece, rows: usize, limit: usize) -> bool {
        let span = piece.to.seconds_since(piece.from);
        if rows > limit && span > SHORTEST_SPAN {
            self.span = (span / 2).max(SHORTEST_SPAN);
            return false;
        }
        if rows < limit / 2 {
            self.span = (self.span * 2).min(TENTH_MINUTE);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_750_000_000 - 1_750_000_000 % 86_400 + 43_200;

    #[test]
    fn it_keeps_behind_the_newest_row_and_behind_the_clock_when_nothing_comes() {
        let start = Instant::now();
        let mut following = Following::since(start);
        let settled = |following: &Following, clock, seconds| {
            let settled = following.settled(UnixTime(clock), start + Duration::from_secs(seconds));
            settled.map(|settled| settled.0)
        };
        assert_eq!(settled(&following, NOON, 100), None);
        assert_eq!(settled(&following, NOON, 400), Some(NOON - 360));
        following.stored(UnixTime(NOON - 9000), start + Duration::from_secs(500));
        following.stored(UnixTime(NOON - 9100), start + Duration::from_secs(510));
        assert_eq!(settled(&following, NOON, 520), Some(NOON - 9360));
        assert_eq!(settled(&following, NOON, 869), Some(NOON - 9360));
        assert_eq!(settled(&following, NOON, 870), Some(NOON - 360));
        // A row of the future is no reason to run ahead of the clock.
        following.stored(UnixTime(i64::MAX), start + Duration::from_secs(900));
        assert_eq!(settled(&following, NOON, 901), Some(NOON - 360));
    }

    #[test]
    fn the_present_hour_is_counted_every_ten_minutes_and_an_older_one_at_its_end() {
        let following = Following::since(Instant::now());
        let pieces = |clock: i64| {
            let mut through = UnixTime(NOON + 60);
            let mut pieces = Vec::new();
            while let Some(piece) = following.next(through, UnixTime(NOON + HOUR + 900), UnixTime(clock)) {
                assert_eq!(piece.from, through);
                through = piece.to;
                pieces.push((piece.to.0 - NOON, piece.hour.map(|hour| hour.0 - NOON)));
            }
            pieces
        };
        let of_old = [(600, None), (1200, None), (1800, None), (2400, None), (3000, None), (3600, Some(0))];
        assert_eq!(pieces(NOON + 10 * HOUR), [&of_old[..], &[(4200, None), (4500, None)]].concat());
        let present = pieces(NOON + HOUR + 300);
        assert_eq!(present[..2], [(600, Some(0)), (1200, Some(0))]);
        assert_eq!(present[5..], [(3600, Some(0)), (4200, Some(HOUR)), (4500, None)]);
    }

    proptest! {
        #[test]
        fn the_pieces_are_without_a_gap_and_end_at_the_end(
            start in -100_000i64..100_000, length in 0i64..20_000, rows_a_second in 0usize..500, limit in 1usize..20_000,
        ) {
            let mut following = Following::since(Instant::now());
            let (mut through, settled) = (UnixTime(start), UnixTime(start + length));
            let mut tries = 0;
            while let Some(piece) = following.next(through, settled, settled) {
                tries += 1;
                prop_assert!(tries < 50_000);
                prop_assert_eq!(piece.from, through);
                prop_assert!(piece.to > piece.from && piece.to <= settled);
                prop_assert_eq!(hour_of(piece.from), hour_of(UnixTime(piece.to.0 - 1)));
                let rows = rows_a_second * piece.to.seconds_since(piece.from) as usize;
                if following.learn(piece, rows, limit) {
                    prop_assert!(rows <= limit || piece.to.0 == piece.from.0 + 1);
                    through = piece.to;
                }
            }
            prop_assert_eq!(through, settled.max(UnixTime(start)));
        }
    }
}
