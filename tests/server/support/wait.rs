use std::time::{Duration, Instant};

/// How long anything may take that is not about time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Asks until there is an answer, and returns it. For what does not tell of its changes by itself.
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

/// Lets time pass: where it is the time that matters, such as how long a service is away.
#[expect(clippy::disallowed_methods, reason = "a test's thread is nobody's arbiter")]
pub(crate) fn let_pass(time: Duration) {
    std::thread::sleep(time);
}
