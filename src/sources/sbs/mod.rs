//! The aircraft of a receiver that serves SBS-1 (BaseStation) messages, usually on TCP port 30003.
//!
//! The format is described by "SBS-1 BaseStation: Socket Data", <http://woodair.net/sbs/article/barebones42_socket_data.htm>.
//! A message is a line of 22 values separated by commas, of which each type of message fills some.

mod decoder;
mod lines;
mod message;

pub use decoder::SbsDecoder;
