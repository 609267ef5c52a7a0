//! Parses the selection of history rows, with the same syntax for `GET /api/v1/history` and `export`.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use actors::domain::{Icao24, InvalidIcao24, UnixTime};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The maximum number of addresses in a query.
const MAX_AIRCRAFT: usize = 500;

/// The maximum length accepted for a callsign; longer than any real one.
const MAX_CALLSIGN: usize = 16;

/// The years 0001 to 9999, the range of RFC 3339.
const CALENDAR: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The error for an invalid time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is neither Unix seconds nor RFC 3339, such as 1767225600 or 2026-01-01T00:00:00Z")]
pub(crate) struct InvalidTime(String);

/// The error for an invalid list of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidAddresses {
    #[error(transparent)]
    Address(#[from] InvalidIcao24),
    #[error("more than {MAX_AIRCRAFT} addresses")]
    TooMany,
}

/// The error for an invalid callsign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a callsign has 1 to {MAX_CALLSIGN} characters")]
pub(crate) struct InvalidCallsign;

/// Parses a time in Unix seconds or RFC 3339; fractions of a second are dropped.
pub(crate) fn parse_time(text: &str) -> Result<UnixTime, InvalidTime> {
    let invalid = || InvalidTime(text.chars().take(40).collect());
    if let Ok(seconds) = text.parse() {
        return CALENDAR.contains(&seconds).then_some(UnixTime(seconds)).ok_or_else(invalid);
    }
    // An unescaped plus sign in a query string is decoded as a space.
    let written = text.replace(' ', "+");
    OffsetDateTime::parse(&written, &Rfc3339).map(|time| UnixTime(time.unix_timestamp())).map_err(|_| invalid())
}

/// Parses addresses separated by commas and adds them to `into`.
pub(crate) fn parse_addresses(text: &str, into: &mut HashSet<Icao24>) -> Result<(), InvalidAddresses> {
    for part in text.split(',') {
        into.insert(Icao24::parse(part)?);
    }
    check_addresses(into)
}

/// Checks that the number of addresses is within the limit for a query.
pub(crate) fn check_addresses(addresses: &HashSet<Icao24>) -> Result<(), InvalidAddresses> {
    if addresses.len() > MAX_AIRCRAFT { Err(InvalidAddresses::TooMany) } else { Ok(()) }
}

/// Parses a callsign and removes its padding.
pub(crate) fn parse_callsign(text: &str) -> Result<String, InvalidCallsign> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_CALLSIGN || text.contains(char::is_control) {
        return Err(InvalidCallsign);
    }
    Ok(text.to_owned())
}
