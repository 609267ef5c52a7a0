//! What a process holds of the machine.

use std::fs;

/// From /proc.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resources {
    pub(crate) threads: usize,
    pub(crate) files: usize,
    /// Resident memory in KiB.
    pub(crate) resident: u64,
}

impl Resources {
    pub(crate) fn of(process: u32) -> Self {
        let entries = |of: &str| fs::read_dir(format!("/proc/{process}/{of}")).unwrap().count();
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: u64 = resident.split_whitespace().next().unwrap().parse().unwrap();
        Self { threads: entries("task"), files: entries("fd"), resident: kibibytes }
    }
}
