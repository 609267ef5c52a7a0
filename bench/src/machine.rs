//! Describes the machine that the figures were measured on.

use std::fs;

/// Returns cores, memory and versions in one line.
pub fn description() -> String {
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|info| {
        let kibibytes: u64 = info.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
        Some(kibibytes >> 20)
    });
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
        let line = info.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(": ")?.1.to_owned())
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (_, librdkafka) = rdkafka::util::get_rdkafka_version();
    format!(
        "{} cores ({}), {} GiB, Linux {}, librdkafka {librdkafka}",
        std::thread::available_parallelism().map_or(0, Into::into),
        processor.unwrap_or_else(|| "unknown".to_owned()),
        memory.unwrap_or_default(),
        kernel.trim(),
    )
}

/// Returns the load averages over 1, 5 and 15 minutes.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
