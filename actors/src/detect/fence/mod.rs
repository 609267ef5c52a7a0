//! Fences: areas on the globe, and the index that finds those around a position.
//!
//! Longitudes are unwrapped while a fence is built: the edges of a ring continue beyond ±180°, so a fence may cross
//! the antimeridian or contain a pole. The index holds each area at every place where it meets -180..=180.

mod geojson;
mod index;
mod ring;
mod shape;

pub use geojson::parse_geojson;
pub use index::FenceIndex;
pub use shape::{Fence, InvalidFence};

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "literals are passed as they are")]
mod tests;
