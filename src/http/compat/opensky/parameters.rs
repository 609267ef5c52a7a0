//! Parses query parameters as OpenSky does.

use std::collections::HashSet;

use actix_web::HttpRequest;
use actors::domain::{BoundingBox, Icao24, UnixTime};
use actors::messages::Scope;

use super::reply::OpenSkyError;
use crate::export::{check_addresses, parse_addresses};

/// The query of a request. Unknown parameters are ignored, because OpenSky ignores them, too.
pub(super) struct Parameters(Vec<(String, String)>);

/// The end of the year 9999.
const MAX_TIME: i64 = 253_402_300_799;

impl Parameters {
    pub(super) fn parse(request: &HttpRequest) -> Self {
        Self(url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect())
    }

    /// Returns the values of a parameter that may be repeated.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn one(&self, name: &str) -> Result<Option<&str>, OpenSkyError> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(OpenSkyError::bad_parameter(name, "given twice"));
        }
        Ok(value)
    }

    /// Parses a time in Unix seconds.
    pub(super) fn time(&self, name: &str) -> Result<Option<UnixTime>, OpenSkyError> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match text.parse() {
            Ok(seconds) if (0..=MAX_TIME).contains(&seconds) => Ok(Some(UnixTime(seconds))),
            _ => {
                Err(OpenSkyError::bad_parameter(name, format_args!("expected Unix seconds, not {:?}", shortened(text))))
            }
        }
    }

    /// Parses a time that OpenSky requires.
    pub(super) fn required_time(&self, name: &str) -> Result<UnixTime, OpenSkyError> {
        self.time(name)?.ok_or_else(|| OpenSkyError::bad_parameter(name, "required, in Unix seconds"))
    }

    /// Parses a flag. Python clients send `True`, others `true` or 1.
    pub(super) fn flag(&self, name: &str) -> Result<bool, OpenSkyError> {
        let Some(text) = self.one(name)? else { return Ok(false) };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(OpenSkyError::bad_parameter(name, format_args!("expected 1 or true, not {:?}", shortened(text)))),
        }
    }

    /// Parses one address.
    pub(super) fn required_icao24(&self) -> Result<Icao24, OpenSkyError> {
        let text = self.one("icao24")?;
        let text = text.ok_or_else(|| OpenSkyError::bad_parameter("icao24", "required, 6 hexadecimal digits"))?;
        Icao24::parse(text).map_err(|error| OpenSkyError::bad_parameter("icao24", error))
    }

    /// Parses the code of an airport.
    pub(super) fn required_airport(&self) -> Result<String, OpenSkyError> {
        let text = self.one("airport")?.unwrap_or_default().trim();
        if (3..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(text.to_ascii_uppercase());
        }
        Err(OpenSkyError::bad_parameter("airport", "required, the ICAO code of an airport"))
    }

    /// Parses the addresses and the bounding box.
    pub(super) fn scope(&self) -> Result<Scope, OpenSkyError> {
        let invalid = |error: &dyn std::fmt::Display| OpenSkyError::bad_parameter("icao24", error);
        let mut icao24 = HashSet::new();
        for value in self.all("icao24") {
            parse_addresses(value, &mut icao24).map_err(|error| invalid(&error))?;
        }
        check_addresses(&icao24).map_err(|error| invalid(&error))?;
        Ok(Scope { bounding_box: self.bounding_box()?, icao24 })
    }

    fn bounding_box(&self) -> Result<Option<BoundingBox>, OpenSkyError> {
        const NAMES: [&str; 4] = ["lamin", "lomin", "lamax", "lomax"];
        let mut edges = [0.0; 4];
        let mut given = 0;
        for (name, edge) in NAMES.iter().zip(&mut edges) {
            let Some(text) = self.one(name)? else { continue };
            given += 1;
            *edge = text.parse().map_err(|_| {
                OpenSkyError::bad_parameter(name, format_args!("expected degrees, not {:?}", shortened(text)))
            })?;
        }
        let [lamin, lomin, lamax, lomax] = edges;
        match given {
            0 => Ok(None),
            // A client checks its credentials with a point.
            4 => BoundingBox::of_any_size(lamin, lomin, lamax, lomax)
                .map(Some)
                .map_err(|error| OpenSkyError::BadRequest(error.to_string())),
            _ => Err(OpenSkyError::BadRequest(format!("{} are required together", NAMES.join(", ")))),
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn parameters(query: &str) -> Parameters {
        Parameters::parse(&TestRequest::with_uri(&format!("/api/states/all?{query}")).to_http_request())
    }

    #[test]
    fn a_scope_has_repeated_addresses_and_a_box() {
        let scope =
            parameters("icao24=4B1814&icao24=3c6444,aaaaaa&lamin=45.8&lomin=5.9&lamax=47.9&lomax=10.6&x=1").scope();
        let scope = scope.unwrap();
        assert_eq!(scope.bounding_box, Some("45.8,5.9,47.9,10.6".parse().unwrap()));
        assert_eq!(scope.icao24.len(), 3);
        assert_eq!(parameters("time=0&extended=1").scope().unwrap(), Scope::default());
        assert!(parameters("lamin=0.0&lamax=0.0&lomin=1.0&lomax=1.0").scope().is_ok());
        let pacific = parameters("lamin=-10&lomin=170&lamax=10&lomax=-170").scope().unwrap();
        assert!(pacific.bounding_box.unwrap().crosses_antimeridian());
    }

    #[test]
    fn a_flag_is_spelled_as_any_client_spells_it() {
        for (query, expected) in [
            ("", Some(false)),
            ("extended=1", Some(true)),
            ("extended=true", Some(true)),
            ("extended=True", Some(true)),
            ("extended=0", Some(false)),
            ("extended=False", Some(false)),
            ("extended=", None),
            ("extended=2", None),
            ("extended=1&extended=1", None),
        ] {
            assert_eq!(parameters(query).flag("extended").ok(), expected, "{query}");
        }
    }

    #[test]
    fn the_error_for_an_invalid_query_names_the_parameter() {
        let check = |query: &str, expected: &str| {
            let parameters = parameters(query);
            let error = parameters.scope().err().or_else(|| parameters.time("time").err());
            assert!(error.unwrap().to_string().contains(expected), "{query}");
        };
        check("lamin=1&lomin=2&lamax=3", "lamin, lomin, lamax, lomax are required together");
        check("lamin=1&lomin=2&lamax=3&lomax=x", "lomax: expected degrees, not \"x\"");
        check("lamin=1&lomin=2&lamax=3&lomax=181", "lomax 181 is out of range");
        check("lamin=3&lomin=2&lamax=1&lomax=4", "not south");
        check("icao24=xyz", "icao24: ");
        check("time=yesterday", "time: expected Unix seconds, not \"yesterday\"");
        check("time=-1", "time: ");
        check("time=1.5", "time: ");
        check("time=999999999999999", "time: ");
        check("time=1&time=2", "time: given twice");
    }

    proptest! {
        #[test]
        fn fuzzed_queries_do_not_panic(query in "[ -~]{0,80}") {
            if let Ok(uri) = format!("/x?{query}").parse::<actix_web::http::Uri>() {
                let parameters = Parameters::parse(&TestRequest::with_uri(&uri.to_string()).to_http_request());
                let _ = (parameters.scope(), parameters.time("time"), parameters.flag("extended"));
            }
        }
    }
}
