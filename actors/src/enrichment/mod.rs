//! What is known about an aircraft without its state vectors: country, registration, type, operator and airline.

mod countries;
mod registration;

pub use countries::country_of;
pub use registration::computed_registration;
