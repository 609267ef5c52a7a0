//! The live picture in the language of readsb: its files `aircraft.json` and `receiver.json`, and the `/v2` API of the
//! aggregators that are built on it.

mod aircraft;
mod aircraft_list;
pub(crate) mod files;
mod parameters;
pub(crate) mod v2;
