use std::collections::BTreeMap;

use actors::batch::{LogId, Position};
use serde::{Deserialize, Serialize};

/// What is durably in the folder: the next offsets, and the lengths of the files that belong to them. Whatever a file
/// contains beyond its length is from an interrupted write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The most recently used log comes last.
    logs: Vec<LogPositions>,
    /// The lengths of the most recent files, by name, in bytes.
    pub(super) files: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogPositions {
    cluster: String,
    topic: String,
    partitions: BTreeMap<i32, PartitionPosition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionPosition {
    next_offset: i64,
    last_timestamp: i64,
}

impl State {
    /// The positions of this many logs are kept, and the lengths of this many files.
    const MAX_LOGS: usize = 8;
    const MAX_FILES: usize = 32;

    pub(super) fn position(&self, log: &LogId, partition: i32) -> Option<Position> {
        let PartitionPosition { next_offset, last_timestamp } = *self.find(log)?.partitions.get(&partition)?;
        Some(Position { partition, next_offset, last_timestamp })
    }

    /// Sets the position of a partition.
    pub(super) fn advance(&mut self, log: &LogId, position: Position) {
        let Position { partition, next_offset, last_timestamp } = position;
        let index = self.logs.iter().position(|known| known.is(log));
        let mut entry = match index {
            Some(index) => self.logs.remove(index),
            None => LogPositions {
                cluster: log.cluster.to_string(),
                topic: log.topic.to_string(),
                partitions: BTreeMap::new(),
            },
        };
        entry.partitions.insert(partition, PartitionPosition { next_offset, last_timestamp });
        self.logs.push(entry);
        let excess = self.logs.len().saturating_sub(Self::MAX_LOGS);
        self.logs.drain(..excess);
    }

    /// Forgets the lengths of the oldest files, except for those that are about to be written.
    pub(super) fn forget_oldest_files(&mut self, keep: impl Fn(&str) -> bool) {
        while self.files.len() > Self::MAX_FILES {
            let Some(oldest) = self.files.keys().find(|name| !keep(name)).cloned() else { return };
            self.files.remove(&oldest);
        }
    }

    fn find(&self, log: &LogId) -> Option<&LogPositions> {
        self.logs.iter().find(|known| known.is(log))
    }
}

impl LogPositions {
    fn is(&self, log: &LogId) -> bool {
        *self.cluster == *log.cluster && *self.topic == *log.topic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_positions_of_the_most_recent_logs_are_kept() {
        let log = |cluster: usize| LogId { cluster: cluster.to_string().into(), topic: "raw".into() };
        let position = Position { partition: 1, next_offset: 5, last_timestamp: 7 };
        let mut state = State::default();
        for cluster in 0..State::MAX_LOGS {
            state.advance(&log(cluster), position);
        }
        state.advance(&log(0), position);
        state.advance(&log(100), position);
        assert_eq!(state.position(&log(0), 1), Some(position));
        assert_eq!(state.position(&log(0), 2), None);
        assert_eq!(state.position(&log(1), 1), None, "it was used least recently");
        assert_eq!(state.position(&log(100), 1), Some(position));
    }

    #[test]
    fn the_lengths_of_files_to_be_written_are_kept() {
        let files = (0..State::MAX_FILES + 2).map(|day| (format!("{day:03}"), 1)).collect();
        let mut state = State { files, ..State::default() };
        state.forget_oldest_files(|name| name == "000");
        assert_eq!(state.files.len(), State::MAX_FILES);
        assert!(state.files.contains_key("000") && !state.files.contains_key("001"));
    }
}
