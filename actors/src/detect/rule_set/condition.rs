use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::pattern::Patterns;
use super::quantity::Limit;
use crate::domain::fields::Field;
use crate::domain::{Icao24, emitter_category_name};

/// What a rule requires. Conditions on values that are unknown are neither met nor not met.
#[derive(Clone, Debug)]
pub enum Condition {
    /// All of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
    /// The address is in the list.
    Address(BTreeSet<Icao24>),
    /// A text matches a pattern.
    Text(TextField, Patterns),
    /// The emitter category is in the list, of OpenSky's codes.
    Category(BTreeSet<i16>),
    /// The aircraft is on the ground, or not.
    OnGround(bool),
    /// A number is within a limit.
    Number(&'static Field, Limit),
    /// The position is inside a fence.
    Inside(FenceId),
    /// The position has entered a fence within the last minute.
    Enter(FenceId),
    /// The position has left a fence within the last minute.
    Exit(FenceId),
    /// The aircraft has taken off within the last minute.
    Takeoff,
    /// The aircraft has landed within the last minute.
    Landing,
    /// The aircraft has been silent for this number of seconds.
    LostContact(i64),
}

/// A fence of a [`RuleSet`](super::RuleSet), by its place in the list.
#[derive(Clone, Debug)]
pub struct FenceId {
    /// The place.
    pub index: u32,
    /// The name.
    pub name: Arc<str>,
}

/// A text of an aircraft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    /// `callsign`.
    Callsign,
    /// `squawk`.
    Squawk,
    /// `origin_country`.
    Country,
    /// `source`.
    Source,
    /// The address in hexadecimal digits.
    Address,
    /// The registration, from enrichment.
    Registration,
    /// The type designator, from enrichment.
    AircraftType,
    /// The operator, from enrichment.
    Operator,
}

impl Condition {
    /// Whether a condition of this kind occurs in it.
    pub(in crate::detect) fn has(&self, is: &impl Fn(&Condition) -> bool) -> bool {
        is(self)
            || match self {
                Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.has(is)),
                Self::Not(part) => part.has(is),
                _ => false,
            }
    }

    /// Calls a function with each condition in it.
    pub(super) fn for_each(&self, call: &mut impl FnMut(&Condition)) {
        call(self);
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.for_each(call)),
            Self::Not(part) => part.for_each(call),
            _ => {}
        }
    }

    /// Returns the fences of which one must contain the aircraft, now or a moment ago, if the condition requires that.
    pub(in crate::detect) fn required_fences(&self) -> Option<Vec<u32>> {
        match self {
            Self::Inside(fence) | Self::Enter(fence) => Some(vec![fence.index]),
            Self::All(parts) => parts.iter().filter_map(Self::required_fences).min_by_key(Vec::len),
            Self::Any(parts) => {
                let fences: Option<Vec<_>> = parts.iter().map(Self::required_fences).collect();
                fences.map(|fences| fences.concat())
            }
            _ => None,
        }
    }

    /// An estimate of the cost of evaluating it; the cheapest conditions are evaluated first.
    pub(super) fn cost(&self) -> u32 {
        match self {
            Self::OnGround(_) | Self::Number(..) | Self::LostContact(_) | Self::Takeoff | Self::Landing => 1,
            Self::Category(_) | Self::Inside(_) => 2,
            Self::Address(_) | Self::Enter(_) | Self::Exit(_) => 3,
            Self::Text(..) => 5,
            Self::Not(part) => part.cost(),
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::cost).sum::<u32>(),
        }
    }
}

impl TextField {
    /// The key in a rule.
    pub fn name(self) -> &'static str {
        match self {
            Self::Callsign => "callsign",
            Self::Squawk => "squawk",
            Self::Country => "country",
            Self::Source => "source",
            Self::Address => "icao24",
            Self::Registration => "registration",
            Self::AircraftType => "type",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |parts: &[Condition], with: &str| {
            let nested = |part: &Condition| match part {
                Self::All(parts) | Self::Any(parts) if parts.len() > 1 => format!("({part})"),
                _ => part.to_string(),
            };
            parts.iter().map(nested).collect::<Vec<_>>().join(with)
        };
        match self {
            Self::All(parts) => f.write_str(&join(parts, ", ")),
            Self::Any(parts) => f.write_str(&join(parts, " or ")),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Address(addresses) => {
                let shown: Vec<_> = addresses.iter().take(3).map(Icao24::to_string).collect();
                let more = addresses.len() - shown.len();
                write!(f, "icao24 {}", shown.join(" or "))?;
                if more > 0 { write!(f, " or {more} others") } else { Ok(()) }
            }
            Self::Text(field, patterns) => write!(f, "{} {patterns}", field.name()),
            Self::Category(codes) => {
                let names: Vec<_> = codes.iter().filter_map(|code| emitter_category_name(*code)).collect();
                write!(f, "category {}", names.join(" or "))
            }
            Self::OnGround(true) => f.write_str("on the ground"),
            Self::OnGround(false) => f.write_str("in flight"),
            Self::Number(field, limit) => {
                let name = match field.name {
                    "baro_altitude" => "altitude",
                    "velocity" => "speed",
                    "vertical_rate" => "vertical rate",
                    _ => "geometric altitude",
                };
                write!(f, "{name} {limit}")
            }
            Self::Inside(fence) => write!(f, "inside {}", fence.name),
            Self::Enter(fence) => write!(f, "entered {}", fence.name),
            Self::Exit(fence) => write!(f, "left {}", fence.name),
            Self::Takeoff => f.write_str("took off"),
            Self::Landing => f.write_str("landed"),
            Self::LostContact(seconds) => write!(f, "no contact for {seconds} s"),
        }
    }
}
