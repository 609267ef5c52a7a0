use compact_str::CompactString;

/// What enrichment knows about an aircraft in addition to its state; `None` where it knows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFacts {
    /// The registration, such as `D-AIBL`.
    pub registration: Option<CompactString>,
    /// The ICAO type designator, such as `A319`.
    pub aircraft_type: Option<CompactString>,
    /// The operator's name.
    pub operator: Option<CompactString>,
    /// The country to which the address is assigned.
    pub country: Option<&'static str>,
}

impl RuleFacts {
    /// Returns the fact with this name in rules.
    pub(super) fn named(&self, name: &str) -> Option<&str> {
        match name {
            "registration" => self.registration.as_deref(),
            "type" => self.aircraft_type.as_deref(),
            "operator" => self.operator.as_deref(),
            "country" => self.country,
            _ => None,
        }
    }
}
