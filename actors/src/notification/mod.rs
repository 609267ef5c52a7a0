//! Notifications: the messages to endpoints about alerts.

mod aircraft;
mod escape;
#[expect(clippy::module_inception, reason = "the module has the name of its main type")]
mod notification;
mod rule_filter;

pub use aircraft::NotifiedAircraft;
pub use escape::escape_name;
pub use notification::{AlertEvent, Notification, NotifiedAlert};
pub use rule_filter::RuleFilter;
