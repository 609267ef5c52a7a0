//! The resources that a process holds.

use std::fs;

/// Read from `/proc`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resources {
    pub(crate) threads: usize,
    pub(crate) files: usize,
    /// Resident memory in KiB.
    pub(crate) resident: u64,
    /// The part of it that is not backed by a file: what the process allocated, without the program's own text.
    pub(crate) anonymous: u64,
}

impl Resources {
    pub(crate) fn of(process: u32) -> Self {
        let entries = |of: &str| fs::read_dir(format!("/proc/{process}/{of}")).unwrap().count();
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let kibibytes = |name: &str| -> u64 {
            let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            value.split_whitespace().next().unwrap().parse().unwrap()
        };
        Self {
            threads: entries("task"),
            files: entries("fd"),
            resident: kibibytes("VmRSS:"),
            anonymous: kibibytes("RssAnon:"),
        }
    }
}
