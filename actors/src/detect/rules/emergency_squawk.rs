use crate::detect::{Rule, Verdict};
use crate::domain::StateVector;

/// The transponder codes for emergencies (ICAO Annex 10, volume IV, 2.1.4).
#[derive(Debug)]
pub(super) struct EmergencySquawk;

impl Rule for EmergencySquawk {
    fn name(&self) -> &'static str {
        "emergency-squawk"
    }

    fn evaluate(&self, state: &StateVector) -> Verdict {
        match state.squawk.as_deref() {
            Some("7500") => Verdict::Met("unlawful interference"),
            Some("7600") => Verdict::Met("radio failure"),
            Some("7700") => Verdict::Met("emergency"),
            Some(_) => Verdict::NotMet,
            None => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::state;

    #[test]
    fn three_codes_are_emergencies_and_a_missing_code_is_unknown() {
        let evaluate = |squawk: Option<&str>| {
            EmergencySquawk.evaluate(&StateVector { squawk: squawk.map(Into::into), ..state("aaaaaa", 1) })
        };
        let codes = [Some("7500"), Some("7600"), Some("7700"), Some("1000"), Some(""), None].map(evaluate);
        let met = ["unlawful interference", "radio failure", "emergency"].map(Verdict::Met);
        assert_eq!(codes[..3], met);
        assert_eq!(codes[3..], [Verdict::NotMet, Verdict::NotMet, Verdict::Unknown]);
    }
}
