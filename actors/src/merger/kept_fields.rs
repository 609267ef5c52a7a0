//! Fields that one source reports and another does not know.

use compact_str::CompactString;

use crate::domain::{StateVector, UnixTime};

/// A value, the source that reported it, and the last contact of its state.
#[derive(Clone, Debug)]
struct Reported<T> {
    value: T,
    source: usize,
    at: UnixTime,
}

/// Declares the fields that are kept: field, type, and for how many seconds.
macro_rules! kept_fields {
    ($($field:ident: $type:ty, $seconds:expr;)+) => {
        /// What the sources last reported about an aircraft.
        #[derive(Clone, Debug, Default)]
        pub(super) struct KeptFields {
            $($field: Option<Reported<$type>>,)+
        }

        impl KeptFields {
            /// Keeps the fields of a state that a source reported.
            pub(super) fn keep(&mut self, state: &StateVector, source: usize) {
                let at = state.last_contact;
                $(
                    if let Some(value) = &state.$field
                        && self.$field.as_ref().is_none_or(|kept| kept.at <= at)
                    {
                        self.$field = Some(Reported { value: value.clone(), source, at });
                    }
                )+
            }

            /// Fills in the fields that are unknown in a state of `source` and that another source reported recently.
            pub(super) fn fill(&self, state: &mut StateVector, source: usize) {
                $(
                    if state.$field.is_none()
                        && let Some(kept) = &self.$field
                        && kept.source != source
                        && state.last_contact.seconds_since(kept.at).abs() <= $seconds
                    {
                        state.$field = Some(kept.value.clone());
                    }
                )+
            }
        }
    };
}

kept_fields! {
    callsign: CompactString, 60;
    squawk: CompactString, 60;
    category: i16, 60;
    // The country of an address does not change.
    origin_country: CompactString, 3600;
}
