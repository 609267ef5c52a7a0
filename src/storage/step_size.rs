use std::cell::Cell;

/// How many rows one step of maintenance takes on: fewer after a failure, which may have been for lack of time, and
/// twice as many after each success, up to a limit.
#[derive(Debug)]
pub(super) struct StepSize {
    rows: Cell<u32>,
    most: u32,
}

impl StepSize {
    pub(super) fn new(most: u32) -> Self {
        let most = most.max(1);
        Self { rows: Cell::new(most), most }
    }

    pub(super) fn rows(&self) -> u32 {
        self.rows.get()
    }

    pub(super) fn learn(&self, succeeded: bool) {
        let rows = self.rows.get();
        let next = if succeeded { rows.saturating_mul(2) } else { rows / 4 };
        self.rows.set(next.clamp(1, self.most));
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
            step.learn(succeeded);
        }
        assert_eq!(rows, [100, 100, 25, 6, 1, 1, 1, 2, 4, 8, 16, 32, 64, 100]);
    }
}
