//! The import of a file, tested against an in-memory database that fails like a real one. Whatever fails and when, each
//! record is stored exactly once, and an interrupted import resumes where it stopped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Context, Handler, System};
use actors::batch::{Fenced, LogId, Position, Stored};
use actors::domain::{Icao24, StateVector, StateVectorParts, UnixTime};
use actors::import::{ImportError, ImportRules, Imported, Importer};
use actors::messages::{FindPositions, StoreBatch};
use actors::ports::{BadRecord, Recorded, RecordedStates, StoreError};
use proptest::prelude::*;

/// Runs a test on one thread with paused time, which advances only when every task is idle.
fn run<T>(test: impl Future<Output = T>) -> T {
    System::new().block_on(async {
        tokio::time::pause();
        test.await
    })
}

fn log() -> LogId {
    LogId { cluster: "file:hash".into(), topic: "import".into() }
}

/// Returns the state in a record of the file, identified by its time.
fn state(record: i64) -> StateVector {
    let parts = StateVectorParts { icao24: "4b1814".into(), last_contact: Some(record), ..StateVectorParts::default() };
    parts.try_into().unwrap()
}

/// A file that is read in chunks, in which the records with the numbers in `bad` are invalid.
struct File {
    length: i64,
    bad: Vec<i64>,
    chunk: i64,
    next: i64,
    ends_with: Option<String>,
}

impl File {
    fn new(length: i64, bad: &[i64]) -> Self {
        Self { length, bad: bad.to_vec(), chunk: 7, next: 0, ends_with: None }
    }
}

impl RecordedStates for File {
    async fn next(&mut self) -> Result<Option<Recorded>, String> {
        let records = self.next..(self.next + self.chunk).min(self.length);
        if records.is_empty() {
            return self.ends_with.take().map_or(Ok(None), Err);
        }
        self.next = records.end;
        let (bad, good): (Vec<_>, Vec<_>) = records.partition(|record| self.bad.contains(record));
        Ok(Some(Recorded {
            next: self.next,
            states: good.into_iter().map(|record| (record, Arc::new(state(record)))).collect(),
            bad: bad.into_iter().map(|record| BadRecord { record, reason: format!("line {record}") }).collect(),
            skipped: Vec::new(),
        }))
    }
}

/// How the database handles a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The database is unavailable, and nothing is stored.
    Unavailable,
    /// The batch is stored, but the response is lost.
    ReplyLost,
    /// Another import of the same file stores its next records first.
    AnotherWriter,
    /// The first row is rejected for its content.
    RowRejected,
    /// The stored position is deleted first.
    MovedBack,
}

#[derive(Clone, Debug, Default)]
struct Tables {
    position: Option<Position>,
    /// How often each row was stored, by time. A real database ignores all but the first.
    rows: BTreeMap<i64, usize>,
    rejected: Vec<i64>,
    faults: VecDeque<Option<Fault>>,
}

impl Tables {
    fn store(&mut self, batch: &StoreBatch) -> Stored {
        let part = &batch.0.parts[0];
        let found = self.position;
        if found.map(|position| position.next_offset) != part.expected {
            return Stored { fenced: vec![Fenced { partition: 0, found }], ..Stored::default() };
        }
        // The times of these tests begin at 0, but a position with the timestamp 0 means that nothing was stored.
        let last_timestamp = part.last_timestamp.max(1);
        self.position = Some(Position { partition: 0, next_offset: part.next_offset, last_timestamp });
        let mut stored = Stored::default();
        for state in &part.states {
            let times = self.rows.entry(state.last_contact.0).or_default();
            *times += 1;
            *(if *times == 1 { &mut stored.inserted } else { &mut stored.duplicates }) += 1;
        }
        stored
    }

    fn store_as_another_writer(&mut self, by: i64) {
        let from = self.position.map_or(0, |position| position.next_offset);
        let next_offset = from + by;
        for record in from..next_offset {
            *self.rows.entry(record).or_default() += 1;
        }
        self.position = Some(Position { partition: 0, next_offset, last_timestamp: 1 });
    }
}

