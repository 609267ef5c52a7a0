use compact_str::CompactString;
use serde::Serialize;
use utoipa::ToSchema;

use super::countries::country_of;
use super::facts::{AircraftFacts, FactOrigin};
use crate::domain::Icao24;

/// What is known about one aircraft. Unknown members are left out.
#[derive(Serialize, ToSchema)]
pub struct KnownAircraft<'a> {
    icao24: Icao24,
    /// The state to which ICAO assigned the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    country: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false, required = false)]
    registration: Option<CompactString>,
    /// ICAO type designator.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    type_code: Option<&'a str>,
    /// Manufacturer and model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<&'a str>,
    /// The operator, or the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    operator: Option<&'a str>,
    /// The airline of the callsign, which may fly with an aircraft of another operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    airline: Option<&'a str>,
    /// Only for military aircraft.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    military: bool,
    sources: FactSources,
}

/// Where each of the values is from.
#[derive(Serialize, ToSchema)]
struct FactSources {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    country: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    registration: Option<FactOrigin>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    type_code: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    operator: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    airline: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    military: Option<FactOrigin>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde expects")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> KnownAircraft<'a> {
    /// Returns the address.
    pub fn icao24(&self) -> Icao24 {
        self.icao24
    }

    /// Adds the country and the sources to what is known.
    pub fn new(icao24: Icao24, facts: AircraftFacts<'a>) -> Self {
        let country = country_of(icao24);
        let (registration, registered_by) = facts.registration.unzip();
        let table = |is_known: bool| is_known.then_some(FactOrigin::Table);
        let military = facts.flags.is_military();
        Self {
            icao24,
            country,
            registration,
            type_code: facts.type_code,
            description: facts.description,
            operator: facts.operator,
            airline: facts.airline,
            military,
            sources: FactSources {
                country: country.map(|_| FactOrigin::Computed),
                registration: registered_by,
                type_code: table(facts.type_code.is_some()),
                description: table(facts.description.is_some()),
                operator: table(facts.operator.is_some()),
                airline: facts.airline.map(|_| FactOrigin::Airlines),
                military: table(military),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_says_where_it_is_from() {
        let facts = AircraftFacts {
            registration: Some(("N1".into(), FactOrigin::Computed)),
            type_code: Some("C560"),
            airline: Some("Swiss"),
            ..AircraftFacts::default()
        };
        let known = KnownAircraft::new(Icao24::from_u32(0xa0_0001), facts);
        let expected = json!({
            "icao24": "a00001", "country": "United States", "registration": "N1", "type": "C560", "airline": "Swiss",
            "sources": { "country": "computed", "registration": "computed", "type": "table", "airline": "airlines" },
        });
        assert_eq!(serde_json::to_value(known).unwrap(), expected);
        let unknown = KnownAircraft::new(Icao24::from_u32(0xf0_0000), AircraftFacts::default());
        assert_eq!(serde_json::to_value(unknown).unwrap(), json!({ "icao24": "f00000", "sources": {} }));
    }
}
