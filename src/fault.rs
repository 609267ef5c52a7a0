//! Points at which tests end the process, in builds with `fault-injection` only.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Ends this process as `kill -9` does, when the failpoint of this name is set to `return`.
pub(crate) fn point(name: &str) {
    fail::fail_point!(name, |_| kill_self());
    // Without the feature nothing asks for it.
    let _ = name;
}

/// Ends this process as `kill -9` does: no destructor runs and nothing is flushed.
#[cfg_attr(not(feature = "fault-injection"), expect(dead_code, reason = "only failpoints call it"))]
pub(crate) fn kill_self() -> ! {
    // A process may always signal itself, so there is no failure to report.
    let _ = kill(Pid::this(), Signal::SIGKILL);
    loop {
        std::thread::park();
    }
}
