use crate::domain::Icao24;

/// A longer step forward has to be confirmed by another aircraft.
const MAX_STEP: i64 = 15 * 60;

/// The newest `last_contact` of all aircraft. One aircraft with a wrong clock does not move it far.
#[derive(Clone, Debug, Default)]
pub(super) struct Watermark {
    now: Option<i64>,
    ahead: Option<(Icao24, i64)>,
}

impl Watermark {
    /// Takes a state into account. Returns the watermark if it moved.
    pub(super) fn advance(&mut self, icao24: Icao24, at: i64) -> Option<i64> {
        if self.now.is_some_and(|now| at <= now) {
            return None;
        }
        if self.now.is_some_and(|now| at - now <= MAX_STEP) {
            self.now = Some(at);
            return self.now;
        }
        match self.ahead {
            Some((other, time)) if (at - time).abs() <= MAX_STEP => {
                if other == icao24 {
                    self.ahead = Some((icao24, at.max(time)));
                    return None;
                }
                self.ahead = None;
                // The later one, as if the earlier one had confirmed it: a process that starts in the middle of the log
                // then has the same watermark as the one that has read all of it.
                self.now = Some(at.max(time));
                self.now
            }
            _ => {
                self.ahead = Some((icao24, at));
                None
            }
        }
    }

    pub(super) fn now(&self) -> Option<i64> {
        self.now
    }
}
