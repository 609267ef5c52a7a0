use std::time::Duration;

use rand::Rng;

/// Random pauses between attempts, with an upper bound that doubles ("full jitter"), so that clients of a failed
/// service do not all return at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: u32,
}

impl Backoff {
    /// Creates a backoff whose bound starts at `first` and doubles up to `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, attempts: 0 }
    }

    /// Creates a backoff for an unavailable broker or database: 100 ms to 3 s, so that it is used again soon after it
    /// returns.
    pub(crate) const fn for_service() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(3))
    }

    /// Creates a backoff for errors that need an operator: 1 s to 30 s.
    pub(crate) const fn for_operator() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(30))
    }

    /// Returns the pause before the next attempt, which is at least a tenth of the bound.
    pub fn pause(&mut self) -> Duration {
        let bound = (self.first * 2_u32.pow(self.attempts.min(16))).min(self.longest);
        self.attempts += 1;
        bound.mul_f64(rand::rng().random_range(0.1..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_between_a_tenth_and_all_of_a_doubling_bound() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(3));
        for bound in [100, 200, 400, 800, 1600, 3000, 3000, 3000] {
            let pause = backoff.pause();
            let bound = Duration::from_millis(bound);
            assert!(pause >= bound / 10 && pause <= bound, "{pause:?} of {bound:?}");
        }
    }
}
