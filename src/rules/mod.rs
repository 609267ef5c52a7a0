//! Reads the rules from files, and again when they change. [`actors::detect`] parses and applies them.

mod error;
mod read;
mod sources;
mod trial;
mod watch;

#[cfg(test)]
mod cookbook;
#[cfg(test)]
mod tests;

pub use error::{InvalidRules, RulesFileError};
pub use sources::{LoadedRules, RuleSources};
pub use trial::{RuleSummary, Trial};
pub use watch::{EditError, EditedRules, RulesStatus, RulesWatch};
