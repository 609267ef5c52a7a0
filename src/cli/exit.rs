use std::process::ExitCode;

/// The exit status of the process; `flight-monitor --help` lists the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: done.
    Done,
    /// 1: failed; the log has the reason.
    Failed,
    /// 2: invalid command line or configuration.
    Usage,
    /// 3: an actor kept failing despite restarts.
    GaveUp,
    /// 4: exited before everything was drained, at the shutdown timeout or a second signal.
    NotDrained,
}

impl ExitStatus {
    /// Returns the exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::GaveUp => 3,
            Self::NotDrained => 4,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
