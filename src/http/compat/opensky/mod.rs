//! OpenSky's REST API, served from the live picture and the history.
//!
//! Paths, parameters, columns and errors are those of OpenSky; `docs/api.md` lists the differences. Credentials are
//! accepted and ignored, and nothing costs credits.

pub(crate) mod flights;
mod parameters;
pub(crate) mod reply;
mod rows;
pub(crate) mod states;
pub(crate) mod token;
pub(crate) mod tracks;
