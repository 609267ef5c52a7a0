use std::process::ExitCode;

/// How the process ends; `flight-monitor --help` lists the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: done.
    Done,
    /// 1: it failed, and the log says why.
    Failed,
    /// 2: the command line or the configuration is wrong.
    Usage,
    /// 3: a part failed again and again, and restarting it did not help.
    GaveUp,
    /// 4: the shutdown's deadline passed, or a second signal came, before everything was drained.
    NotDrained,
}

impl ExitStatus {
    /// The number.
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
