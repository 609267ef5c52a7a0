use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use thiserror::Error;

use crate::domain::Icao24;

/// Known aircraft by address, in 24 bytes each and their distinct texts.
#[derive(Clone, Debug)]
pub struct AircraftTable {
    /// In the order of addresses, each once.
    rows: Vec<Row>,
    texts: Texts,
}

/// What a table knows about one aircraft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableEntry<'a> {
    /// The registration, at most [`MAX_REGISTRATION`] bytes.
    pub registration: Option<&'a str>,
    /// The ICAO type designator, such as `A320`.
    pub type_code: Option<&'a str>,
    /// The manufacturer and the model.
    pub description: Option<&'a str>,
    /// The operator, or the owner.
    pub operator: Option<&'a str>,
    /// Whether it is military, and the like.
    pub flags: AircraftFlags,
}

/// Markings of an aircraft, as bits of readsb's `dbFlags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AircraftFlags(pub u8);

impl AircraftFlags {
    /// A military aircraft.
    pub const MILITARY: Self = Self(1);

    /// Whether the aircraft is military.
    pub fn is_military(self) -> bool {
        self.0 & Self::MILITARY.0 != 0
    }
}

/// The maximum length of a registration in bytes.
pub const MAX_REGISTRATION: usize = 24;

/// Texts are cut to this many bytes: their length is stored as an ASCII character.
const MAX_TEXT: usize = 127;

/// The maximum number of rows, six times those of the largest public table.
const MAX_ROWS: usize = 4_000_000;

/// The maximum size of all distinct texts in bytes.
const MAX_TEXTS: usize = 256 << 20;

/// A table has more rows or texts than the limits allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("more than {MAX_ROWS} aircraft, or more than {MAX_TEXTS} bytes of text")]
pub struct TableTooLarge;

#[derive(Clone, Copy, Debug)]
struct Row {
    address: u32,
    registration: TextId,
    type_code: TextId,
    description: TextId,
    operator: TextId,
    flags: AircraftFlags,
}

/// The position of a text in [`Texts`]; 0 is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TextId(u32);

/// Texts one after the other, each preceded by its length as an ASCII character.
#[derive(Clone, Debug)]
struct Texts(String);

impl Texts {
    fn get(&self, TextId(id): TextId) -> Option<&str> {
        let length = usize::from(*self.0.as_bytes().get(id as usize)?);
        let start = id as usize + 1;
        self.0.get(start..start + length).filter(|text| !text.is_empty())
    }

    fn push(&mut self, text: &str) -> Result<TextId, TableTooLarge> {
        let id = u32::try_from(self.0.len()).map_err(|_| TableTooLarge)?;
        if self.0.len() + 1 + text.len() > MAX_TEXTS {
            return Err(TableTooLarge);
        }
        self.0.push(u8::try_from(text.len()).map_or('\0', char::from));
        self.0.push_str(text);
        Ok(TextId(id))
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self("\0".to_owned())
    }
}

impl Default for AircraftTable {
    fn default() -> Self {
        TableBuilder::default().build()
    }
}

impl AircraftTable {
    /// Returns what is known about an aircraft; nothing if the table does not have it.
    pub fn get(&self, icao24: Icao24) -> TableEntry<'_> {
        let Ok(index) = self.rows.binary_search_by_key(&icao24.to_u32(), |row| row.address) else {
            return TableEntry::default();
        };
        let row = &self.rows[index];
        TableEntry {
            registration: self.texts.get(row.registration),
            type_code: self.texts.get(row.type_code),
            description: self.texts.get(row.description),
            operator: self.texts.get(row.operator),
            flags: row.flags,
        }
    }

    /// The number of aircraft.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the table has no aircraft.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The size in memory, in bytes.
    pub fn size(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.texts.0.capacity()
    }
}

/// Collects the rows of an [`AircraftTable`].
#[derive(Debug, Default)]
pub struct TableBuilder {
    rows: Vec<Row>,
    texts: Texts,
    interned: Interned,
}

impl TableBuilder {
    /// Adds an aircraft. A later row for the same address replaces it. Texts are trimmed; blank ones are unknown, and
    /// longer ones than 127 bytes are cut.
    ///
    /// # Errors
    /// Fails if the table has too many rows.
    pub fn add(&mut self, icao24: Icao24, entry: &TableEntry<'_>) -> Result<(), TableTooLarge> {
        if self.rows.len() >= MAX_ROWS {
            return Err(TableTooLarge);
        }
        let registration = match cut(entry.registration, MAX_REGISTRATION) {
            // Most are unique, so that looking for equal ones would be in vain.
            Some(text) => self.texts.push(text)?,
            None => TextId(0),
        };
        let mut intern = |text: Option<&str>| match cut(text, MAX_TEXT) {
            Some(text) => self.interned.id_of(text, &mut self.texts),
            None => Ok(TextId(0)),
        };
        let row = Row {
            address: icao24.to_u32(),
            registration,
            type_code: intern(entry.type_code)?,
            description: intern(entry.description)?,
            operator: intern(entry.operator)?,
            flags: entry.flags,
        };
        self.rows.push(row);
        Ok(())
    }

