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
            Some((other, time)) if other != icao24 && (at - time).abs() <= MAX_STEP => {
                self.ahead = None;
                self.now = Some(at.min(time));
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
