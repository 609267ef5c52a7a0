//! Simulates the OpenSky Network's REST API, a receiver and a community of receivers: tokens, credits, moving aircraft and
//! injected faults.
//!
//! It serves the same HTTP API as the real one, so that clients are tested over real sockets:
//!
//! - `POST /auth/realms/opensky-network/protocol/openid-connect/token`: OAuth2 client credentials, with Keycloak's
//!   responses;
//! - `GET /api/states/all` with bounding box, `icao24`, `extended` and `time`, including credits and rate limits;
//! - `POST`, `GET` and `DELETE /_faults`: fault injection; see [`Fault`] for the JSON;
//! - `GET /_served`: every (icao24, last_contact) served so far, as JSON lines, if recording is enabled; with `?target=`
//!   what another [`Target`] sent.
//!
//! The same aircraft are heard by a receiver ([`Options::receiver`]) and by a community of receivers, at the same places
//! and times:
//!
//! - `GET /data/aircraft.json` and `/data/receiver.json`: the receiver's aircraft, as readsb writes them;
//! - SBS-1 and Beast messages over TCP ([`Options::sbs`], [`Options::beast`]): what the receiver hears;
//! - `GET /v2/point/{lat}/{lon}/{radius}`, `/v2/lat/{lat}/lon/{lon}/dist/{radius}` and `/v2/hex/{addresses}`: the
//!   community's API ([`Options::community`]).
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = simulator::start(simulator::Options { aircraft: 50, ..Default::default() })?;
//! simulator.faults().add(simulator::Fault::new(simulator::Target::States, simulator::FaultKind::Hang).times(1))?;
//! println!("{} {}", simulator.base_url(), simulator.auth_url());
//! # Ok(())
//! # }
//! ```

mod bad_rows;
mod clock;
mod community;
mod community_gate;
mod connection;
mod credits;
mod doors;
mod error;
mod fault_answers;
mod faults;
mod feed;
mod json_door;
mod modes;
mod options;
mod paced_body;
mod query;
mod readsb;
mod receiver;
mod receiver_endpoints;
mod recorded;
mod routes;
mod rows;
mod served;
mod simulator;
mod sky;
mod state;
mod states;
mod stream;
mod token_endpoint;
mod tokens;
mod world;

pub use clock::{Clock, ManualClock};
pub use credits::{DailyCredits, Refill};
pub use doors::{Beast, Community, Receiver, Sbs};
pub use error::SimulatorError;
pub use faults::{Fault, FaultKind, Faults, InvalidFault, Target};
pub use options::{AfterLast, Changes, ClientCredentials, Options, SkySource};
pub use served::ServedStates;
pub use simulator::{Simulator, start};
pub use state::Requests;
