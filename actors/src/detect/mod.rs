//! Alerts: the rules that evaluate each aircraft's states, and the active alerts.
//!
//! To add a rule, add a file in `rules/` and a line in `rules/mod.rs`.

mod alert;
mod key;
mod rule;
mod rules;
mod watch;

pub use alert::Alert;
pub use key::{AlertChange, AlertKey, InvalidAlertKey};
pub use rule::{Rule, Verdict};
pub use rules::RULES;
pub use watch::AlertWatch;
