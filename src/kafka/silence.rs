use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Notices a client that receives nothing although the log has records: after a rebalance librdkafka does not report that the
/// topic was deleted and recreated.
#[derive(Debug, Default)]
pub(super) struct SilenceWatch {
    /// Since when the client waits for a record.
    idle_since: Cell<Option<Instant>>,
    /// Since when the log is known to end elsewhere than where reading has arrived.
    unread_since: Cell<Option<Instant>>,
    alarmed_at: Cell<Option<Instant>>,
}

impl SilenceWatch {
    /// A client that waits this long although there are records is replaced …
    const PATIENCE: Duration = Duration::from_secs(8);
    /// … but not again within this time: the last record may be one that no consumer receives, such as a transaction's end.
    const BETWEEN_ALARMS: Duration = Duration::from_secs(60);
    /// A client that waited for less may be about to receive a record.
    const MIN_IDLE: Duration = Duration::from_secs(1);

    /// The client waits for a record.
    pub(super) fn begin(&self) {
        self.idle_since.set(self.idle_since.get().or_else(|| Some(Instant::now())));
    }

    /// A record arrived, or the caller has something else to do than to wait.
    pub(super) fn end(&self) {
        self.idle_since.set(None);
        self.unread_since.set(None);
    }

    /// Whether the client should be replaced. `reached` and `ends` are the next offset and the log's end of each partition.
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
        // A log that ends before the reached offset is another log.
        let is_another = left.iter().any(|&left| left < 0);
        let is_repeated = self.alarmed_at.get().is_some_and(|at| at.elapsed() < Self::BETWEEN_ALARMS);
        let is_suspicious = (is_another || lasts(self.unread_since.get(), Self::PATIENCE)) && !is_repeated;
        if is_suspicious {
            self.alarmed_at.set(Some(Instant::now()));
        }
        is_suspicious
    }
}
