//! Parses query parameters: aircraft, period and format.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use actix_web::HttpRequest;
use actors::domain::{BoundingBox, Icao24, UnixTime};
use actors::messages::Scope;

use crate::export::{parse_addresses, parse_time};
use crate::http::fact_filter::FactFilter;
use crate::http::reply::problem::Problem;

/// The description of a parameter in `openapi.json`. It is the same for every endpoint that supports the parameter.
pub(crate) struct KnownParameter {
    pub(crate) name: &'static str,
    /// The JSON Schema type.
    pub(crate) schema_type: &'static str,
    pub(crate) description: &'static str,
    pub(crate) example: &'static str,
}

/// The parameters that several endpoints support.
pub(crate) const KNOWN_PARAMETERS: &[KnownParameter] = &[
    KnownParameter {
        name: "bbox",
        schema_type: "string",
        description: "Only aircraft in this box: lamin,lomin,lamax,lomax in degrees, inclusive. With lomin > lomax it \
                      crosses the antimeridian.",
        example: "45.8,5.9,47.9,10.6",
    },
    KnownParameter {
        name: "icao24",
        schema_type: "string",
        description: "Only these aircraft: ICAO 24-bit addresses in hex, separated by commas; may be repeated; at \
                      most 500.",
        example: "4b1814,3c6444",
    },
    KnownParameter {
        name: "registration",
        schema_type: "string",
        description: "Only aircraft with this registration, or one of several separated by commas. Case and hyphens are \
                      ignored.",
        example: "HB-JCA",
    },
    KnownParameter {
        name: "type",
        schema_type: "string",
        description: "Only aircraft with this ICAO type designator, or one of several separated by commas.",
        example: "A320,A20N",
    },
    KnownParameter {
        name: "operator",
        schema_type: "string",
        description: "Only aircraft whose operator or airline contains this text. Case is ignored.",
        example: "swiss",
    },
    KnownParameter {
        name: "from",
        schema_type: "string",
        description: "The earliest last_contact, inclusive: Unix seconds or RFC 3339.",
        example: "2026-01-01T00:00:00Z",
    },
    KnownParameter {
        name: "to",
        schema_type: "string",
        description: "The latest last_contact, inclusive: Unix seconds or RFC 3339; by default now.",
        example: "1767312000",
    },
    KnownParameter {
        name: "limit",
        schema_type: "integer",
        description: "The maximum number of results.",
        example: "1000",
    },
    KnownParameter {
        name: "cursor",
        schema_type: "string",
        description: "The next_cursor of the previous page.",
        example: "1767312000",
    },
    KnownParameter {
        name: "last_event_id",
        schema_type: "string",
        description: "Resume after the event with this id. The Last-Event-ID header, which browsers send themselves, \
                      takes precedence.",
        example: "5f3a9c1e-1841-world",
    },
    KnownParameter {
        name: "format",
        schema_type: "string",
        description: "The format of the response, instead of the Accept header.",
        example: "geojson",
    },
];

/// The parsed parameters of a request. Each may occur once, except `icao24`.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) scope: Scope,
    pub(crate) format: Option<String>,
    /// The other parameters, unparsed.
    others: HashMap<&'static str, String>,
}

/// A time range. Both ends are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: UnixTime,
    pub(crate) to: UnixTime,
}

impl Parameters {
    /// Parses the query of a request. Only the `known` parameters are accepted.
    pub(crate) fn parse(request: &HttpRequest, known: &[&'static str]) -> Result<Self, Problem> {
        let mut parameters = Self::default();
        let mut seen = HashSet::new();
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            let Some(&name) = known.iter().find(|known| **known == name) else {
                let name: String = name.chars().take(40).collect();
                return Err(Problem::bad_request(format!("unknown parameter {name:?}; known: {}", known.join(", "))));
            };
            if !seen.insert(name) && name != "icao24" {
                return Err(Problem::bad_parameter(name, "given twice"));
            }
            match name {
                "bbox" => parameters.scope.bounding_box = Some(bounding_box(&value)?),
                "icao24" => icao24(&value, &mut parameters.scope.icao24)?,
                "format" => parameters.format = Some(value.into_owned()),
                name => drop(parameters.others.insert(name, value.into_owned())),
            }
        }
        Ok(parameters)
    }

