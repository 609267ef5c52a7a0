//! Amounts that carry their unit.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use super::{FromText, Unfit};
use crate::config::kind::Kind;

/// A span of time in the largest units that show it exactly: `90s`, `2h`, `30d`.
pub fn show_duration(span: Duration) -> String {
    let millis = span.as_millis();
    let units: [(u128, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    match units.into_iter().find(|(size, _)| millis > 0 && millis.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{}{unit}", millis / size),
        None => "0s".to_owned(),
    }
}

/// A span of time from a second to a year, with its unit.
///
/// # Errors
/// A bare number, another unit, or a span outside these limits.
pub fn parse_duration(text: &str) -> Result<Duration, Unfit> {
    Duration::from_text(text.trim(), Kind::Duration { min: 1, max: 365 * 86_400 })
}

impl FromText for Duration {
    fn from_text(text: &str, kind: Kind) -> Result<Self, Unfit> {
        if text.parse::<f64>().is_ok() {
            return Err(Unfit(format!("a bare number has no unit; write {text}s if seconds are meant")));
        }
        // humantime knows more units, and among them M for a month, which is too near to m.
        let mut units = text.split(|c: char| !c.is_alphabetic()).filter(|unit| !unit.is_empty());
        if let Some(unit) = units.find(|unit| !matches!(*unit, "ms" | "s" | "m" | "h" | "d")) {
            return Err(Unfit(format!("{unit:?} is none of the units")));
        }
        let span = humantime::parse_duration(text).map_err(|error| Unfit(format!("{error}")))?;
        if let Kind::Duration { min, max } | Kind::PollInterval { min, max } = kind {
            if span < Self::from_secs(min) {
                return Err(Unfit(format!("it is shorter than {}", show_duration(Self::from_secs(min)))));
            }
            if span > Self::from_secs(max) {
                return Err(Unfit(format!("it is longer than {}", show_duration(Self::from_secs(max)))));
            }
        }
        Ok(span)
    }
}

/// An amount of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const BYTE_UNITS: [(u64, &str); 4] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = BYTE_UNITS.into_iter().find(|(size, _)| self.0 > 0 && self.0.is_multiple_of(*size));
        let (size, name) = unit.unwrap_or((1, "B"));
        write!(f, "{}{name}", self.0 / size)
    }
}

impl FromText for ByteSize {
    fn from_text(text: &str, kind: Kind) -> Result<Self, Unfit> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim();
        if number.is_empty() {
            return Err(Unfit::because("it does not start with a whole number"));
        }
        if unit.is_empty() {
            return Err(Unfit(format!("a bare number has no unit; write {text}B if bytes are meant")));
        }
        let Some((size, _)) = BYTE_UNITS.into_iter().find(|(_, name)| *name == unit) else {
            return Err(Unfit(format!("{unit:?} is none of the units")));
        };
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(size));
        let bytes = bytes.ok_or_else(|| Unfit::because("it is too large"))?;
        match kind {
            Kind::Bytes { min, .. } if bytes < min => Err(Unfit(format!("it is less than {}", Self(min)))),
            Kind::Bytes { max, .. } if bytes > max => Err(Unfit(format!("it is more than {}", Self(max)))),
            _ => Ok(Self(bytes)),
        }
    }
}

fn whole(text: &str, kind: Kind) -> Result<u64, Unfit> {
    let number = text.parse::<u64>().map_err(|_| Unfit::because("it is no such number"))?;
    match kind {
        Kind::Whole { min, max } if !(min..=max).contains(&number) => Err(Unfit::because("it lies outside the range")),
        _ => Ok(number),
    }
}

impl FromText for NonZeroU32 {
    fn from_text(text: &str, kind: Kind) -> Result<Self, Unfit> {
        let number = u32::try_from(whole(text, kind)?).ok().and_then(Self::new);
        number.ok_or_else(|| Unfit::because("it lies outside the range"))
    }
}

impl FromText for NonZeroU16 {
    fn from_text(text: &str, kind: Kind) -> Result<Self, Unfit> {
        let number = u16::try_from(whole(text, kind)?).ok().and_then(Self::new);
        number.ok_or_else(|| Unfit::because("it lies outside the range"))
    }
}

impl FromText for u16 {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        text.parse().map_err(|_| Unfit::because("it is no such number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Kind = Kind::Duration { min: 0, max: u64::MAX };

    #[test]
    fn durations_are_shown_as_they_are_written() {
        for text in ["0s", "1ms", "1500ms", "90s", "5m", "36h", "30d"] {
            assert_eq!(show_duration(Duration::from_text(text, ANY).unwrap()), text);
        }
        assert_eq!(show_duration(Duration::from_text("1h 30m", ANY).unwrap()), "90m");
    }

    #[test]
    fn durations_without_a_unit_or_with_another_are_refused() {
        let check = |text: &str, reason: &str| {
            let error = Duration::from_text(text, Kind::Duration { min: 1, max: 60 }).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("10", "no unit; write 10s");
        check("1.5", "no unit");
        check("3M", "\"M\" is none");
        check("1y", "\"y\" is none");
        check("soon", "\"soon\" is none");
        check("500ms", "shorter than 1s");
        check("2m", "longer than 1m");
        check("99999999999999999999d", "");
        check("-5s", "");
        check("", "");
    }

    #[test]
    fn sizes_are_shown_as_they_are_written_and_bounded() {
        let kind = Kind::Bytes { min: 1024, max: 1 << 31 };
        for text in ["1KiB", "1500B", "64MiB", "2GiB"] {
            assert_eq!(ByteSize::from_text(text, kind).unwrap().to_string(), text);
        }
        let check = |text: &str, reason: &str| {
            let error = ByteSize::from_text(text, kind).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("64", "no unit");
        check("MiB", "whole number");
        check("-1MiB", "whole number");
        check("1.5MiB", "none of the units");
        check("64MB", "none of the units");
        check("1B", "less than 1KiB");
        check("3GiB", "more than 2GiB");
        check("99999999999999999999GiB", "too large");
        check("18446744073709551615GiB", "too large");
    }
}
