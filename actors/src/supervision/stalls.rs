use std::collections::BTreeSet;

use super::journal::Change;
use super::vitals::{Board, Phase};

/// Notices when an actor stalls and when it goes on, and notes it in the journal: the board only says how it is at the
/// moment.
#[derive(Debug)]
pub struct StallWatch {
    board: Board,
    stalled: BTreeSet<&'static str>,
}

/// What changed since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// Those that have made no progress for longer than they may.
    pub begun: Vec<&'static str>,
    /// Those of which that is over.
    pub ended: Vec<&'static str>,
}

impl StallWatch {
    /// A watch on all actors of the board, also those that will be listed later.
    pub fn on(board: Board) -> Self {
        Self { board, stalled: BTreeSet::new() }
    }

    /// Looks once.
    pub fn look(&mut self) -> Stalls {
        let statuses = self.board.statuses();
        let now: BTreeSet<_> =
            statuses.iter().filter(|status| status.phase == Phase::Stalled).map(|status| status.name).collect();
        let stalls = Stalls {
            begun: now.difference(&self.stalled).copied().collect(),
            ended: self.stalled.difference(&now).copied().collect(),
        };
        for (actors, from, to) in
            [(&stalls.begun, Phase::Running, Phase::Stalled), (&stalls.ended, Phase::Stalled, Phase::Running)]
        {
            for actor in actors {
                self.board.journal().record(Some(actor), Change::Phase { from, to, reason: None });
            }
        }
        self.stalled = now;
        stalls
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_told_of_once_and_so_is_its_end() {
        let board = Board::default();
        let (vitals, idle) = (board.list("db-writer"), board.list("poller"));
        let mut watch = StallWatch::on(board);
        vitals.phase(Phase::Running);
        idle.phase(Phase::Running);
        vitals.expect_progress_within(Some(Duration::from_secs(90)));
        assert_eq!(watch.look(), Stalls::default());
        tokio::time::advance(Duration::from_secs(91)).await;
        assert_eq!(watch.look(), Stalls { begun: vec!["db-writer"], ended: vec![] });
        assert_eq!(watch.look(), Stalls::default());
        vitals.progress();
        assert_eq!(watch.look(), Stalls { begun: vec![], ended: vec!["db-writer"] });
    }
}
