//! The OpenSky Network's REST API: where the state vectors come from.
//!
//! [`OpenSkyClient`] is the [`StateSource`](actors::ports::StateSource); [`wire`] reads an answer's body, recorded ones too.

mod client;
mod credentials;
mod rate_limit;
mod token;
pub mod wire;

pub use client::{OpenSkyClient, OpenSkyOptions};
pub use credentials::{Credentials, CredentialsError};
