use std::time::{Duration, Instant};

use crate::domain::UnixTime;

/// The number of seconds in an hour.
pub const HOUR: i64 = 60 * 60;

/// Returns the start of the UTC hour that contains `time`.
pub fn hour_of(time: UnixTime) -> UnixTime {
    UnixTime(time.0 - time.0.rem_euclid(HOUR))
}

/// How far the cursor stays behind the newest row. The source repeats an aircraft for up to 315 s after its last
/// message, so rows may be that late. The summaries of rows that are even later must be rebuilt, which costs more.
const SETTLING: Duration = Duration::from_secs(6 * 60);
/// The longest window, and the interval at which the current hour is counted.
const MAX_SPAN: i64 = 10 * 60;
const MIN_SPAN: i64 = 1;

/// Decides how far the summaries may advance, and how large the next window of rows is.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    newest: Option<UnixTime>,
    /// The time at which a batch was last stored.
    stored: Instant,
    /// The length of the next window in seconds.
    span: i64,
}

/// A range of rows, from `from` (inclusive) to `to` (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: UnixTime,
    pub(super) to: UnixTime,
    /// The hour to count after the window.
    pub(super) hour: Option<UnixTime>,
}

impl Cursor {
    pub(super) fn new(now: Instant) -> Self {
        Self { newest: None, stored: now, span: MAX_SPAN }
    }

    /// Records the newest row of a stored batch.
    pub(super) fn stored(&mut self, newest: UnixTime, now: Instant) {
        self.newest = self.newest.max(Some(newest));
        self.stored = now;
    }

    /// Returns the time before which all rows have presumably arrived. It follows the newest row while a backlog is
    /// being stored, and the clock while nothing arrives.
    pub(super) fn settled(&self, clock: UnixTime, now: Instant) -> Option<UnixTime> {
        let newest = if now.duration_since(self.stored) < SETTLING { self.newest?.min(clock) } else { clock };
        Some(newest.minus(SETTLING))
    }

    /// Returns the window that follows `through`; `None` if everything before `settled` is done.
    pub(super) fn next_window(&self, through: UnixTime, settled: UnixTime, clock: UnixTime) -> Option<Window> {
        if through >= settled {
            return None;
        }
        let border = through.0 - through.0.rem_euclid(MAX_SPAN) + MAX_SPAN;
        let to = UnixTime((through.0 + self.span).min(border).min(settled.0));
        let hour = hour_of(through);
        let over = hour.0 + HOUR;
        let completes_hour = to.0 == over;
        // A past hour is counted once, when it is complete.
        let in_current_hour = to.0 == border && clock.minus(SETTLING).0 < over;
        Some(Window { from: through, to, hour: (completes_hour || in_current_hour).then_some(hour) })
    }

    /// Adapts the length of the next window to the number of rows in this one. Returns `false` if the window has too
    /// many rows and must be shortened.
    pub(super) fn adapt(&mut self, window: Window, rows: usize, limit: usize) -> bool {
        if rows > limit && !window.is_shortest() {
            self.span = (window.span() / 2).max(MIN_SPAN);
            return false;
        }
        if rows < limit / 2 {
            self.span = (self.span * 2).min(MAX_SPAN);
        }
        true
    }
}

impl Window {
    /// Returns the number of rows to read in order to detect more than `limit` rows. A window of the shortest length is
    /// read completely.
    pub(super) fn read_limit(self, limit: usize) -> usize {
        if self.is_shortest() { usize::MAX } else { limit.saturating_add(1) }
    }

    fn is_shortest(self) -> bool {
        self.span() <= MIN_SPAN
    }

    fn span(self) -> i64 {
        self.to.seconds_since(self.from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_750_000_000 - 1_750_000_000 % 86_400 + 43_200;

    #[test]
    fn the_cursor_follows_the_newest_row_or_the_clock_if_nothing_arrives() {
        let start = Instant::now();
        let mut cursor = Cursor::new(start);
        let settled = |cursor: &Cursor, clock, seconds| {
            let settled = cursor.settled(UnixTime(clock), start + Duration::from_secs(seconds));
            settled.map(|settled| settled.0)
        };
        assert_eq!(settled(&cursor, NOON, 100), None);
        assert_eq!(settled(&cursor, NOON, 400), Some(NOON - 360));
        cursor.stored(UnixTime(NOON - 9000), start + Duration::from_secs(500));
        cursor.stored(UnixTime(NOON - 9100), start + Duration::from_secs(510));
        assert_eq!(settled(&cursor, NOON, 520), Some(NOON - 9360));
        assert_eq!(settled(&cursor, NOON, 869), Some(NOON - 9360));
        assert_eq!(settled(&cursor, NOON, 870), Some(NOON - 360));
        // A row from the future does not move the cursor ahead of the clock.
        cursor.stored(UnixTime(i64::MAX), start + Duration::from_secs(900));
        assert_eq!(settled(&cursor, NOON, 901), Some(NOON - 360));
    }

    #[test]
    fn the_current_hour_is_counted_every_ten_minutes_and_a_past_one_at_its_end() {
        let cursor = Cursor::new(Instant::now());
        let windows = |clock: i64| {
            let mut through = UnixTime(NOON + 60);
            let mut windows = Vec::new();
            while let Some(window) = cursor.next_window(through, UnixTime(NOON + HOUR + 900), UnixTime(clock)) {
                assert_eq!(window.from, through);
                through = window.to;
                windows.push((window.to.0 - NOON, window.hour.map(|hour| hour.0 - NOON)));
            }
            windows
        };
        let past = [(600, None), (1200, None), (1800, None), (2400, None), (3000, None), (3600, Some(0))];
        assert_eq!(windows(NOON + 10 * HOUR), [&past[..], &[(4200, None), (4500, None)]].concat());
        let current = windows(NOON + HOUR + 300);
        assert_eq!(current[..2], [(600, Some(0)), (1200, Some(0))]);
        assert_eq!(current[5..], [(3600, Some(0)), (4200, Some(HOUR)), (4500, None)]);
    }

    proptest! {
        #[test]
        fn windows_leave_no_gap_and_reach_the_end(
            start in -100_000i64..100_000, length in 0i64..20_000,
            rows_per_second in 0usize..500, limit in 1usize..20_000,
        ) {
            let mut cursor = Cursor::new(Instant::now());
            let (mut through, settled) = (UnixTime(start), UnixTime(start + length));
            let mut tries = 0;
            while let Some(window) = cursor.next_window(through, settled, settled) {
                tries += 1;
                prop_assert!(tries < 50_000);
                prop_assert_eq!(window.from, through);
                prop_assert!(window.to > window.from && window.to <= settled);
                prop_assert_eq!(hour_of(window.from), hour_of(UnixTime(window.to.0 - 1)));
                let rows = rows_per_second * window.to.seconds_since(window.from) as usize;
                if cursor.adapt(window, rows, limit) {
                    prop_assert!(rows <= limit || window.to.0 == window.from.0 + 1);
                    through = window.to;
                }
            }
            prop_assert_eq!(through, settled.max(UnixTime(start)));
        }
    }
}
