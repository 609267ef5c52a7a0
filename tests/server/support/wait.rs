use std::time::{Duration, Instant};

/// Timeout for anything whose duration the test does not check.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Polls `ask` until it returns a value, and returns that value. For state that offers no notification of changes.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "timed out after {TEST_TIMEOUT:?}: {what}");
        sleep(Duration::from_millis(50));
    }
}

/// Sleeps. Only for tests in which elapsed time matters, such as the length of an outage.
#[expect(clippy::disallowed_methods, reason = "a test's thread runs no arbiter")]
pub(crate) fn sleep(time: Duration) {
    std::thread::sleep(time);
}
