//! A receiver's list of aircraft, `aircraft.json`, as readsb and its relatives write it: dump1090-fa, tar1090,
//! ultrafeeder, piaware. It is read from a URL or from a file, as soon as it changes.
//!
//! [`wire`] parses the list. The kind `readsb-api` uses it, too.

mod aircraft;
mod file;
mod list_reader;
mod open;
mod row;
mod source;
mod url;
pub mod wire;

pub(super) use list_reader::Read;
pub(super) use open::KIND;
pub(super) use source::{PollPace, ReadsbSource};
pub(super) use url::{KeyHeader, UrlReader};
