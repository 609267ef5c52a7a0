//! Alerts: the rules that evaluate each aircraft's states, and the active alerts.
//!
//! [`RuleParser`] turns documents into a [`RuleSet`], which a [`RuleEngine`] applies to the states of a partition.
//! [`AlertWatch`] applies the built-in rules, a file each in `rules/` and a line in `rules/mod.rs`.

mod alert;
mod engine;
mod facts;
mod fence;
mod key;
mod rule;
mod rule_set;
mod rules;
mod watch;

pub use alert::Alert;
pub use engine::RuleEngine;
pub use facts::RuleFacts;
pub use fence::{Fence, FenceIndex, InvalidFence, parse_geojson};
pub use key::{AlertChange, AlertKey, InvalidAlertKey};
pub use rule::{Rule, Verdict};
pub use rule_set::{
    Condition, Limit, Patterns, Quantity, RuleError, RuleParser, RuleSet, RuleSpec, Severity, TextField,
};
pub use rules::RULES;
pub use watch::AlertWatch;
