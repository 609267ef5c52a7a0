use serde::Serialize;
use utoipa::ToSchema;

use super::facts::FactBook;
use super::known_aircraft::KnownAircraft;
use crate::domain::StateVector;

/// A state vector with what is known about its aircraft.
#[derive(Serialize, ToSchema)]
pub struct EnrichedState<'a> {
    #[serde(flatten)]
    state: &'a StateVector,
    aircraft: KnownAircraft<'a>,
}

impl<'a> EnrichedState<'a> {
    /// Looks up what is known about the aircraft.
    pub fn new(state: &'a StateVector, facts: &'a FactBook) -> Self {
        let facts = facts.facts(state.icao24, state.callsign.as_deref());
        Self { state, aircraft: KnownAircraft::new(state.icao24, facts) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::StateVectorParts;

    #[test]
    fn a_state_keeps_its_members_and_gains_one() {
        let parts = StateVectorParts {
            icao24: "a00001".into(),
            callsign: Some("SWR8".into()),
            last_contact: Some(1),
            ..StateVectorParts::default()
        };
        let (state, facts) = (StateVector::try_from(parts).unwrap(), FactBook::default());
        let mut enriched = serde_json::to_value(EnrichedState::new(&state, &facts)).unwrap();
        let aircraft = enriched.as_object_mut().unwrap().remove("aircraft").unwrap();
        assert_eq!(enriched, serde_json::to_value(&state).unwrap());
        let expected = json!({
            "icao24": "a00001", "country": "United States", "registration": "N1",
            "airline": "Swiss International Air Lines",
            "sources": { "country": "computed", "registration": "computed", "airline": "airlines" },
        });
        assert_eq!(aircraft, expected);
    }
}
