//! Endpoints that speak the languages of other servers, so that their clients work here.

pub(crate) mod opensky;
pub(crate) mod readsb;

/// Which APIs of other servers are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompatApis {
    /// OpenSky's REST API.
    pub opensky: bool,
    /// readsb's files and the `/v2` API of its aggregators.
    pub readsb: bool,
}
