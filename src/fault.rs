//! Failpoints that kill the process, only in builds with `fault-injection`.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Kills this process with SIGKILL if the failpoint of this name is set to `return`.
pub(crate) fn point(name: &str) {
    fail::fail_point!(name, |_| kill_self());
    // Unused without the feature.
    let _ = name;
}

/// Kills this process with SIGKILL, so that no destructor runs and nothing is flushed.
#[cfg_attr(not(feature = "fault-injection"), expect(dead_code, reason = "only failpoints call it"))]
pub(crate) fn kill_self() -> ! {
    // A process may always signal itself, so this cannot fail.
    let _ = kill(Pid::this(), Signal::SIGKILL);
    loop {
        std::thread::park();
    }
}
