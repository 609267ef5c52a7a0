//! What queries have in common: `bbox`, `icao24`, `format`.

use std::collections::HashSet;

use actix_web::HttpRequest;
use actors::domain::{BoundingBox, Icao24};
use actors::messages::Scope;

use super::problem::Problem;

/// How many addresses one query may name.
const MOST_AIRCRAFT: usize = 500;

/// The parameters of a query that this server knows, each at most once but for `icao24`.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// Which aircraft are meant.
    pub(super) scope: Scope,
    /// The form of the answer, where it is asked for by `format`.
    pub(super) format: Option<String>,
}

impl Parameters {
    /// Reads the query of a request, of which only the `known` parameters may occur.
    pub(super) fn of(request: &HttpRequest, known: &[&'static str]) -> Result<Self, Problem> {
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
                _ => parameters.format = Some(value.into_owned()),
            }
        }
        Ok(parameters)
    }
}

fn bounding_box(value: &str) -> Result<BoundingBox, Problem> {
    value.parse().map_err(|error| Problem::bad_parameter("bbox", error))
}

fn icao24(value: &str, into: &mut HashSet<Icao24>) -> Result<(), Problem> {
    for part in value.split(',') {
        into.insert(Icao24::parse(part).map_err(|error| Problem::bad_parameter("icao24", error))?);
    }
    if into.len() > MOST_AIRCRAFT {
        return Err(Problem::bad_parameter("icao24", format!("more than {MOST_AIRCRAFT} addresses")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn parameters(query: &str) -> Result<Parameters, Problem> {
        let request = TestRequest::with_uri(&format!("/api/v1/flights?{query}")).to_http_request();
        Parameters::of(&request, &["bbox", "icao24", "format"])
    }

    #[test]
    fn a_scope_is_a_box_and_some_addresses() {
        let scope = parameters("bbox=45.8,5.9,47.9,10.6&icao24=4B1814,3c6444&icao24=aaaaaa").unwrap().scope;
        assert_eq!(scope.bounding_box, Some("45.8,5.9,47.9,10.6".parse().unwrap()));
        assert_eq!(scope.icao24.len(), 3);
        assert_eq!(parameters("").unwrap().scope, Scope::default());
    }

    #[test]
    fn a_bad_query_is_refused_with_the_name_of_its_parameter() {
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

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "[ -~]{0,80}") {
            if let Ok(uri) = format!("/x?{query}").parse::<actix_web::http::Uri>() {
                let request = TestRequest::with_uri(&uri.to_string()).to_http_request();
                let _ = Parameters::of(&request, &["bbox", "icao24"]);
            }
        }
    }
}
