//! Health, metrics and the web page.

pub(crate) mod collectors;
mod exposition;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod page;
