//! The aircraft of a receiver that serves Mode S messages in Beast's binary format, usually on TCP port 30005.
//!
//! [`BeastDecoder`] divides the stream into frames, checks and decodes the Mode S message in each, and derives positions
//! from pairs of messages. Sources: "Mode-S Beast: Data Output Formats" (<https://wiki.jetvision.de>), ICAO Doc 9871 and
//! Annex 10 volume IV, and Junzi Sun, "The 1090 Megahertz Riddle" (<https://mode-s.org/1090mhz>).

mod altitude;
mod checksum;
mod cpr;
mod decoder;
mod downlink;
mod frames;
mod message;
mod positions;
mod squitter;

pub use decoder::BeastDecoder;

use super::kind::{AddressForm, SourceKind};
use super::receiver;

/// A receiver that serves the format over TCP.
pub(super) static KIND: SourceKind = SourceKind {
    name: "beast",
    about: "Mode S messages of a receiver in the Beast format, over TCP",
    addresses: &[AddressForm::Tcp],
    example: "192.168.1.20:30005",
    priority: 20,
    open: |settings| {
        let location = settings.location;
        receiver::open(&KIND, settings, move || BeastDecoder::new(location))
    },
};
