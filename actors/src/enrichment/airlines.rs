use std::sync::OnceLock;

/// Airlines by their ICAO designators, the first three letters of their callsigns.
#[derive(Debug)]
pub struct Airlines {
    /// Ordered by designator.
    names: Vec<(&'static str, &'static str)>,
}

impl Airlines {
    /// Returns the airlines that are part of the program.
    pub fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<Airlines> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            let lines = include_str!("data/airlines.csv").lines();
            Self { names: lines.filter_map(|line| line.split_once(',')).collect() }
        })
    }

    /// Returns the airline of a callsign: three letters, then a digit. Other callsigns are registrations or names.
    pub fn of_callsign(&self, callsign: &str) -> Option<&'static str> {
        let designator = callsign.get(..3)?;
        if !callsign.as_bytes().get(3)?.is_ascii_digit() {
            return None;
        }
        let index = self.names.binary_search_by_key(&designator, |(designator, _)| designator).ok()?;
        Some(self.names[index].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_airline_follows_from_the_first_letters() {
        for (callsign, expected) in [
            ("SWR123", Some("Swiss International Air Lines")),
            ("BAW1AB", Some("British Airways")),
            ("RYR4TZ", Some("Ryanair")),
            ("SWRX12", None),
            ("swr123", None),
            ("HBJCA", None),
            ("N123AB", None),
            ("SWR", None),
            ("ÉÉ1", None),
            ("", None),
        ] {
            assert_eq!(Airlines::shipped().of_callsign(callsign), expected, "{callsign}");
        }
    }

    #[test]
    fn designators_are_ordered_and_distinct() {
        let names = &Airlines::shipped().names;
        assert!(names.len() > 900 && names.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(names.iter().all(|(designator, name)| designator.len() == 3 && !name.trim().is_empty()));
    }
}
