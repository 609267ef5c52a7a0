//! The rule engine: applies a rule set to the states of one partition, and knows the active alerts.

mod aircraft;
mod evaluate;
mod limits;
mod rule_engine;
mod timers;
mod watermark;

#[cfg(test)]
mod oracle;
#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "literals are passed as they are")]
mod tests;

pub use rule_engine::RuleEngine;
