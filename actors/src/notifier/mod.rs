//! Delivers alerts to one endpoint: reads its queue, decides what is retried and for how long, and commits what was
//! delivered or became a dead letter.

mod actor;
mod delivery;
mod delivery_loop;
mod endpoint_watch;
mod notifier_settings;
mod partition_queue;
mod retry;

pub use actor::Notifier;
pub use notifier_settings::NotifierSettings;
pub use retry::RetryLimits;
