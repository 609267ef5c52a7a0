//! Domain types, such as state vectors, snapshots and bounding boxes. They are parsed and validated, and do no I/O.

mod address_block;
mod bounding_box;
mod emitter_category;
mod flight;
mod icao24;
mod point;
mod poll_record;
mod snapshot;
mod state_vector;
pub mod units;
mod unix_time;

pub use address_block::AddressBlock;
pub use bounding_box::{BoundingBox, InvalidBoundingBox};
pub use emitter_category::{emitter_category_code, emitter_category_name};
pub use flight::{Flight, Sighting};
pub use icao24::{Icao24, InvalidIcao24};
pub(crate) use point::EARTH_RADIUS;
pub use point::Point;
pub use poll_record::{InvalidPollRecord, PollOutcome, PollRecord};
pub use snapshot::{BadRows, RejectedRow, Snapshot};
pub use state_vector::fields::{self, FIELDS, Field, FieldKind, FieldValue, Wrap};
pub use state_vector::{InvalidStateVector, StateVector, StateVectorParts};
pub use unix_time::{UnixMillis, UnixTime};
