//! What is made of the stored rows, behind the store: flights, and the traffic of each hour.

mod flight_log;
mod following;
mod retrace;
#[cfg(test)]
mod test_support;

pub use flight_log::{FlightLog, LONGEST_FLIGHT, follow};
pub use following::{Following, HOUR, Piece, hour_of};
pub use retrace::{LateRows, Retrace, Retraced};