    /// Returns a parameter as text.
    pub(crate) fn text(&self, name: &'static str) -> Option<&str> {
        self.others.get(name).map(String::as_str)
    }

    /// Parses a parameter as an integer.
    ///
    /// # Errors
    /// 400 if it is not an integer, or out of range.
    pub(crate) fn integer(&self, name: &'static str, range: RangeInclusive<u32>) -> Result<Option<u32>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (min, max) = range.into_inner();
                let detail = format!("expected an integer from {min} to {max}, not {:?}", shortened(text));
                Err(Problem::bad_parameter(name, detail))
            }
        }
    }

    /// Parses a parameter as `true` or `false`; without it, `false`.
    ///
    /// # Errors
    /// 400 if it is neither.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => {
                Err(Problem::bad_parameter(name, format!("expected true or false, not {:?}", shortened(text))))
            }
        }
    }

    /// Parses `registration`, `type`, `operator` and `military`.
    ///
    /// # Errors
    /// 400 if one of them is blank, or `military` is not a flag.
    pub(crate) fn fact_filter(&self) -> Result<FactFilter, Problem> {
        let text = |name| match self.text(name).map(str::trim) {
            Some("") => Err(Problem::bad_parameter(name, "must not be blank")),
            text => Ok(text),
        };
        let items = |text: &'_ str| text.split(',').map(str::trim).map(str::to_owned).collect::<Vec<_>>();
        let mut filter = FactFilter::default();
        if let Some(texts) = text("registration")? {
            filter = filter.registrations(items(texts).iter().map(String::as_str));
        }
        if let Some(texts) = text("type")? {
            filter = filter.types(items(texts).iter().map(String::as_str));
        }
        if let Some(operator) = text("operator")? {
            filter = filter.operator(operator);
        }
        Ok(if self.flag("military")? { filter.military() } else { filter })
    }

    /// Parses a parameter as a time in Unix seconds or RFC 3339; fractions of a second are dropped.
    ///
    /// # Errors
    /// 400 if it is neither.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<UnixTime>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse_time(text).map(Some).map_err(|error| Problem::bad_parameter(name, error))
    }

    /// Parses `from` and `to`. By default `to` is the current time plus the tolerated clock difference of the source,
    /// and `from` is `length` earlier.
    ///
    /// # Errors
    /// 400 if one of them is not a time, or `from` is after `to`.
    pub(crate) fn period(&self, length: Duration) -> Result<Period, Problem> {
        self.period_until(UnixTime(UnixTime::now().0 + MAX_CLOCK_DIFFERENCE), length)
    }

    /// Parses the period between `from` and `to`. By default it ends at `end`, and has this length.
    ///
    /// # Errors
    /// 400 if one of them is not a time, or `from` is after `to`.
    pub(crate) fn period_until(&self, end: UnixTime, length: Duration) -> Result<Period, Problem> {
        let to = self.time("to")?.unwrap_or(end);
        let from = self.time("from")?.unwrap_or_else(|| to.minus(length));
        if from > to {
            return Err(Problem::bad_parameter("from", format!("{from} is after `to` ({to})")));
        }
        Ok(Period { from, to })
    }
}

/// The tolerated clock difference of the source, in seconds; a state further ahead of its response is invalid.
const MAX_CLOCK_DIFFERENCE: i64 = 60;

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

fn bounding_box(value: &str) -> Result<BoundingBox, Problem> {
    value.parse().map_err(|error| Problem::bad_parameter("bbox", error))
}

