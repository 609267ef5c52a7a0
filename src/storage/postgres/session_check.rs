use std::time::Instant;

use tokio::sync::Mutex;

/// The result of the last check whether connections keep their PostgreSQL session.
#[derive(Debug, Default)]
pub(super) struct SessionCheck(pub(super) Mutex<SessionState>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum SessionState {
    #[default]
    Unknown,
    Kept,
    Lost {
        at: Instant,
    },
}
