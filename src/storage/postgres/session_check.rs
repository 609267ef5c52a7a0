use std::time::Instant;

use tokio::sync::Mutex;

/// Whether connections keep their PostgreSQL session, as last checked.
#[derive(Debug, Default)]
pub(super) struct SessionCheck(pub(super) Mutex<Verdict>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Verdict {
    #[default]
    Unknown,
    Kept,
    Lost {
        at: Instant,
    },
}
