use std::time::{Duration, Instant};

/// Timeout for anything whose duration the test does not check.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Polls `ask` until it returns a value, and returns that value. For state that offers no notification of changes.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        let_pass(Duration::from_millis(50));
    }
}

/// Sleeps. Only for tests in which elapsed time matters, such as the length of an outage.
#[expect(clippy::disallowed_methods, reason = "a test's thread is nobody's arbiter")]
pub(crate) fn let_pass(time: Duration) {
    std::thread::sleep(time);
}
