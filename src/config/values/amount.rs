//! Numbers, and amounts with a unit.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::value::{InvalidValue, SettingValue, Shape};
use crate::sources::PollInterval;

pub(in crate::config) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(in crate::config) const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(in crate::config) const fn mins(count: u64) -> Duration {
    secs(60 * count)
}

pub(in crate::config) const fn hours(count: u64) -> Duration {
    mins(60 * count)
}

pub(in crate::config) const fn days(count: u64) -> Duration {
    hours(24 * count)
}

/// Formats a duration in the largest unit that is exact: `90s`, `2h`, `30d`.
pub fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units: [(u128, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    match units.into_iter().find(|(size, _)| millis > 0 && millis.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{}{unit}", millis / size),
        None => "0s".to_owned(),
    }
}

/// Parses a duration with its unit, from one second to one year.
///
/// # Errors
/// Returns an error for a bare number, an unknown unit, or a duration outside these limits.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidValue> {
    Duration::parse(text.trim(), &(secs(1)..=days(365)))
}

fn expected_between(expected: &str, limits: &RangeInclusive<Duration>) -> String {
    format!("{expected} from {} to {}", show_duration(*limits.start()), show_duration(*limits.end()))
}

impl SettingValue for Duration {
    type Limits = RangeInclusive<Self>;

    const SHAPE: Shape = Shape::Number;
    const PLACEHOLDER: &'static str = "DURATION";
    const EXPECTED: &'static str = "a time with its unit (ms, s, m, h, d), such as 30s,";

    fn parse(text: &str, limits: &Self::Limits) -> Result<Self, InvalidValue> {
        let invalid = |reason: String| Err(InvalidValue::because(reason));
        if text.parse::<f64>().is_ok() {
            return invalid(format!("a bare number has no unit; write {text}s if seconds are meant"));
        }
        // humantime accepts more units, including M for months, which is too easily confused with m.
        let mut units = text.split(|c: char| !c.is_alphabetic()).filter(|unit| !unit.is_empty());
        if let Some(unit) = units.find(|unit| !matches!(*unit, "ms" | "s" | "m" | "h" | "d")) {
            return invalid(format!("unknown unit {unit:?}"));
        }
        let duration = humantime::parse_duration(text).map_err(InvalidValue::because)?;
        if duration < *limits.start() {
            return invalid(format!("shorter than {}", show_duration(*limits.start())));
        }
        if duration > *limits.end() {
            return invalid(format!("longer than {}", show_duration(*limits.end())));
        }
        Ok(duration)
    }

    fn expected(limits: &Self::Limits) -> String {
        expected_between(Self::EXPECTED, limits)
    }

    fn display(&self) -> String {
        show_duration(*self)
    }
}

impl SettingValue for PollInterval {
    type Limits = RangeInclusive<Duration>;

    const SHAPE: Shape = Shape::Number;
    const PLACEHOLDER: &'static str = "auto|DURATION";
    const EXPECTED: &'static str = "auto, or a time with its unit (ms, s, m, h, d), such as 30s,";

    fn parse(text: &str, limits: &Self::Limits) -> Result<Self, InvalidValue> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => Duration::parse(text, limits).map(Self::Every),
        }
    }

    fn expected(limits: &Self::Limits) -> String {
        expected_between(Self::EXPECTED, limits)
    }

    fn display(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Every(interval) => interval.display(),
        }
    }
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub usize);

const BYTE_UNITS: [(usize, &str); 4] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = BYTE_UNITS.into_iter().find(|(size, _)| self.0 > 0 && self.0.is_multiple_of(*size));
        let (size, name) = unit.unwrap_or((1, "B"));
        write!(f, "{}{name}", self.0 / size)
    }
}

impl SettingValue for ByteSize {
    type Limits = RangeInclusive<Self>;

    const SHAPE: Shape = Shape::Number;
    const PLACEHOLDER: &'static str = "SIZE";
    const EXPECTED: &'static str = "a size with its unit (B, KiB, MiB, GiB), such as 64MiB,";

