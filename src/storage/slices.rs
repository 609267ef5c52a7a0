//! Divides the time that a reading or a conversion covers.

use std::ops::Range;
use std::time::Duration;

use actors::domain::UnixTime;

/// Splits a time span into slices of a limited number of rows each.
#[derive(Debug)]
pub(super) struct Slices {
    /// The start of the next slice, in Unix seconds.
    next: i64,
    /// The end of the last slice, exclusive, in Unix seconds.
    end: i64,
    /// The length of the next slice in seconds.
    length: i64,
    extent: Extent,
}

/// What limits a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// An index finds the rows of a slice.
    Indexed,
    /// The rows are in a compressed chunk, which is ordered by aircraft: the database decompresses the whole chunk for
    /// each slice of it.
    Compressed,
}

impl Extent {
    /// The target number of rows. Of a table: few enough to sort in `work_mem`, and enough to make up for the scan of
    /// the BRIN index, which takes some milliseconds with 100 million rows. Of a compressed chunk: few enough to sort
    /// on disk within seconds, and enough to decompress a chunk of millions of rows only a few times.
    fn rows(self) -> u64 {
        match self {
            Self::Indexed => 100_000,
            Self::Compressed => 2_000_000,
        }
    }

    /// The maximum growth from one slice to the next.
    fn growth(self) -> i64 {
        match self {
            Self::Indexed => 4,
            Self::Compressed => 16,
        }
    }
}

impl Slices {
    /// The length of the first slice in seconds; short, so that the first row arrives immediately.
    const INITIAL_LENGTH: i64 = 60;
    /// The maximum length of a slice in seconds, unless the end of a compressed chunk limits it. A longer slice could
    /// run into a busy period and become too large.
    const MAX_LENGTH: i64 = 3600;
    /// The time that a reader should take for the rows of a slice at most: a slow one gets fewer rows at a time.
    const MAX_TIME: Duration = Duration::from_secs(15);

    /// Covers `from` to `to`, both inclusive, clamped to the times a state vector can have: the years 0001 to 9999.
    pub(super) fn new(from: UnixTime, to: UnixTime) -> Self {
        let calendar = |time: UnixTime| time.0.clamp(-62_135_596_800, 253_402_300_799);
        Self { next: calendar(from), end: calendar(to) + 1, length: Self::INITIAL_LENGTH, extent: Extent::Indexed }
    }

    /// Returns the next slice, or `None` at the end.
    pub(super) fn next(&mut self) -> Option<Range<i64>> {
        self.enter(Extent::Indexed);
        self.take(self.length.min(Self::MAX_LENGTH))
    }

    /// Returns the next slice, which starts in a compressed chunk that ends at `chunk_end`, and does not cross that end.
    pub(super) fn next_compressed(&mut self, chunk_end: i64) -> Option<Range<i64>> {
        self.enter(Extent::Compressed);
        self.take(self.length.min(chunk_end.saturating_sub(self.next)))
    }

    fn enter(&mut self, extent: Extent) {
        if extent != self.extent {
            let scaled = i128::from(self.length) * i128::from(extent.rows()) / i128::from(self.extent.rows());
            // Growth is for `adapt` to decide.
            self.length = i64::try_from(scaled).unwrap_or(i64::MAX).clamp(1, self.length);
            self.extent = extent;
        }
    }

    fn take(&mut self, length: i64) -> Option<Range<i64>> {
        let begin = self.next;
        self.next = begin.saturating_add(length).min(self.end);
        (begin < self.next).then_some(begin..self.next)
    }

    /// Adapts the length of the next slice to the rows of the last one and to the time that its reader took for them.
    pub(super) fn adapt(&mut self, slice: &Range<i64>, rows: u64, took: Duration) {
        let length = u128::from((slice.end - slice.start).unsigned_abs());
        let by_rows = u128::from(self.extent.rows()) * length / u128::from(rows.max(1));
        let by_time = Self::MAX_TIME.as_millis() * length / took.as_millis().max(1);
        let max_length = self.length.saturating_mul(self.extent.growth());
        let max_length = if self.extent == Extent::Indexed { max_length.min(Self::MAX_LENGTH) } else { max_length };
        self.length = i64::try_from(by_rows.min(by_time)).unwrap_or(i64::MAX).clamp(1, max_length);
    }

    /// Returns whether slices have reached the maximum length, so that searching for the next row after an empty slice
    /// pays off.
    pub(super) fn is_at_max_length(&self) -> bool {
        self.length >= Self::MAX_LENGTH
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
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn next_slice(slices: &mut Slices, chunk_end: Option<i64>) -> Option<Range<i64>> {
        match chunk_end {
            Some(end) => slices.next_compressed(end),
            None => slices.next(),
        }
    }

    const FAST: Duration = Duration::from_millis(1);

    #[test]
    fn the_slice_length_adapts_to_the_number_of_rows() {
        let mut slices = Slices::new(UnixTime(0), UnixTime(999_999));
        let mut next = |rows| {
            let slice = slices.next().unwrap();
            slices.adapt(&slice, rows, FAST);
            slice
        };
        assert_eq!(next(0), 0..60);
        assert_eq!(next(600 * 240), 60..300);
        assert_eq!(next(u64::MAX), 300..466);
        assert_eq!(next(1), 466..467);
        for _ in 0..8 {
            next(1);
        }
        assert!(slices.is_at_max_length());
    }

    #[test]
    fn a_slow_reader_gets_shorter_slices() {
        let mut slices = Slices::new(UnixTime(0), UnixTime(999_999));
        let slice = slices.next().unwrap();
        slices.adapt(&slice, 1, 4 * Slices::MAX_TIME);
        assert_eq!(slices.next(), Some(60..75));
    }

    #[test]
    fn slices_of_a_compressed_chunk_grow_up_to_its_end() {
        let mut slices = Slices::new(UnixTime(0), UnixTime(99_999));
        let mut next = |chunk_end: Option<i64>, rows| {
            let slice = next_slice(&mut slices, chunk_end).unwrap();
            slices.adapt(&slice, rows, FAST);
            slice
        };
        assert_eq!(next(Some(10_000), 1), 0..60);
        assert_eq!(next(Some(10_000), 1), 60..1020);
        assert_eq!(next(Some(10_000), 1_796_000), 1020..10_000);
        assert_eq!(next(Some(20_000), 4_000_000), 10_000..20_000);
        assert_eq!(next(Some(99_000), 1), 20_000..25_000);
        assert_eq!(next(None, 1), 25_000..28_600);
    }

    proptest! {
        #[test]
        fn slices_cover_a_span_without_gaps_or_overlaps(
            from in -100_000i64..100_000,
            length in -2i64..100_000,
            each in vec((0u64..1_000_000, 0u64..100_000, proptest::option::of(1i64..100_000)), 1..10),
        ) {
            let mut slices = Slices::new(UnixTime(from), UnixTime(from + length));
            let (mut reached, mut each) = (from, each.into_iter().cycle());
            loop {
                let (rows, millis, chunk) = each.next().unwrap();
                let chunk_end = chunk.map(|length| reached + length);
                let slice = next_slice(&mut slices, chunk_end);
                let Some(slice) = slice else { break };
                prop_assert_eq!(slice.start, reached);
                let max_end = chunk_end.unwrap_or(slice.start + Slices::MAX_LENGTH);
                prop_assert!(slice.end > slice.start && slice.end <= max_end);
                reached = slice.end;
                slices.adapt(&slice, rows, Duration::from_millis(millis));
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
