//! `/admin`: for the operator, who holds the token.

pub(crate) mod actions;
pub(crate) mod actors;
pub(crate) mod events;
pub(crate) mod login_throttle;
mod operator;
