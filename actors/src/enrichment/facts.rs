use compact_str::CompactString;
use serde::Serialize;
use utoipa::ToSchema;

use super::airlines::Airlines;
use super::countries::country_of;
use super::registration::computed_registration;
use super::table::{AircraftFlags, AircraftTable};
use crate::detect::RuleFacts;
use crate::domain::Icao24;

/// Where a value is from that no source of state vectors reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactOrigin {
    /// The scheme by which the authority assigns addresses.
    Computed,
    /// The operator's aircraft table.
    Table,
    /// The list of airlines, by the first three letters of the callsign.
    Airlines,
}

/// What is known about an aircraft in addition to its state vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AircraftFacts<'a> {
    /// The registration and where it is from.
    pub registration: Option<(CompactString, FactOrigin)>,
    /// The ICAO type designator, such as `A320`, from the table.
    pub type_code: Option<&'a str>,
    /// The manufacturer and the model, from the table.
    pub description: Option<&'a str>,
    /// The operator or owner, from the table.
    pub operator: Option<&'a str>,
    /// The airline of the callsign.
    pub airline: Option<&'a str>,
    /// Whether it is military, and the like, from the table.
    pub flags: AircraftFlags,
}

/// The data from which facts about aircraft follow.
#[derive(Debug, Default)]
pub struct FactBook {
    /// The operator's table.
    pub table: AircraftTable,
    /// Increases with each replacement of the table.
    pub version: u64,
}

impl FactBook {
    /// Returns the facts that rules can require of an aircraft.
    pub fn rule_facts(&self, icao24: Icao24) -> RuleFacts {
        let AircraftFacts { registration, type_code, operator, .. } = self.facts(icao24, None);
        RuleFacts {
            registration: registration.map(|(text, _)| text),
            aircraft_type: type_code.map(CompactString::new),
            operator: operator.map(CompactString::new),
            country: country_of(icao24),
        }
    }

    /// Returns what is known about an aircraft with this address and callsign. Allocates nothing.
    pub fn facts(&self, icao24: Icao24, callsign: Option<&str>) -> AircraftFacts<'_> {
        let entry = self.table.get(icao24);
        let registered = entry.registration.map(|text| (CompactString::new(text), FactOrigin::Table));
        let registration =
            registered.or_else(|| computed_registration(icao24).map(|text| (text, FactOrigin::Computed)));
        AircraftFacts {
            registration,
            type_code: entry.type_code,
            description: entry.description,
            operator: entry.operator,
            airline: callsign.and_then(|callsign| Airlines::shipped().of_callsign(callsign)),
            flags: entry.flags,
        }
    }
}

impl AircraftFacts<'_> {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == AircraftFacts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrichment::table::{TableBuilder, TableEntry};

    fn book() -> FactBook {
        let mut builder = TableBuilder::default();
        let swiss = TableEntry {
            registration: Some("HB-JCA"),
            type_code: Some("BCS3"),
            description: Some("AIRBUS A220-300"),
            operator: Some("Swiss"),
            flags: AircraftFlags::default(),
        };
        builder.add(Icao24::from_u32(0x4b_1814), &swiss).unwrap();
        let renamed = TableEntry { registration: Some("N1-TEST"), ..TableEntry::default() };
        builder.add(Icao24::from_u32(0xa0_0001), &renamed).unwrap();
        FactBook { table: builder.build(), version: 1 }
    }

    #[test]
    fn the_table_has_precedence_over_a_computed_registration() {
        let book = book();
        let registration = |address| book.facts(Icao24::from_u32(address), None).registration;
        assert_eq!(registration(0xa0_0001), Some(("N1-TEST".into(), FactOrigin::Table)));
        assert_eq!(registration(0xa0_0002), Some(("N1A".into(), FactOrigin::Computed)));
        assert_eq!(registration(0x4b_1815), None);
    }

    #[test]
    fn an_airline_follows_from_the_callsign_and_not_from_the_operator() {
        let book = book();
        let facts = book.facts(Icao24::from_u32(0x4b_1814), Some("DLH123"));
        assert_eq!((facts.operator, facts.airline), (Some("Swiss"), Some("Lufthansa")));
        assert!(book.facts(Icao24::from_u32(1), Some("ZZZZ")).is_empty());
    }
}