/// A fake DbWriter.
#[derive(Clone, Default)]
struct FakeWriter(Arc<Mutex<Tables>>);

impl FakeWriter {
    fn with(faults: impl IntoIterator<Item = Option<Fault>>) -> Self {
        let tables = Tables { faults: faults.into_iter().collect(), ..Tables::default() };
        Self(Arc::new(Mutex::new(tables)))
    }

    fn tables(&self) -> Tables {
        self.0.lock().unwrap().clone()
    }

    fn importer(&self, rules: ImportRules) -> Importer {
        let address = self.clone().start();
        Importer { positions: address.clone().recipient(), db_writer: address.recipient(), rules }
    }

    async fn import(&self, rules: ImportRules, mut file: impl RecordedStates) -> Result<Imported, ImportError> {
        self.importer(rules).import(log(), &mut file, |_| ()).await
    }
}

impl Actor for FakeWriter {
    type Context = Context<Self>;
}

impl Handler<FindPositions> for FakeWriter {
    type Result = Result<Vec<Position>, StoreError>;

    fn handle(&mut self, query: FindPositions, _: &mut Self::Context) -> Self::Result {
        assert_eq!((query.log, &*query.partitions), (log(), &[0][..]));
        Ok(self.tables().position.into_iter().collect())
    }
}

impl Handler<StoreBatch> for FakeWriter {
    type Result = Result<Stored, StoreError>;

    fn handle(&mut self, batch: StoreBatch, _: &mut Self::Context) -> Self::Result {
        let mut tables = self.0.lock().unwrap();
        let unavailable = || StoreError::Unavailable("connection reset".into());
        match tables.faults.pop_front().flatten() {
            None => Ok(tables.store(&batch)),
            Some(Fault::Unavailable) => Err(unavailable()),
            Some(Fault::ReplyLost) => {
                tables.store(&batch);
                Err(unavailable())
            }
            Some(Fault::AnotherWriter) => {
                tables.store_as_another_writer(3);
                Ok(tables.store(&batch))
            }
            Some(Fault::MovedBack) => {
                tables.position = None;
                Ok(tables.store(&batch))
            }
            Some(Fault::RowRejected) => match batch.0.parts[0].states.first() {
                None => Ok(tables.store(&batch)),
                Some(state) => {
                    tables.rejected.push(state.last_contact.0);
                    let (icao24, last_contact) = (state.icao24, state.last_contact);
                    Err(StoreError::Rejected { icao24, last_contact, reason: "check constraint".into() })
                }
            },
        }
    }
}

const RULES: ImportRules = ImportRules {
    oldest: UnixTime(i64::MIN),
    newest: UnixTime(i64::MAX),
    max_bad: 1000,
    again: false,
    retry_timeout: Duration::from_secs(60),
};

#[test]
fn each_record_is_imported_once_and_a_second_import_does_nothing() {
    run(async {
        let writer = FakeWriter::default();
        let imported = writer.import(RULES, File::new(100, &[0, 6, 99])).await.unwrap();
        assert_eq!(imported, Imported { inserted: 97, bad: 3, ..Imported::default() });
        assert_eq!(writer.tables().position.unwrap().next_offset, 100);
        let again = writer.import(RULES, File::new(100, &[0, 6, 99])).await.unwrap();
        assert_eq!(again, Imported { passed_over: 100, ..Imported::default() });
        assert!(writer.tables().rows.values().all(|times| *times == 1));
        // With `again`, the file is imported once more, and rows that are already stored are duplicates.
        let rules = ImportRules { again: true, ..RULES };
        let again = writer.import(rules, File::new(100, &[0, 6, 99])).await.unwrap();
        assert_eq!(again, Imported { duplicates: 97, bad: 3, ..Imported::default() });
        assert!(writer.tables().rows.values().all(|times| *times == 2));
        assert_eq!(writer.tables().position.unwrap().next_offset, 100);
    });
}