fn icao24(value: &str, into: &mut HashSet<Icao24>) -> Result<(), Problem> {
    parse_addresses(value, into).map_err(|error| Problem::bad_parameter("icao24", error))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn parameters(query: &str) -> Result<Parameters, Problem> {
        let request = TestRequest::with_uri(&format!("/api/v1/flights?{query}")).to_http_request();
        Parameters::parse(&request, &["bbox", "icao24", "format", "from", "to", "limit"])
    }

    #[test]
    fn a_scope_is_parsed_from_a_box_and_addresses() {
        let scope = parameters("bbox=45.8,5.9,47.9,10.6&icao24=4B1814,3c6444&icao24=aaaaaa").unwrap().scope;
        assert_eq!(scope.bounding_box, Some("45.8,5.9,47.9,10.6".parse().unwrap()));
        assert_eq!(scope.icao24.len(), 3);
        assert_eq!(parameters("").unwrap().scope, Scope::default());
    }

    #[test]
    fn the_error_for_an_invalid_query_names_the_parameter() {
        let check = |query: &str, expected: &str| {
            let problem = parameters(query).unwrap_err().to_string();
            assert!(problem.contains(expected), "{query}: {problem}");
        };
        check("bbox=1,2,3", "bbox: ");
        check("bbox=", "bbox: ");
        check("bbox=1,2,3,4&bbox=1,2,3,4", "bbox: given twice");
        check("icao24=xyz", "icao24: ");
        check("icao24=", "icao24: ");
        check("box=1", "unknown parameter \"box\"");
    }

    #[test]
    fn a_period_accepts_both_time_formats_and_has_defaults() {
        let check = |query: &str, expected: Result<(i64, i64), &str>| {
            let period = parameters(query).unwrap().period(Duration::from_secs(3600));
            match (period, expected) {
                (Ok(Period { from, to }), Ok(expected)) => assert_eq!((from.0, to.0), expected, "{query}"),
                (Err(problem), Err(reason)) => assert!(problem.to_string().contains(reason), "{query}: {problem}"),
                (period, _) => panic!("{query}: {period:?}"),
            }
        };
        check("from=1767225600&to=1767225601", Ok((1_767_225_600, 1_767_225_601)));
        check("from=2026-01-01T00:00:00Z&to=2026-01-01T02:00:00.9+01:00", Ok((1_767_225_600, 1_767_229_200)));
        check("from=2026-01-01T02:00:00%2B02:00&to=1767225600", Ok((1_767_225_600, 1_767_225_600)));
        check("from=-86401&to=-1", Ok((-86_401, -1)));
        check("to=7200", Ok((3600, 7200)));
        check("from=2&to=1", Err("from: 2 is after `to` (1)"));
        check("from=yesterday", Err("from: \"yesterday\" is neither"));
        check("to=", Err("to: \"\" is neither"));
        check("to=99999999999999", Err("to: "));
        check("from=2026-13-01T00:00:00Z", Err("from: "));
        let before = UnixTime::now();
        let period = parameters("").unwrap().period(Duration::from_secs(60)).unwrap();
        assert!(period.to > before && period.to.seconds_since(period.from) == 60);
    }

    #[test]
    fn an_integer_out_of_range_is_rejected() {
        let limit = |query: &str| parameters(query).unwrap().integer("limit", 1..=10).map_err(|p| p.to_string());
        assert_eq!(limit(""), Ok(None));
        assert_eq!(limit("limit=10"), Ok(Some(10)));
        for query in ["limit=0", "limit=11", "limit=", "limit=1.5", "limit=-1"] {
            assert!(limit(query).unwrap_err().contains("limit: "), "{query}");
        }
    }

    proptest! {
        #[test]
        fn fuzzed_queries_do_not_panic(query in "[ -~]{0,80}") {
            if let Ok(uri) = format!("/x?{query}").parse::<actix_web::http::Uri>() {
                let request = TestRequest::with_uri(&uri.to_string()).to_http_request();
                if let Ok(parameters) = Parameters::parse(&request, &["bbox", "icao24", "from", "x"]) {
                    let _ = parameters.period(Duration::from_secs(1));
                }
            }
        }
    }
}