    /// Returns the table of the rows added so far.
    pub fn build(self) -> AircraftTable {
        let Self { mut rows, mut texts, .. } = self;
        if !rows.is_sorted_by_key(|row| row.address) {
            rows.sort_by_key(|row| row.address);
        }
        rows.dedup_by(|later, kept| {
            let is_same = later.address == kept.address;
            if is_same {
                *kept = *later;
            }
            is_same
        });
        rows.shrink_to_fit();
        texts.0.shrink_to_fit();
        AircraftTable { rows, texts }
    }
}

fn cut(text: Option<&str>, limit: usize) -> Option<&str> {
    let text = text?.trim();
    let text = &text[..text.floor_char_boundary(limit)];
    (!text.is_empty()).then_some(text)
}

/// The texts added so far: a hash table with open addressing of their ids, since the texts are in [`Texts`] already.
#[derive(Debug, Default)]
struct Interned {
    /// 0 for a free slot. The length is a power of two.
    slots: Vec<u32>,
    used: usize,
}

impl Interned {
    const HASH: FixedState = FixedState::with_seed(0);

    /// Returns the id of a text, and adds the text if it is new.
    fn id_of(&mut self, text: &str, texts: &mut Texts) -> Result<TextId, TableTooLarge> {
        if self.used * 2 >= self.slots.len() {
            self.grow(texts);
        }
        let slot = self.slot_of(text, texts);
        if self.slots[slot] == 0 {
            self.slots[slot] = texts.push(text)?.0;
            self.used += 1;
        }
        Ok(TextId(self.slots[slot]))
    }

    /// Returns the slot of a text, or the free slot where it belongs.
    fn slot_of(&self, text: &str, texts: &Texts) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = Self::HASH.hash_one(text) as usize & mask;
        while self.slots[slot] != 0 && texts.get(TextId(self.slots[slot])) != Some(text) {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self, texts: &Texts) {
        let larger = vec![0; (self.slots.len() * 2).max(1024)];
        for id in std::mem::replace(&mut self.slots, larger) {
            if let Some(text) = texts.get(TextId(id)) {
                let slot = self.slot_of(text, texts);
                self.slots[slot] = id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn entry<'a>(registration: &'a str, type_code: &'a str, operator: &'a str) -> TableEntry<'a> {
        let [registration, type_code, operator] = [registration, type_code, operator].map(Some);
        TableEntry { registration, type_code, operator, ..TableEntry::default() }
    }

    fn table(rows: &[(u32, TableEntry<'_>)]) -> AircraftTable {
        let mut builder = TableBuilder::default();
        for (address, entry) in rows {
            builder.add(Icao24::from_u32(*address), entry).unwrap();
        }
        builder.build()
    }

    #[test]
    fn a_later_row_replaces_an_earlier_one_for_the_same_address() {
        let table = table(&[(3, entry("A", "B", "C")), (1, entry("D", "B", "C")), (3, entry("E", "", " "))]);
        assert_eq!(table.len(), 2);
        assert_eq!(table.get(Icao24::from_u32(3)), TableEntry { registration: Some("E"), ..TableEntry::default() });
        assert_eq!(table.get(Icao24::from_u32(1)), entry("D", "B", "C"));
        assert_eq!(table.get(Icao24::from_u32(2)), TableEntry::default());
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "é".repeat(200);
        let table = table(&[(1, entry(&long, &long, " padded "))]);
        let found = table.get(Icao24::from_u32(1));
        assert_eq!((found.registration.unwrap().len(), found.type_code.unwrap().len()), (24, 126));
        assert_eq!(found.operator, Some("padded"));
    }

    #[test]
    fn an_empty_table_knows_no_aircraft() {
        assert_eq!(AircraftTable::default().get(Icao24::from_u32(0)), TableEntry::default());
        assert!(AircraftTable::default().is_empty());
    }

    #[test]
    fn repeated_texts_are_stored_once() {
        let many: Vec<_> =
            (0..10_000).map(|address| (address, entry("", "A320", "Swiss International Air Lines"))).collect();
        assert!(table(&many).size() < 10_000 * 24 + 100);
    }

    proptest! {
        #[test]
        fn every_aircraft_has_its_last_row(
            rows in proptest::collection::vec(
                (0_u32..50, "[A-C]{0,2}", "[a-zé]{0,3}", "\\PC{0,8}", any::<u8>()),
                0..200,
            ),
        ) {
            let known = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            let mut builder = TableBuilder::default();
            let mut expected = HashMap::new();
            for (address, registration, type_code, operator, flags) in &rows {
                let flags = AircraftFlags(*flags);
                let row = TableEntry { flags, ..entry(registration, type_code, operator) };
                builder.add(Icao24::from_u32(*address), &row).unwrap();
                expected.insert(*address, (known(registration), known(type_code), known(operator), flags));
            }
            let table = builder.build();
            prop_assert_eq!(table.len(), expected.len());
            for (address, expected) in expected {
                let found = table.get(Icao24::from_u32(address));
                let owned = |text: Option<&str>| text.map(str::to_owned);
                let found = (owned(found.registration), owned(found.type_code), owned(found.operator), found.flags);
                prop_assert_eq!(found, expected);
            }
        }
    }
}
