use std::borrow::Cow;

use actors::domain::Icao24;
use actors::enrichment::{AircraftFlags, TableEntry};

use super::fields::Fields;

/// What a column of a table contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Address,
    Registration,
    TypeCode,
    Manufacturer,
    Model,
    Operator,
    Owner,
    Flags,
    Military,
}

/// The names of columns, without regard to case, spaces, hyphens and underscores. If several columns of a table have
/// the same content, the name that is listed first prevails.
const NAMES: &[(Column, &[&str])] = &[
    (Column::Address, &["icao24", "hex", "icaoaddress", "icaohex", "address", "icao", "modes", "modeshex"]),
    (Column::Registration, &["registration", "reg", "r", "tail", "tailnumber"]),
    (Column::TypeCode, &["typecode", "icaotypecode", "icaotype", "typedesignator", "type", "t"]),
    (Column::Manufacturer, &["manufacturername", "manufacturer"]),
    (Column::Model, &["description", "desc", "model", "typelong", "longtype"]),
    (Column::Operator, &["operator", "operatorname", "airline", "ownop"]),
    (Column::Owner, &["owner", "registeredowners", "registeredowner"]),
    (Column::Flags, &["flags", "dbflags"]),
    (Column::Military, &["military", "mil"]),
];

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Columns {
    /// The positions of the columns, in the order of [`NAMES`].
    positions: [Option<usize>; NAMES.len()],
}

impl Columns {
    /// The columns of tar1090-db, which has no header line.
    pub(super) const TAR1090: Self =
        Self { positions: [Some(0), Some(1), Some(2), None, Some(4), Some(6), None, Some(3), None] };

    /// Returns the columns of a header line.
    ///
    /// # Errors
    /// Fails unless there is a column of addresses and another one.
    pub(super) fn of_header(names: &[Cow<'_, str>]) -> Result<Self, String> {
        let positions = positions(names.iter().map(AsRef::as_ref));
        if positions[0].is_none() {
            let shown: String = names.join(", ").chars().take(80).collect();
            return Err(format!("no column icao24 or hex in the header line, which has: {shown}"));
        }
        if positions.iter().flatten().count() < 2 {
            return Err("no column in addition to the address, such as registration, type or operator".to_owned());
        }
        Ok(Self { positions })
    }

    /// Returns how many of these column names are known.
    pub(super) fn known<'a>(names: impl Iterator<Item = &'a str> + Clone) -> usize {
        positions(names).iter().flatten().count()
    }

    /// Parses a row.
    ///
    /// # Errors
    /// Fails for an invalid address, flags or text.
    pub(super) fn parse<R>(
        &self,
        fields: &Fields,
        line: &[u8],
        row: impl FnOnce(Icao24, &TableEntry<'_>) -> R,
    ) -> Result<R, String> {
        let text = |column: Column| match self.positions[column as usize] {
            Some(index) => fields.text(line, index).map_err(|reason| format!("{column:?}: {reason}").to_lowercase()),
            None => Ok(Cow::Borrowed("")),
        };
        let icao24 = Icao24::parse(&text(Column::Address)?).map_err(|error| error.to_string())?;
        let (manufacturer, model) = (text(Column::Manufacturer)?, text(Column::Model)?);
        let (operator, owner) = (text(Column::Operator)?, text(Column::Owner)?);
        let registration = text(Column::Registration)?.to_ascii_uppercase();
        let type_code = text(Column::TypeCode)?.to_ascii_uppercase();
        let mut flags = flags(&text(Column::Flags)?)?;
        if is_true(&text(Column::Military)?) {
            flags.0 |= AircraftFlags::MILITARY.0;
        }
        let entry = TableEntry {
            registration: Some(&registration),
            type_code: Some(&type_code),
            description: Some(&description(&manufacturer, &model)),
            operator: Some(if operator.trim().is_empty() { &owner } else { &operator }),
            flags,
        };
        Ok(row(icao24, &entry))
    }
}

fn positions<'a>(names: impl Iterator<Item = &'a str> + Clone) -> [Option<usize>; NAMES.len()] {
    let plain = |name: &str| -> String {
        name.chars().filter(|letter| letter.is_ascii_alphanumeric()).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let names: Vec<String> = names.map(plain).collect();
    let position = |alias: &&str| names.iter().position(|name| name == alias);
    std::array::from_fn(|index| NAMES[index].1.iter().find_map(position))
}

/// Joins the manufacturer and the model, unless the model starts with the manufacturer.
pub(super) fn description<'a>(manufacturer: &'a str, model: &'a str) -> Cow<'a, str> {
    let (manufacturer, model) = (manufacturer.trim(), model.trim());
    let repeats = model.get(..manufacturer.len()).is_some_and(|start| start.eq_ignore_ascii_case(manufacturer));
    match (manufacturer, model) {
        (_, model) if repeats => Cow::Borrowed(model),
        (manufacturer, "") => Cow::Borrowed(manufacturer),
        _ => Cow::Owned(format!("{manufacturer} {model}")),
    }
}

/// Parses flags as tar1090-db writes them: a digit for each, 1 if it is set, of which the first says military.
fn flags(text: &str) -> Result<AircraftFlags, String> {
    let mut flags = 0;
    for (bit, digit) in text.trim().bytes().enumerate() {
        match digit {
            b'0' => {}
            b'1' if bit < 8 => flags |= 1 << bit,
            _ => return Err("flags are not up to 8 digits, each 0 or 1".to_owned()),
        }
    }
    Ok(AircraftFlags(flags))
}

fn is_true(text: &str) -> bool {
    ["1", "true", "t", "yes", "y"].iter().any(|value| text.trim().eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_in_the_order_of_their_names() {
        for (index, (column, _)) in NAMES.iter().enumerate() {
            assert_eq!(*column as usize, index);
        }
    }

    #[test]
    fn a_description_names_the_manufacturer_once() {
        for (manufacturer, model, expected) in [
            ("Airbus", "A320-214", "Airbus A320-214"),
            ("AIRBUS", "Airbus A320", "Airbus A320"),
            ("", "Cessna 172", "Cessna 172"),
            ("Cessna", "", "Cessna"),
            ("", "", ""),
        ] {
            assert_eq!(description(manufacturer, model), expected);
        }
    }

    #[test]
    fn flags_are_a_digit_each() {
        assert_eq!(flags("10"), Ok(AircraftFlags(1)));
        assert_eq!(flags("0001"), Ok(AircraftFlags(8)));
        assert_eq!(flags(""), Ok(AircraftFlags(0)));
        assert!(flags("2").is_err() && flags("000000001").is_err() && flags("x").is_err());
    }
}
