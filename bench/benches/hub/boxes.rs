//! Bounding boxes for clients that do not watch the whole world.

use std::sync::Arc;

use actors::domain::StateVector;

/// Edge lengths in degrees, from a city to a continent.
const SIZES: [f64; 6] = [1.0, 2.0, 5.0, 10.0, 20.0, 40.0];

/// Europe, from the Atlantic to the Black Sea.
pub(crate) const EUROPE: &str = "?bbox=35,-12,62,32";

/// Returns bounding boxes of different sizes around aircraft, as query strings for the stream.
pub(crate) fn boxes(count: usize, states: &[Arc<StateVector>]) -> Vec<String> {
    let positions: Vec<_> = states.iter().filter_map(|state| state.lat.zip(state.lon)).collect();
    let every = (positions.len() / count.max(1)).max(1);
    let centres = positions.iter().step_by(every).take(count);
    let query = |(index, (lat, lon)): (usize, &(f64, f64))| {
        let half = SIZES[index % SIZES.len()] / 2.0;
        let (south, north) = ((lat - half).max(-90.0), (lat + half).min(90.0));
        let (west, east) = ((lon - half).max(-180.0), (lon + half).min(180.0));
        format!("?bbox={south:.3},{west:.3},{north:.3},{east:.3}")
    };
    centres.enumerate().map(query).collect()
}
