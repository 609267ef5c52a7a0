//! What is known about an aircraft without its state vectors: country, registration, type, operator and airline.

mod airlines;
mod airports;
mod countries;
mod enriched_state;
mod facts;
mod known_aircraft;
mod registration;
mod route;
mod shared;
mod table;

pub use airlines::Airlines;
pub use airports::{Airport, Airports};
pub use countries::country_of;
pub use enriched_state::EnrichedState;
pub use facts::{AircraftFacts, FactBook, FactOrigin};
pub use known_aircraft::KnownAircraft;
pub use registration::computed_registration;
pub use route::{AirportGuess, arrival, departure};
pub use shared::SharedFacts;
pub use table::{AircraftFlags, AircraftTable, MAX_REGISTRATION, TableBuilder, TableEntry, TableTooLarge};
