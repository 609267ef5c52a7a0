//! Encodes Mode S and ADS-B messages, as in ICAO Annex 10, volume IV (fifth edition), chapter 3 and its appendix, and in
//! "The 1090 Megahertz Riddle" (Sun, second edition), whose chapters are cited.

mod cpr;
mod crc;
mod fields;
mod frame;

pub(crate) use frame::encode;
