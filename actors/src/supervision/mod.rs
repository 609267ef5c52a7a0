//! Restarts, vitals and the journal of their changes, for any actor.

pub(crate) mod backoff;
mod guardian;
pub(crate) mod in_flight;
mod journal;
mod restart_policy;
mod restarts;
mod stalls;
mod supervisor;
mod vitals;

pub use journal::{Change, Entry, Journal};
pub use restart_policy::{RestartHistory, RestartPolicy, Verdict};
pub use restarts::Restarts;
pub use stalls::{StallWatch, Stalls};
pub use supervisor::{Failure, Supervisor};
pub use vitals::{ActorStatus, Board, LastError, Phase, Readiness, Vitals, WatchedPart};
