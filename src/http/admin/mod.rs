//! `/admin`: for the operator, who holds the token.

pub(crate) mod actions;
pub(crate) mod events;
pub(crate) mod operator;
