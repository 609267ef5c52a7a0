//! OpenSky's credits: what a poll costs, how many credits an account has, and how often they allow to poll; after the
//! OpenSky REST API, "Limitations" and "API credit usage".

mod budget;
mod plan;
mod price;
mod refills;

pub(super) use budget::CreditBudget;
pub(super) use plan::{Account, PollPlan};
pub(super) use price::price;