/// A file of one batch.
struct Batch(Option<Recorded>);

impl RecordedStates for Batch {
    async fn next(&mut self) -> Result<Option<Recorded>, String> {
        Ok(self.0.take())
    }
}

#[test]
fn rows_that_repeat_the_aircrafts_row_before_are_counted_and_not_stored_again() {
    run(async {
        let writer = FakeWriter::default();
        // As in OpenSky's dumps: a row a second, with the time of the last contact.
        let times = [1, 1, 1, 2, 3, 3, 1];
        let states = times.iter().zip(0..).map(|(time, record)| (record, Arc::new(state(*time)))).collect();
        let recorded = Recorded { next: 9, states, bad: Vec::new(), skipped: vec![7, 8] };
        let imported = writer.import(RULES, Batch(Some(recorded))).await.unwrap();
        let expected = Imported { inserted: 3, duplicates: 1, repeated: 3, skipped: 2, ..Imported::default() };
        assert_eq!(imported, expected);
        assert_eq!(writer.tables().position.unwrap().next_offset, 9);
    });
}

#[test]
fn old_rows_are_rejected_and_future_rows_are_bad() {
    run(async {
        let writer = FakeWriter::default();
        let rules = ImportRules { oldest: UnixTime(10), newest: UnixTime(89), ..RULES };
        let imported = writer.import(rules, File::new(100, &[])).await.unwrap();
        assert_eq!(imported, Imported { inserted: 80, too_old: 10, bad: 10, ..Imported::default() });
        assert!(writer.tables().rows.keys().copied().eq(10..90));
    });
}

#[test]
fn too_many_bad_records_end_the_import_and_the_next_one_starts_there() {
    run(async {
        for max_bad in 0..4 {
            let writer = FakeWriter::default();
            let rules = ImportRules { max_bad, ..RULES };
            let bad = [2, 30, 31, 60];
            let error = writer.import(rules, File::new(100, &bad)).await.unwrap_err();
            let place = bad[usize::try_from(max_bad).unwrap()];
            assert_eq!(error, ImportError::TooManyBad { limit: max_bad, reason: format!("line {place}") });
            let tables = writer.tables();
            assert_eq!(tables.position.map_or(0, |position| position.next_offset), place);
            assert!(tables.rows.keys().copied().eq((0..place).filter(|record| !bad.contains(record))));

            let rest = writer.import(RULES, File::new(100, &bad)).await.unwrap();
            assert_eq!((rest.bad, rest.passed_over), (4 - max_bad, place.unsigned_abs()));
            assert_eq!(writer.tables().rows.len(), 96);
        }
    });
}

#[test]
fn records_before_an_unreadable_part_are_stored() {
    run(async {
        let writer = FakeWriter::default();
        let file = File { ends_with: Some("unexpected end of file".into()), ..File::new(50, &[]) };
        assert_eq!(writer.import(RULES, file).await, Err(ImportError::Unreadable("unexpected end of file".into())));
        assert_eq!(writer.tables().rows.len(), 50);
    });
}

#[test]
fn an_import_gives_up_on_an_unavailable_database_and_resumes_later() {
    run(async {
        let one_batch = std::iter::once(None);
        let writer = FakeWriter::with(one_batch.chain(std::iter::repeat_n(Some(Fault::Unavailable), 500)));
        let began = tokio::time::Instant::now();
        let error = writer.import(RULES, File::new(50, &[])).await.unwrap_err();
        assert!(matches!(&error, ImportError::Unavailable(reason) if reason.contains("connection reset")), "{error}");
        assert!(began.elapsed() <= RULES.retry_timeout);
        writer.0.lock().unwrap().faults.clear();
        let rest = writer.import(RULES, File::new(50, &[])).await.unwrap();
        assert_eq!((rest.passed_over, rest.inserted, rest.duplicates), (7, 43, 0));
    });
}

