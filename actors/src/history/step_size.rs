use std::cell::Cell;

/// The number of rows per maintenance step. It is quartered after a failure, which may have been a timeout, and doubled
/// after each success, up to a limit.
#[derive(Clone, Debug)]
pub struct StepSize {
    rows: Cell<u32>,
    max: u32,
}

impl StepSize {
    /// Starts at the limit.
    pub fn new(max: u32) -> Self {
        let max = max.max(1);
        Self { rows: Cell::new(max), max }
    }

    /// The number of rows of the next step.
    pub fn rows(&self) -> u32 {
        self.rows.get()
    }

    /// Adapts the size to the outcome of a step.
    pub fn adapt(&self, succeeded: bool) {
        let rows = self.rows.get();
        let next = if succeeded { rows.saturating_mul(2) } else { rows / 4 };
        self.rows.set(next.clamp(1, self.max));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_shrinks_after_failures_and_grows_back() {
        let step = StepSize::new(100);
        let mut rows = Vec::new();
        for succeeded in [true, false, false, false, false, false, true, true, true, true, true, true, true, true] {
            rows.push(step.rows());
            step.adapt(succeeded);
        }
        assert_eq!(rows, [100, 100, 25, 6, 1, 1, 1, 2, 4, 8, 16, 32, 64, 100]);
    }
}
