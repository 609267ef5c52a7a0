use std::ops::Add;
use std::time::Duration;

/// When to flush.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The age at which a record is flushed.
    pub(super) max_delay: Duration,
    /// How long older records are collected nevertheless.
    pub(super) collect_for: Duration,
    /// The size of all buffers at which the largest one is flushed.
    pub(super) flush_at: BufferSize,
    /// The size of all buffers, including the running flush, at which no more is accepted.
    pub(super) full_at: BufferSize,
}

impl Limits {
    /// Keeps the process below 200 MiB. A row takes about 70 bytes.
    pub(super) fn of(max_delay: Duration) -> Self {
        Self {
            max_delay,
            collect_for: max_delay.min(Duration::from_secs(10)),
            flush_at: BufferSize { records: 500_000, bytes: 36 << 20, files: 500 },
            full_at: BufferSize { records: 850_000, bytes: 60 << 20, files: 1_000 },
        }
    }
}

/// How much is buffered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BufferSize {
    pub(super) records: u64,
    /// The memory of the rows.
    pub(super) bytes: usize,
    /// The number of files that a flush would write.
    pub(super) files: usize,
}

impl BufferSize {
    /// Returns whether any of the limits is reached.
    pub(super) fn reaches(&self, limit: &Self) -> bool {
        self.records >= limit.records || self.bytes >= limit.bytes || self.files >= limit.files
    }
}

impl Add for BufferSize {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { records: self.records + other.records, bytes: self.bytes + other.bytes, files: self.files + other.files }
    }
}