#[test]
fn a_position_that_is_moved_back_ends_the_import() {
    run(async {
        let writer = FakeWriter::with([None, Some(Fault::MovedBack)]);
        assert_eq!(writer.import(RULES, File::new(50, &[])).await, Err(ImportError::MovedBack));
    });
}

#[test]
fn a_rejected_row_is_skipped_and_reported() {
    run(async {
        let writer = FakeWriter::with([Some(Fault::RowRejected), Some(Fault::RowRejected)]);
        let imported = writer.import(RULES, File::new(20, &[])).await.unwrap();
        assert_eq!(imported, Imported { inserted: 18, bad: 2, ..Imported::default() });
        assert_eq!(writer.tables().rejected, [0, 1]);
        let strict = FakeWriter::with([Some(Fault::RowRejected)]);
        let error = strict.import(ImportRules { max_bad: 0, ..RULES }, File::new(20, &[])).await.unwrap_err();
        let icao24 = Icao24::parse("4b1814").unwrap();
        let reason = format!("record 1: the database rejected the row of {icao24} at 0: check constraint");
        assert_eq!(error, ImportError::TooManyBad { limit: 0, reason });
    });
}

#[test]
fn a_file_without_stored_rows_leaves_no_position() {
    run(async {
        let writer = FakeWriter::default();
        let all: Vec<_> = (0..20).collect();
        let imported = writer.import(RULES, File::new(20, &all)).await.unwrap();
        assert_eq!(imported, Imported { bad: 20, ..Imported::default() });
        assert_eq!(writer.tables().position, None);
        let too_old = ImportRules { oldest: UnixTime(1_000), ..RULES };
        let imported = writer.import(too_old, File::new(20, &[])).await.unwrap();
        assert_eq!(imported, Imported { too_old: 20, ..Imported::default() });
        assert_eq!(writer.tables().position, None);
        // The first stored row also stores the position, so the bad records before it are not read again.
        let imported = writer.import(RULES, File::new(20, &all[..15])).await.unwrap();
        assert_eq!(imported, Imported { inserted: 5, bad: 15, ..Imported::default() });
        assert_eq!(writer.tables().position.unwrap().next_offset, 20);
    });
}

proptest! {
    #[test]
    fn each_record_is_stored_once_whatever_fails(
        length in 0_i64..120,
        faults in prop::collection::vec(prop::option::weighted(0.5, prop_oneof![
            Just(Fault::Unavailable), Just(Fault::ReplyLost), Just(Fault::AnotherWriter), Just(Fault::RowRejected)
        ]), 0..30),
        interrupted_after in prop::option::of(0_usize..10),
        again in any::<bool>(),
    ) {
        run(async {
            let writer = FakeWriter::with(faults);
            if let Some(batches) = interrupted_after {
                // As if the process died in the middle of the file. The next one resumes from the stored position.
                let cut = File::new((7 * batches as i64).min(length), &[]);
                writer.import(RULES, cut).await.unwrap();
            }
            let imported = writer.import(ImportRules { again, ..RULES }, File::new(length, &[])).await.unwrap();
            let tables = writer.tables();
            // A row that was rejected here may have been stored by the other writer.
            for record in 0..length {
                let times = tables.rows.get(&record).copied().unwrap_or_default();
                prop_assert!(times > 0 || tables.rejected.contains(&record), "{record} is missing");
                prop_assert!(times <= 1 || again, "{record} was stored {times} times");
            }
            // The position is stored only together with a row.
            let next_offset = tables.position.map(|position| position.next_offset);
            prop_assert!(next_offset.map_or(tables.rows.is_empty(), |next_offset| next_offset >= length));
            let Imported { inserted, duplicates, bad, passed_over, .. } = imported;
            prop_assert!(inserted + duplicates + passed_over + bad <= 2 * length as u64);
            Ok(())
        })?;
    }
}
