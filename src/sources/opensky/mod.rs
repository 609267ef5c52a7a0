//! The OpenSky Network's REST API.
//!
//! [`OpenSkyClient`] is the [`StateSource`](actors::ports::StateSource); [`wire`] reads the body of a response, recorded ones
//! too.

mod client;
mod credentials;
mod credits;
mod open;
mod rate_limit;
mod token;
pub mod wire;

pub use client::{OpenSkyClient, OpenSkyOptions};
pub use credentials::{Credentials, CredentialsError};
pub(super) use open::info;
pub use open::open;
