//! Registrations that follow from the address, in the countries that assign addresses by a scheme.
//!
//! The schemes were found by comparing registers with addresses, see `../SOURCES.md`. An authority may deviate from its
//! scheme, so a register has precedence.

mod east_asia;
mod letters;
mod numbers;
mod united_states;

use compact_str::CompactString;

use crate::domain::Icao24;

/// Returns the registration that an address is assigned to, or `None` if no scheme covers the address. The text is
/// short enough not to be allocated.
pub fn computed_registration(icao24: Icao24) -> Option<CompactString> {
    let address = icao24.to_u32();
    match address >> 20 {
        0xa => united_states::registration(address),
        0x0 | 0x1 => numbers::registration(address),
        0x8 => east_asia::japanese(address),
        _ => letters::registration(address).or_else(|| east_asia::korean(address)),
    }
}

#[cfg(test)]
mod tests;
