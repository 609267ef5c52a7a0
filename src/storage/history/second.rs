//! Orders the rows of each second by aircraft, so that the database sorts by time alone.
//!
//! Of a million rows, PostgreSQL spends half the time on comparing addresses of equal times, which takes it the columns
//! of two rows each time. A second has at most one row of each aircraft, so that memory is bounded.

use actors::domain::{Icao24, UnixTime};
use bytes::Bytes;

/// Gathers the rows of a second, and returns them in order once the second is complete.
#[derive(Debug, Default)]
pub(super) struct Second {
    time: Option<UnixTime>,
    gathered: Vec<(Icao24, Bytes)>,
    /// The rows of the last complete second, in reverse order.
    complete: Vec<(Icao24, Bytes)>,
}

impl Second {
    /// Returns whether more rows can be added before the complete ones are returned.
    pub(super) fn is_gathering(&self) -> bool {
        self.complete.is_empty()
    }

    /// Adds a row. It must not be earlier than those before it.
    pub(super) fn add(&mut self, time: UnixTime, icao24: Icao24, row: Bytes) {
        if self.time.is_some_and(|own| own != time) {
            self.complete();
        }
        self.time = Some(time);
        self.gathered.push((icao24, row));
    }

    /// Completes the second: no more rows of it will be added.
    pub(super) fn complete(&mut self) {
        std::mem::swap(&mut self.gathered, &mut self.complete);
        self.complete.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        self.time = None;
    }

    /// Returns the next row of the complete second.
    pub(super) fn next_complete(&mut self) -> Option<Bytes> {
        self.complete.pop().map(|(_, row)| row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_each_second_are_ordered_by_aircraft() {
        let mut second = Second::default();
        let mut returned = Vec::new();
        let rows = [(1, 3), (1, 1), (1, 2), (2, 9), (4, 8), (4, 7)];
        for (time, aircraft) in rows {
            let row = Bytes::from(format!("{time} {aircraft}"));
            second.add(UnixTime(time), Icao24::from_u32(aircraft), row);
            returned.extend(std::iter::from_fn(|| second.next_complete()));
        }
        assert!(second.is_gathering());
        second.complete();
        assert!(!second.is_gathering());
        returned.extend(std::iter::from_fn(|| second.next_complete()));
        assert_eq!(returned, ["1 1", "1 2", "1 3", "2 9", "4 7", "4 8"]);
    }
}
