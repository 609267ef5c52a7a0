//! The client of the OpenSky Network's REST API.
//!
//! [`OpenSkyClient`] implements [`StateSource`](actors::ports::StateSource). [`wire`] parses response bodies, including
//! recorded ones.

mod client;
mod credentials;
mod credits;
mod open;
mod rate_limit;
mod token;
pub mod wire;

pub use client::{Feed, OpenSkyClient, OpenSkyOptions};
pub use credentials::{Credentials, CredentialsError};
pub use open::open;
pub(super) use open::{KIND, info};
