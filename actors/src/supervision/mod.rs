//! Restarts, vitals and ordered ends, for any actor.

mod guardian;
mod restart_policy;
mod stalls;
mod supervisor;
mod vitals;

pub use restart_policy::{RestartHistory, RestartPolicy, Verdict};
pub use stalls::{StallWatch, Stalls};
pub use supervisor::{Failure, Supervisor};
pub use vitals::{ActorStatus, Board, LastError, Phase, Readiness, Vitals};
