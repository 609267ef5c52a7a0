//! Rules as data: the conditions, their syntax, and what was understood.
//!
//! The syntax is described in `docs/rules.md`. Parsing starts from a JSON value, whatever file it comes from, so that
//! an error can name the rule and the key.

mod condition;
mod error;
mod parse;
mod parse_condition;
mod parse_fence;
mod parser;
mod pattern;
mod quantity;
mod reader;
mod spec;
mod template;

pub use condition::{Condition, TextField};
pub use error::RuleError;
pub use parser::RuleParser;
pub use pattern::Patterns;
pub use quantity::{Limit, Quantity};
pub use spec::{RuleSet, RuleSpec, Severity};

#[cfg(test)]
mod fuzz;
#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "literals are passed as they are")]
mod tests;
