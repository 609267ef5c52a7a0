//! The OpenSky Network's REST API: where the state vectors come from.
//!
//! [`OpenSkyClient`] is the [`StateSource`](actors::ports::StateSource); [`wire`] reads an answer's body, recorded ones too.

mod client;
mod credentials;
mod endpoint;
mod exchange;
mod quote;
mod rate_limit;
mod token;
mod tunnel;
pub mod wire;

pub use client::{OpenSkyClient, OpenSkyOptions};
pub use credentials::{Credentials, CredentialsError};
pub use endpoint::{Endpoint, InvalidEndpoint};
