//! The APIs of readsb's aggregators, such as adsb.lol, adsb.fi and airplanes.live, and of one's own readsb. They have the
//! aircraft objects of `aircraft.json`.

mod circles;
mod dialect;
mod open;
mod rotation;

pub(super) use open::KIND;
