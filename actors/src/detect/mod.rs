//! Alerts: rules that decide on each aircraft's states, and the alerts that are active.
//!
//! A rule is a file in `rules/` and a line in `rules/mod.rs`.

mod alert;
mod rule;
mod rules;
mod watch;

pub use alert::Alert;
pub use rule::{Rule, Verdict};
pub use rules::RULES;
pub use watch::AlertWatch;
