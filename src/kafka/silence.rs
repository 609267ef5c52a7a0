use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Detects a client that receives nothing although the log has records. This happens after a rebalance, when librdkafka
/// does not report that the topic was deleted and recreated.
#[derive(Debug, Default)]
pub(super) struct SilenceWatch {
    /// When the client started to wait for a record.
    idle_since: Cell<Option<Instant>>,
    /// When the log's end was first found to differ from the read position.
    unread_since: Cell<Option<Instant>>,
    alarmed_at: Cell<Option<Instant>>,
}

impl SilenceWatch {
    /// How long a client may wait in spite of unread records before it is replaced.
    const UNREAD_TIMEOUT: Duration = Duration::from_secs(8);
    /// The minimum time between two replacements.
    const MIN_ALARM_INTERVAL: Duration = Duration::from_secs(60);
    /// A client that has waited for less than this may be about to receive a record.
    const MIN_IDLE: Duration = Duration::from_secs(1);

    /// Notes that the client waits for a record.
    pub(super) fn begin(&self) {
        self.idle_since.set(self.idle_since.get().or_else(|| Some(Instant::now())));
    }

    /// Notes that a record arrived, or that the caller does something other than wait.
    pub(super) fn end(&self) {
        self.idle_since.set(None);
        self.unread_since.set(None);
    }

    /// Returns whether the client should be replaced, given the next offset (`reached`) and the log's end (`ends`) of
    /// each partition.
    pub(super) fn is_suspicious(&self, reached: &BTreeMap<i32, i64>, ends: &[(i32, i64)]) -> bool {
        let lasts = |since: Option<Instant>, time: Duration| since.is_some_and(|since| since.elapsed() >= time);
        let is_idle = lasts(self.idle_since.get(), Self::MIN_IDLE);
        let left: Vec<_> = ends.iter().filter_map(|(partition, end)| Some(end - reached.get(partition)?)).collect();
        if !is_idle || left.iter().all(|&left| left == 0) {
            self.unread_since.set(None);
            return false;
        }
        if self.unread_since.get().is_none() {
            self.unread_since.set(Some(Instant::now()));
        }
        // A log that ends before the read position is a different log.
        let is_another = left.iter().any(|&left| left < 0);
        let is_repeated = self.alarmed_at.get().is_some_and(|at| at.elapsed() < Self::MIN_ALARM_INTERVAL);
        let is_suspicious = (is_another || lasts(self.unread_since.get(), Self::UNREAD_TIMEOUT)) && !is_repeated;
        if is_suspicious {
            self.alarmed_at.set(Some(Instant::now()));
        }
        is_suspicious
    }
}
