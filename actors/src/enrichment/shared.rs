use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::facts::FactBook;
use super::table::AircraftTable;

/// The current [`FactBook`] of a process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct SharedFacts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    book: RwLock<Arc<FactBook>>,
    /// The version of `book`.
    version: AtomicU64,
}

impl SharedFacts {
    /// Returns the current facts, which stay the same for as long as the caller holds them.
    pub fn current(&self) -> Arc<FactBook> {
        Arc::clone(&self.0.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the version of the current facts.
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// Replaces the aircraft table. Facts taken before keep the old one.
    pub fn replace_table(&self, table: AircraftTable) {
        let mut current = self.0.book.write().unwrap_or_else(PoisonError::into_inner);
        let version = current.version + 1;
        *current = Arc::new(FactBook { table, version });
        self.0.version.store(version, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Icao24;
    use crate::enrichment::table::{TableBuilder, TableEntry};

    #[test]
    fn holders_keep_the_facts_that_they_hold() {
        let shared = SharedFacts::default();
        let held = shared.clone().current();
        let mut builder = TableBuilder::default();
        builder.add(Icao24::from_u32(1), &TableEntry { type_code: Some("A320"), ..TableEntry::default() }).unwrap();
        shared.replace_table(builder.build());
        let type_code = |facts: &FactBook| facts.facts(Icao24::from_u32(1), None).type_code.map(str::to_owned);
        assert_eq!((type_code(&held), held.version), (None, 0));
        assert_eq!((type_code(&shared.current()), shared.current().version), (Some("A320".to_owned()), 1));
    }
}
