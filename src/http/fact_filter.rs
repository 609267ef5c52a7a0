//! Selects aircraft by what is known about them.

use std::collections::HashSet;

use actors::enrichment::AircraftFacts;

/// The requested facts; an aircraft must match each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FactFilter {
    /// In upper case and without hyphens; empty for all.
    registrations: HashSet<String>,
    /// In upper case; empty for all.
    types: HashSet<String>,
    /// In lower case.
    operator: Option<String>,
    military: bool,
}

impl FactFilter {
    /// Selects aircraft with one of these registrations. Case and hyphens are ignored.
    pub(crate) fn registrations<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self { registrations: texts.into_iter().map(plain).collect(), ..self }
    }

    /// Selects aircraft with one of these type designators. Case is ignored.
    pub(crate) fn types<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self { types: texts.into_iter().map(str::to_ascii_uppercase).collect(), ..self }
    }

    /// Selects aircraft whose operator or airline contains a text. Case is ignored.
    pub(crate) fn operator(self, text: &str) -> Self {
        Self { operator: Some(text.to_lowercase()), ..self }
    }

    /// Selects military aircraft.
    pub(crate) fn military(self) -> Self {
        Self { military: true, ..self }
    }

    /// Whether all aircraft match.
    pub(crate) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an aircraft matches.
    pub(crate) fn contains(&self, facts: &AircraftFacts<'_>) -> bool {
        let registration = || facts.registration.as_ref().map(|(text, _)| plain(text));
        let type_code = || facts.type_code.map(str::to_ascii_uppercase);
        let operates = |operator: &str| {
            [facts.operator, facts.airline].iter().flatten().any(|name| name.to_lowercase().contains(operator))
        };
        (self.registrations.is_empty() || registration().is_some_and(|text| self.registrations.contains(&text)))
            && (self.types.is_empty() || type_code().is_some_and(|text| self.types.contains(&text)))
            && self.operator.as_deref().is_none_or(operates)
            && (!self.military || facts.flags.is_military())
    }
}

fn plain(registration: &str) -> String {
    let characters = registration.chars().filter(|character| !matches!(character, '-' | ' '));
    characters.map(|character| character.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use actors::enrichment::{AircraftFlags, FactOrigin};

    use super::*;

    #[test]
    fn an_aircraft_must_match_every_fact() {
        let facts = AircraftFacts {
            registration: Some(("HB-JCA".into(), FactOrigin::Table)),
            type_code: Some("BCS3"),
            operator: Some("Swiss Aviation"),
            airline: Some("Swiss International Air Lines"),
            flags: AircraftFlags::MILITARY,
            ..AircraftFacts::default()
        };
        let filter = FactFilter::default;
        let check = |filter: FactFilter, expected: bool| assert_eq!(filter.contains(&facts), expected, "{filter:?}");
        check(filter(), true);
        check(filter().registrations(["hbjca"]), true);
        check(filter().registrations(["X", "HB-JCA"]), true);
        check(filter().registrations(["HB-JC"]), false);
        check(filter().types(["bcs3"]), true);
        check(filter().types(["BCS1"]), false);
        check(filter().operator("air LINES"), true);
        check(filter().operator("aviation").military(), true);
        check(filter().operator("aviation").types(["A320"]), false);
        let unknown = AircraftFacts::default();
        assert!(!filter().military().contains(&unknown) && !filter().types(["BCS3"]).contains(&unknown));
        assert!(filter().is_all() && !filter().military().is_all());
    }
}
