//! `/admin`: the endpoints for the operator, which require the admin token.

pub(crate) mod actions;
pub(crate) mod actors;
pub(crate) mod events;
pub(crate) mod login_throttle;
pub(crate) mod notify;
mod operator;
pub(crate) mod rules;
