//! Divides the time that a reading or a conversion covers.

use std::ops::Range;

use actors::domain::UnixTime;

/// Splits a time span into slices of about [`TARGET_ROWS`](Self::TARGET_ROWS) rows each.
#[derive(Debug)]
pub(super) struct Slices {
    /// The start of the next slice, in Unix seconds.
    next: i64,
    /// The end of the last slice, exclusive, in Unix seconds.
    end: i64,
    /// The length of the next slice in seconds.
    length: i64,
}

impl Slices {
    /// The target number of rows per slice: few enough to sort in `work_mem` and to send within a moment.
    pub(super) const TARGET_ROWS: u64 = 20_000;
    /// The length of the first slice in seconds; short, so that the first row arrives immediately.
    const INITIAL_LENGTH: i64 = 60;
    /// The maximum length of a slice in seconds. A longer slice could run into a busy period and become too large.
    const MAX_LENGTH: i64 = 3600;

    /// Covers `from` to `to`, both inclusive, clamped to the times a state vector can have: the years 0001 to 9999.
    pub(super) fn new(from: UnixTime, to: UnixTime) -> Self {
        let calendar = |time: UnixTime| time.0.clamp(-62_135_596_800, 253_402_300_799);
        Self { next: calendar(from), end: calendar(to) + 1, length: Self::INITIAL_LENGTH }
    }

    /// Returns the next slice, or `None` at the end.
    pub(super) fn next(&mut self) -> Option<Range<i64>> {
        let begin = self.next;
        self.next = begin.saturating_add(self.length).min(self.end);
        (begin < self.next).then_some(begin..self.next)
    }

    /// Adapts the length of the next slice to the number of rows in the last one.
    pub(super) fn adapt(&mut self, rows: u64) {
        let max_length = self.length.saturating_mul(4).min(Self::MAX_LENGTH);
        let fitting = i64::try_from(
            u128::from(Self::TARGET_ROWS) * u128::from(self.length.unsigned_abs()) / u128::from(rows.max(1)),
        );
        self.length = fitting.unwrap_or(i64::MAX).clamp(1, max_length);
    }

    /// Returns whether slices have reached the maximum length, so that searching for the next row after an empty slice
    /// pays off.
    pub(super) fn is_at_max_length(&self) -> bool {
        self.length == Self::MAX_LENGTH
    }

    /// Returns the span that is not covered by slices yet.
    pub(super) fn rest(&self) -> Range<i64> {
        self.next..self.end
    }

    /// Continues at this time, which must be within [`rest`](Self::rest).
    pub(super) fn skip_to(&mut self, time: i64) {
        self.next = time.clamp(self.next, self.end);
    }
}

/// Returns a time in `rest` that has no rows before it and the first row less than one slice length after it, or `None`
/// if `rest` has no rows. The number of calls to `exists` grows with the logarithm of the length of the gap.
pub(super) async fn find_end_of_gap<E>(
    rest: Range<i64>,
    exists: impl AsyncFn(Range<i64>) -> Result<bool, E>,
) -> Result<Option<i64>, E> {
    let (mut empty_before, mut step) = (rest.start, Slices::MAX_LENGTH);
    let mut found = loop {
        if empty_before >= rest.end {
            return Ok(None);
        }
        let end = empty_before.saturating_add(step).min(rest.end);
        if exists(empty_before..end).await? {
            break end;
        }
        (empty_before, step) = (end, step.saturating_mul(2));
    };
    while found.saturating_sub(empty_before) > Slices::MAX_LENGTH {
        let middle = empty_before.midpoint(found);
        if exists(empty_before..middle).await? {
            found = middle;
        } else {
            empty_before = middle;
        }
    }
    Ok(Some(empty_before))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_slice_length_adapts_to_the_number_of_rows() {
        let mut slices = Slices::new(UnixTime(0), UnixTime(999_999));
        assert_eq!(slices.next(), Some(0..60));
        slices.adapt(0);
        assert_eq!(slices.next(), Some(60..300));
        slices.adapt(120 * 240);
        assert_eq!(slices.next(), Some(300..466));
        slices.adapt(u64::MAX);
        assert_eq!(slices.next(), Some(466..467));
        for _ in 0..9 {
            slices.adapt(1);
            slices.next();
        }
        assert!(slices.is_at_max_length());
    }

    proptest! {
        #[test]
        fn slices_cover_a_span_without_gaps_or_overlaps(
            from in -100_000i64..100_000,
            length in -2i64..100_000,
            rows in proptest::collection::vec(0u64..100_000, 1..10),
        ) {
            let mut slices = Slices::new(UnixTime(from), UnixTime(from + length));
            let (mut reached, mut rows) = (from, rows.into_iter().cycle());
            while let Some(slice) = slices.next() {
                prop_assert_eq!(slice.start, reached);
                prop_assert!(slice.end > slice.start && slice.end - slice.start <= Slices::MAX_LENGTH);
                reached = slice.end;
                slices.adapt(rows.next().unwrap());
            }
            prop_assert_eq!(reached, (from + length + 1).max(from));
        }

        #[test]
        fn the_end_of_a_gap_is_found_in_few_steps(
            rest in 0i64..5_000_000_000,
            first in proptest::option::of(0i64..5_000_000_000),
        ) {
            let calls = Cell::new(0);
            let exists = async |span: Range<i64>| {
                calls.set(calls.get() + 1);
                Ok::<_, Infallible>(first.is_some_and(|first| span.contains(&first)))
            };
            let found = find_end_of_gap(0..rest, exists).now_or_never().unwrap().unwrap();
            match first.filter(|first| *first < rest) {
                None => prop_assert_eq!(found, None),
                Some(first) => {
                    let found = found.unwrap();
                    prop_assert!(found <= first && first - found < Slices::MAX_LENGTH, "{} before {}", found, first);
                }
            }
            prop_assert!(calls.get() <= 64, "{} calls", calls.get());
        }
    }
}