    fn parse(text: &str, limits: &Self::Limits) -> Result<Self, InvalidValue> {
        let invalid = |reason: String| Err(InvalidValue::because(reason));
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim();
        if number.is_empty() {
            return Err(InvalidValue::because("it does not start with a whole number"));
        }
        if unit.is_empty() {
            return invalid(format!("a bare number has no unit; write {text}B if bytes are meant"));
        }
        let Some((size, _)) = BYTE_UNITS.into_iter().find(|(_, name)| *name == unit) else {
            return invalid(format!("unknown unit {unit:?}"));
        };
        let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(size)).map(Self);
        match bytes {
            None => Err(InvalidValue::because("it is too large")),
            Some(bytes) if bytes < *limits.start() => invalid(format!("less than {}", limits.start())),
            Some(bytes) if bytes > *limits.end() => invalid(format!("more than {}", limits.end())),
            Some(bytes) => Ok(bytes),
        }
    }

    fn expected(limits: &Self::Limits) -> String {
        format!("{} from {} to {}", Self::EXPECTED, limits.start(), limits.end())
    }

    fn display(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_numbers {
    ($($type:ty: $expected:literal, $placeholder:literal;)+) => {$(
        impl SettingValue for $type {
            type Limits = RangeInclusive<Self>;

            const SHAPE: Shape = Shape::Number;
            const PLACEHOLDER: &'static str = $placeholder;
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str, limits: &Self::Limits) -> Result<Self, InvalidValue> {
                let number = text.parse::<i128>().map_err(|_| InvalidValue::because("not a whole number"))?;
                let number = Self::try_from(number).ok().filter(|number| limits.contains(number));
                number.ok_or_else(|| InvalidValue::because("out of range"))
            }

            fn expected(limits: &Self::Limits) -> String {
                format!("{} from {} to {}", Self::EXPECTED, limits.start(), limits.end())
            }

            fn display(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

whole_numbers! {
    u16: "a port", "PORT";
    i16: "a whole number", "N";
    i32: "a whole number", "N";
    usize: "a whole number", "N";
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: RangeInclusive<Duration> = Duration::ZERO..=Duration::MAX;

    #[test]
    fn durations_are_shown_as_they_are_written() {
        for text in ["0s", "1ms", "1500ms", "90s", "5m", "36h", "30d"] {
            assert_eq!(show_duration(Duration::parse(text, &ANY).unwrap()), text);
        }
        assert_eq!(show_duration(Duration::parse("1h 30m", &ANY).unwrap()), "90m");
    }

    #[test]
    fn durations_without_a_unit_or_with_another_are_rejected() {
        let check = |text: &str, reason: &str| {
            let error = Duration::parse(text, &(secs(1)..=mins(1))).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("10", "no unit; write 10s");
        check("1.5", "no unit");
        check("3M", "unknown unit \"M\"");
        check("1y", "unknown unit \"y\"");
        check("soon", "unknown unit \"soon\"");
        check("500ms", "shorter than 1s");
        check("2m", "longer than 1m");
        check("99999999999999999999d", "");
        check("-5s", "");
        check("", "");
    }

    #[test]
    fn sizes_are_shown_as_they_are_written_and_bounded() {
        let limits = ByteSize(1024)..=ByteSize(1 << 31);
        for text in ["1KiB", "1500B", "64MiB", "2GiB"] {
            assert_eq!(ByteSize::parse(text, &limits).unwrap().to_string(), text);
        }
        let check = |text: &str, reason: &str| {
            let error = ByteSize::parse(text, &limits).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("64", "no unit");
        check("MiB", "whole number");
        check("-1MiB", "whole number");
        check("1.5MiB", "unknown unit");
        check("64MB", "unknown unit");
        check("1B", "less than 1KiB");
        check("3GiB", "more than 2GiB");
        check("99999999999999999999GiB", "too large");
        check("18446744073709551615GiB", "too large");
    }
}
