//! `/api/v1` and `/sse/flights`: flights, live and stored.

pub(crate) mod aircraft;
pub(crate) mod alerts;
pub(crate) mod coverage;
pub(crate) mod flights;
pub(crate) mod history;
pub(crate) mod history_body;
pub(crate) mod history_fold;
pub(crate) mod openapi;
mod paging;
pub(crate) mod past_flights;
mod query;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod track;
pub(crate) mod tracks;
