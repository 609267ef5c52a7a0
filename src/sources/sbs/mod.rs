//! The aircraft of a receiver that serves SBS-1 (BaseStation) messages, usually on TCP port 30003.
//!
//! The format is described by "SBS-1 BaseStation: Socket Data", <http://woodair.net/sbs/article/barebones42_socket_data.htm>.
//! A message is a line of 22 values separated by commas, of which each type of message fills some.

mod decoder;
mod lines;
mod message;

pub use decoder::SbsDecoder;

use super::kind::{AddressForm, SourceKind};
use super::receiver;

/// A receiver that serves the format over TCP.
pub(super) static KIND: SourceKind = SourceKind {
    name: "sbs",
    about: "Lines of a receiver in the SBS-1 (BaseStation) format, over TCP",
    addresses: &[AddressForm::Tcp],
    example: "192.168.1.20:30003",
    priority: 20,
    open: |settings| receiver::open(&KIND, settings, SbsDecoder::default),
};
