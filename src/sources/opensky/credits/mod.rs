//! OpenSky's credits: the cost of a poll, the credits of an account, and how often they allow it to poll. Based on the
//! OpenSky REST API, "Limitations" and "API credit usage".

mod budget;
mod plan;
mod price;
mod refills;

pub(super) use budget::CreditBudget;
pub(super) use plan::{Account, PollPlan};
pub(super) use price::price;
