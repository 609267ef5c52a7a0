//! Parses the path parameters of `/v2`.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use actors::domain::units::NAUTICAL_MILE;
use actors::domain::{Icao24, Point};
use serde::Deserialize;

use crate::http::reply::problem::Problem;

/// The maximum radius in nautical miles. A larger one is reduced to it, as adsb.lol does.
const MAX_RADIUS: f64 = 250.0;

/// The maximum number of items in a list.
const MAX_ITEMS: usize = 1000;

/// A circle as requested.
#[derive(Deserialize)]
pub(crate) struct CirclePath {
    lat: String,
    lon: String,
    radius: String,
}

/// A circle on the earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Circle {
    pub(super) centre: Point,
    /// In metres.
    pub(super) radius: f64,
}

impl TryFrom<&CirclePath> for Circle {
    type Error = Problem;

    fn try_from(path: &CirclePath) -> Result<Self, Problem> {
        let lat = number("lat", &path.lat, -90.0..=90.0)?;
        let lon = number("lon", &path.lon, -180.0..=180.0)?;
        let radius = number("radius", &path.radius, 0.0..=f64::MAX)?.min(MAX_RADIUS);
        Ok(Self { centre: Point { lat, lon }, radius: radius * NAUTICAL_MILE })
    }
}

fn number(name: &'static str, text: &str, range: RangeInclusive<f64>) -> Result<f64, Problem> {
    match text.parse::<f64>() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) if range.end() == &f64::MAX => {
            Err(Problem::bad_parameter(name, format!("{} is out of range (at least 0)", shortened(text))))
        }
        Ok(_) => {
            let (min, max) = (range.start(), range.end());
            Err(Problem::bad_parameter(name, format!("{} is out of range ({min}..={max})", shortened(text))))
        }
        Err(_) => Err(Problem::bad_parameter(name, format!("{:?} is not a number", shortened(text)))),
    }
}

/// Parses addresses separated by commas. `~` marks addresses that are not ICAO's, which no aircraft here has.
pub(super) fn addresses(text: &str) -> Result<HashSet<Icao24>, Problem> {
    let mut addresses = HashSet::new();
    for item in items("hex", text)? {
        let address = Icao24::parse(item.strip_prefix('~').unwrap_or(item))
            .map_err(|error| Problem::bad_parameter("hex", error))?;
        if !item.starts_with('~') {
            addresses.insert(address);
        }
    }
    Ok(addresses)
}

/// Parses callsigns separated by commas.
pub(super) fn callsigns(text: &str) -> Result<HashSet<String>, Problem> {
    Ok(items("callsign", text)?.map(str::to_ascii_uppercase).collect())
}

/// Parses transponder codes separated by commas.
pub(super) fn squawks(text: &str) -> Result<HashSet<String>, Problem> {
    let mut squawks = HashSet::new();
    for item in items("squawk", text)? {
        if item.len() != 4 || !item.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) {
            let detail = format!("{:?} is not a transponder code (four octal digits)", shortened(item));
            return Err(Problem::bad_parameter("squawk", detail));
        }
        squawks.insert(item.to_owned());
    }
    Ok(squawks)
}

pub(super) fn items<'a>(name: &'static str, text: &'a str) -> Result<impl Iterator<Item = &'a str>, Problem> {
    let items = || text.split(',').map(str::trim);
    if items().any(str::is_empty) {
        return Err(Problem::bad_parameter(name, "an item is empty"));
    }
    if items().count() > MAX_ITEMS {
        return Err(Problem::bad_parameter(name, format!("more than {MAX_ITEMS} items")));
    }
    Ok(items())
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn circle(lat: &str, lon: &str, radius: &str) -> Result<Circle, String> {
        let path = CirclePath { lat: lat.to_owned(), lon: lon.to_owned(), radius: radius.to_owned() };
        Circle::try_from(&path).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_circle_has_at_most_the_maximum_radius() {
        let nautical_miles = |radius: &str| circle("47.4", "-8.5", radius).unwrap().radius / NAUTICAL_MILE;
        assert_eq!(circle("47.4", "-8.5", "1").unwrap().centre, Point { lat: 47.4, lon: -8.5 });
        assert_eq!([nautical_miles("0"), nautical_miles("12.5"), nautical_miles("251")], [0.0, 12.5, 250.0]);
    }

    #[test]
    fn an_invalid_parameter_is_named() {
        let check = |lat: &str, lon: &str, radius: &str, expected: &str| {
            let problem = circle(lat, lon, radius).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        };
        check("91", "8", "1", "lat: 91 is out of range (-90..=90)");
        check("NaN", "8", "1", "lat: NaN is out of range");
        check("47", "x", "1", "lon: \"x\" is not a number");
        check("47", "8", "-1", "radius: -1 is out of range (at least 0)");
        check("47", "8", "inf", "radius: inf is out of range");
        for (list, expected) in [("", "empty"), ("4b1814,", "empty"), ("xyz", "not an ICAO"), ("~xyz", "not an ICAO")] {
            assert!(addresses(list).unwrap_err().to_string().contains(expected), "{list}");
        }
        for list in ["", "123", "1238", "12345", "1200,"] {
            assert!(squawks(list).is_err(), "{list}");
        }
        assert!(callsigns(&"A,".repeat(1000)).is_err());
        assert!(callsigns(&format!("{}A", "A,".repeat(1000))).unwrap_err().to_string().contains("more than 1000"));
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let found = addresses("4B1814, 3c6444,~abcdef").unwrap();
        assert_eq!(found, HashSet::from(["4b1814", "3c6444"].map(|text| text.parse().unwrap())));
        assert_eq!(callsigns("swr123,DLH4 ").unwrap(), HashSet::from(["SWR123".to_owned(), "DLH4".to_owned()]));
        assert_eq!(squawks("7700,1000").unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn fuzzed_parameters_do_not_panic(text in "\\PC{0,40}") {
            let _ = circle(&text, &text, &text);
            let _ = (addresses(&text), callsigns(&text), squawks(&text));
        }
    }
}
