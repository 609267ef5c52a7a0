use actors::enrichment::AircraftFacts;

/// A column with something that is known about the aircraft of a row.
pub(crate) struct FactColumn {
    /// The name among our own columns.
    pub(super) name: &'static str,
    /// The name among the columns of the Python library `traffic`.
    pub(super) traffic_name: &'static str,
    value: for<'a> fn(&'a AircraftFacts<'_>) -> Option<&'a str>,
}

/// The columns that follow those of the state vector.
pub(crate) static FACT_COLUMNS: [FactColumn; 4] = [
    FactColumn {
        name: "registration",
        traffic_name: "registration",
        value: |facts| facts.registration.as_ref().map(|(text, _)| text.as_str()),
    },
    FactColumn { name: "type", traffic_name: "typecode", value: |facts| facts.type_code },
    FactColumn { name: "operator", traffic_name: "operator", value: |facts| facts.operator },
    FactColumn { name: "airline", traffic_name: "airline", value: |facts| facts.airline },
];

impl FactColumn {
    /// Returns the value, or `None` if it is unknown.
    pub(super) fn value<'a>(&self, facts: &'a AircraftFacts<'_>) -> Option<&'a str> {
        (self.value)(facts)
    }
}
