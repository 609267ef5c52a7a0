use std::fmt;

use crate::domain::units::{FOOT, FOOT_PER_MINUTE, KNOT, NAUTICAL_MILE};

/// A physical quantity, which decides the units that a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A height: m, ft, km.
    Altitude,
    /// A speed over ground: kt, km/h, m/s, mph.
    Speed,
    /// A vertical rate: ft/min, m/s.
    VerticalRate,
    /// A distance over ground: m, km, nm.
    Distance,
}

/// The numbers that meet a condition, in SI units.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    min: f64,
    max: f64,
    includes_min: bool,
    includes_max: bool,
    text: String,
}

impl Quantity {
    /// Returns the names of the units, with their values in SI units.
    fn units(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Altitude => &[("ft", FOOT), ("m", 1.0), ("km", 1000.0)],
            Self::Speed => &[("kt", KNOT), ("km/h", 1.0 / 3.6), ("m/s", 1.0), ("mph", 0.447_04)],
            Self::VerticalRate => &[("ft/min", FOOT_PER_MINUTE), ("m/s", 1.0)],
            Self::Distance => &[("km", 1000.0), ("nm", NAUTICAL_MILE), ("m", 1.0)],
        }
    }

    /// Parses a number with its unit, such as `1000 ft`, and returns it in SI units.
    ///
    /// # Errors
    /// Says which units are possible.
    pub fn parse(self, text: &str) -> Result<f64, String> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = unit.trim();
        let units = self.units().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let number: f64 = number.parse().map_err(|_| format!("{text:?} is not a number with a unit ({units})"))?;
        let Some((_, factor)) = self.units().iter().find(|(name, _)| *name == unit) else {
            let problem =
                if unit.is_empty() { "lacks a unit".into() } else { format!("has the unknown unit {unit:?}") };
            return Err(format!("{text:?} {problem}; possible units: {units}"));
        };
        let value = number * factor;
        if value.abs() > 1e8 { Err(format!("{text:?} is out of range")) } else { Ok(value) }
    }
}

impl Limit {
    /// Parses a limit: `< 1000 ft`, `<= …`, `> …`, `>= …`, or `1000 ft to 2000 ft`.
    ///
    /// # Errors
    /// Says what is expected.
    pub fn parse(quantity: Quantity, text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (mut limit, rest) = (Self::anything(text), text);
        if let Some(number) = rest.strip_prefix("<=") {
            limit.max = quantity.parse(number)?;
        } else if let Some(number) = rest.strip_prefix(">=") {
            limit.min = quantity.parse(number)?;
        } else if let Some(number) = rest.strip_prefix('<') {
            (limit.max, limit.includes_max) = (quantity.parse(number)?, false);
        } else if let Some(number) = rest.strip_prefix('>') {
            (limit.min, limit.includes_min) = (quantity.parse(number)?, false);
        } else if let Some((min, max)) = rest.split_once(" to ") {
            (limit.min, limit.max) = (quantity.parse(min)?, quantity.parse(max)?);
            if limit.min > limit.max {
                return Err(format!("in {text:?}, the first value is above the second one"));
            }
        } else {
            let (unit, _) = quantity.units().first().copied().unwrap_or_default();
            return Err(format!("{text:?} is not a limit; write \"< 100 {unit}\" or \"100 {unit} to 200 {unit}\""));
        }
        Ok(limit)
    }

    fn anything(text: &str) -> Self {
        let text = text.to_owned();
        Self { min: f64::NEG_INFINITY, max: f64::INFINITY, includes_min: true, includes_max: true, text }
    }

    /// Whether a number in SI units meets the limit.
    pub fn allows(&self, number: f64) -> bool {
        let above = if self.includes_min { number >= self.min } else { number > self.min };
        above && if self.includes_max { number <= self.max } else { number < self.max }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The longest duration.
const MAX_DURATION: i64 = 24 * 3600;

/// Parses a duration of up to a day in whole seconds: `90s`, `5m`, `1h 30m`. Blanks are ignored.
pub(super) fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("{text:?} is not a duration; write for example 30s, 5m or 1h30m");
    let (mut total, mut number) = (0_i64, None::<i64>);
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        let value: i64 = digits.parse().ok().filter(|value| *value <= MAX_DURATION).ok_or_else(invalid)?;
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let seconds = match unit {
            "s" | "sec" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            _ => return Err(invalid()),
        };
        total += value * seconds;
        number = Some(total);
        rest = after.trim_start();
    }
    match number {
        Some(seconds) if seconds <= MAX_DURATION => Ok(seconds),
        Some(_) => Err(format!("{text:?} is longer than a day")),
        None => Err(invalid()),
    }
}
