//! Alerts: the rules that evaluate each aircraft's states, and the active alerts.
//!
//! [`RuleParser`] turns documents into a [`RuleSet`], which a [`RuleEngine`] applies to the states of a partition.
//! One rule is built in: `emergency-squawk`.

mod alert;
mod emergency;
mod engine;
mod facts;
mod fence;
mod key;
mod rule_set;

pub use alert::Alert;
pub use emergency::{EMERGENCY_SQUAWK, emergency_meaning};
pub use engine::RuleEngine;
pub use facts::RuleFacts;
pub use fence::{Fence, FenceIndex, InvalidFence, parse_geojson};
pub use key::{AlertChange, AlertKey, InvalidAlertKey};
pub use rule_set::{
    Condition, Limit, Patterns, Quantity, RuleError, RuleParser, RuleSet, RuleSpec, Severity, TextField,
};
