//! Parses the query of `/states/all`.

use std::collections::HashSet;

/// A bounding box in degrees, edges included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BoundingBox {
    pub(crate) lamin: f64,
    pub(crate) lomin: f64,
    pub(crate) lamax: f64,
    pub(crate) lomax: f64,
}

impl BoundingBox {
    pub(crate) fn square_degrees(&self) -> f64 {
        (self.lamax - self.lamin) * (self.lomax - self.lomin)
    }

    fn contains(&self, (lat, lon): (f64, f64)) -> bool {
        (self.lamin..=self.lamax).contains(&lat) && (self.lomin..=self.lomax).contains(&lon)
    }
}

/// The parsed query.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StatesQuery {
    pub(crate) bounding_box: Option<BoundingBox>,
    /// `None`: all aircraft.
    pub(crate) addresses: Option<HashSet<u32>>,
    pub(crate) extended: bool,
    /// Unix seconds; `None`: now.
    pub(crate) time: Option<i64>,
}

impl StatesQuery {
    /// Parses the query's pairs. Ignores unknown names, as OpenSky does.
    ///
    /// # Errors
    /// If a number is malformed, or the bounding box is incomplete, inverted, crosses the antimeridian or is out of
    /// range.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, String> {
        let first = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let degrees = |name: &str, limit: f64| match first(name).map(str::parse::<f64>) {
            None => Ok(None),
            Some(Ok(value)) if value.abs() <= limit => Ok(Some(value)),
            Some(_) => Err(format!("{name} must be a number from -{limit} to {limit}")),
        };
        let bounding_box = match (
            degrees("lamin", 90.0)?,
            degrees("lomin", 180.0)?,
            degrees("lamax", 90.0)?,
            degrees("lomax", 180.0)?,
        ) {
            (None, None, None, None) => None,
            (Some(lamin), Some(lomin), Some(lamax), Some(lomax)) if lamin <= lamax && lomin <= lomax => {
                Some(BoundingBox { lamin, lomin, lamax, lomax })
            }
            (Some(_), Some(_), Some(_), Some(_)) => {
                return Err("lamin must not exceed lamax, and lomin must not exceed lomax".to_owned());
            }
            _ => return Err("lamin, lomin, lamax and lomax must be given together".to_owned()),
        };
        let mut requested = pairs.iter().filter(|(key, _)| key == "icao24").map(|(_, value)| value).peekable();
        // A malformed address matches no aircraft.
        let addresses = requested.peek().is_some().then(|| {
            requested
                .filter(|text| text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .filter_map(|text| u32::from_str_radix(text, 16).ok())
                .collect()
        });
        let time = match first("time").map(str::parse::<i64>) {
            // OpenSky's own clients send 0 for the newest states.
            None | Some(Ok(0)) => None,
            Some(Ok(time)) => Some(time),
            Some(Err(_)) => return Err("time must be a whole number of Unix seconds".to_owned()),
        };
        // Documented as 1; OpenSky's Python client sends Python's `True`.
        let extended = first("extended").is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"));
        Ok(Self { bounding_box, addresses, extended, time })
    }

    /// Returns whether a row belongs to the response. Rows without a position are outside every bounding box.
    pub(crate) fn matches(&self, address: Option<u32>, position: Option<(f64, f64)>) -> bool {
        self.bounding_box.is_none_or(|bounding_box| position.is_some_and(|position| bounding_box.contains(position)))
            && self
                .addresses
                .as_ref()
                .is_none_or(|requested| address.is_some_and(|address| requested.contains(&address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &[(&str, &str)]) -> Result<StatesQuery, String> {
        let pairs: Vec<_> = query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        StatesQuery::parse(&pairs)
    }

    fn boxed(lamin: &str, lomin: &str, lamax: &str, lomax: &str) -> Result<StatesQuery, String> {
        parse(&[("lamin", lamin), ("lomin", lomin), ("lamax", lamax), ("lomax", lomax)])
    }

    #[test]
    fn an_invalid_bounding_box_is_rejected() {
        assert!(boxed("45.8", "5.9", "47.8", "10.5").is_ok());
        assert!(boxed("-90", "-180", "90", "180").is_ok());
        for (lamin, lomin, lamax, lomax) in [
            ("47", "5", "46", "10"),
            ("45", "170", "46", "-170"),
            ("45", "5", "91", "10"),
            ("45", "5", "46", "181"),
            ("45", "5", "NaN", "10"),
            ("", "5", "46", "10"),
            ("north", "5", "46", "10"),
        ] {
            assert!(boxed(lamin, lomin, lamax, lomax).is_err(), "{lamin} {lomin} {lamax} {lomax}");
        }
        assert!(parse(&[("lamin", "1"), ("lamax", "2")]).is_err());
    }

    #[test]
    fn extended_accepts_every_spelling_of_true() {
        for (value, extended) in
            [("1", true), ("true", true), ("True", true), ("TRUE", true), ("0", false), ("False", false), ("", false)]
        {
            assert_eq!(parse(&[("extended", value)]).unwrap().extended, extended, "{value}");
        }
    }

    #[test]
    fn time_zero_means_now() {
        assert_eq!(parse(&[("time", "0")]), parse(&[]));
        assert_eq!(parse(&[("time", "5")]).unwrap().time, Some(5));
        assert!(parse(&[("time", "")]).is_err() && parse(&[("time", "0.5")]).is_err());
    }

    #[test]
    fn addresses_may_be_repeated_and_an_invalid_one_matches_nothing() {
        let query = parse(&[("icao24", "3c6444"), ("icao24", "A00001"), ("x", "y")]).unwrap();
        assert!(query.matches(Some(0x3c_6444), None) && query.matches(Some(0xa0_0001), None));
        assert!(!query.matches(Some(0x3c_6445), None));
        assert!(!parse(&[("icao24", "+3c644")]).unwrap().matches(Some(0x3c_6444), None));
    }
}
