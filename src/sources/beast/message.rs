use actors::domain::{Icao24, StateVectorParts};

use super::cpr::EncodedPosition;

/// A Mode S message, as far as it tells the state of an aircraft.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) address: Icao24,
    /// Whether the message has both an address and a parity, so that it proves that the aircraft exists. In other
    /// messages, the address is the parity, so any noise has an address.
    pub(super) is_proof: bool,
    /// The values that the message tells. The address and the position are left out.
    pub(super) told: StateVectorParts,
    pub(super) position: Option<EncodedPosition>,
    /// The geometric altitude minus the barometric one, in metres.
    pub(super) geo_minus_baro: Option<f64>,
}

impl Message {
    pub(super) fn new(address: u32, is_proof: bool, told: StateVectorParts) -> Self {
        let address = Icao24::from_u32(address);
        Self { address, is_proof, told, position: None, geo_minus_baro: None }
    }
}
