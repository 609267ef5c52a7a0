//! Processes that take turns, operation by operation.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use actors::batch::{LogId, Position};
use actors::domain::{FIELDS, Icao24, StateVector, UnixTime};
use actors::ports::SinkError;
use bytes::Bytes;

use super::store::{Disk, Fault, Store};
use crate::archive::layout;
use crate::archive::objects::Objects;
use crate::archive::{Commit, CompactionRules, Compactor, Hour, HourOutcome, PartitionArchive, Segment};
use crate::files::parquet::{NumberType, ParquetRows, RowBuffer, write_file};

/// What happens in a simulation. The first processes write, the others compact.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) writers: usize,
    /// The faults of each process.
    pub(super) faults: Vec<Vec<Fault>>,
    /// Which process performs the next operation. After that, they alternate.
    pub(super) turns: Vec<usize>,
    pub(super) moves_are_atomic: bool,
    /// Determines how many records a writer commits at a time.
    pub(super) seed: u64,
}

/// The number of records in the partition.
const LENGTH: i64 = 24;
const EVERYTHING: CompactionRules = CompactionRules { from: None, to: None, complete_before: UnixTime(i64::MAX) };

pub(super) fn log() -> LogId {
    LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }
}

/// Returns the record at an offset. Every fifth one is late.
pub(super) fn record(offset: i64) -> StateVector {
    let hour = if offset % 5 == 4 { 0 } else { offset / 10 };
    let address = Icao24::from_u32(u32::try_from(offset).unwrap());
    StateVector::new(address, UnixTime(1_796_007_600 + hour * 3_600 + offset))
}

/// The number of rows and the content of files, by hour.
type Files = BTreeMap<Hour, (u64, Bytes)>;

/// Returns the files of consecutive records, by hour.
pub(super) fn files(offsets: std::ops::Range<i64>) -> Files {
    ENCODED.with_borrow_mut(|known| known.entry(offsets.clone()).or_insert_with(|| encode(offsets)).clone())
}

thread_local! {
    // The same files are needed thousands of times.
    static ENCODED: RefCell<HashMap<Range<i64>, Files>> = RefCell::default();
    static DECODED: RefCell<HashMap<Bytes, Vec<u32>>> = RefCell::default();
}

fn encode(offsets: Range<i64>) -> Files {
    let mut hours: BTreeMap<Hour, RowBuffer> = BTreeMap::new();
    for state in offsets.map(record) {
        let rows = hours.entry(Hour::of(state.last_contact)).or_insert_with(|| RowBuffer::new(FIELDS));
        rows.push(&state.borrowed());
    }
    let encode = |rows: RowBuffer| {
        let content = write_file(&rows, NumberType::Decimal, Vec::new()).unwrap();
        (rows.len() as u64, content.into())
    };
    hours.into_iter().map(|(hour, rows)| (hour, encode(rows))).collect()
}

/// Returns the offsets of the records in a file.
pub(super) fn offsets(content: &Bytes) -> Vec<u32> {
    DECODED.with_borrow_mut(|known| known.entry(content.clone()).or_insert_with(|| decode(content)).clone())
}

fn decode(content: &Bytes) -> Vec<u32> {
    let mut rows = ParquetRows::new(content.clone(), Arc::default()).unwrap();
    let mut offsets = Vec::new();
    while let Some(row) = rows.next_row().unwrap() {
        offsets.push(row.unwrap().icao24.to_u32());
    }
    assert!(offsets.is_sorted());
    offsets
}

/// Archives the partition like a consumer: from the position in the archive to the end, again and again while it fails.
async fn write(objects: Arc<dyn Objects>, seed: u64) {
    let archive = PartitionArchive::new(&objects, &log(), 0);
    let mut head = retry(async || archive.recover().await).await;
    loop {
        let from = head.map_or(0, |head| head.position.next_offset);
        if from >= LENGTH {
            return;
        }
        let next_offset = LENGTH.min(from + 1 + i64::try_from((seed ^ from.unsigned_abs()) % 7).unwrap());
        let mut segment = Segment::after(head.as_ref(), Position { partition: 0, next_offset, last_timestamp: 1 });
        for (hour, (rows, content)) in files(from..next_offset) {
            while archive.stage(&mut segment, hour, rows, content.clone()).await.is_err() {}
        }
        head = match retry(async || archive.commit(&segment).await).await {
            Commit::Done(head) => Some(head),
            Commit::Fenced(found) => found,
        };
    }
}

async fn compact(objects: Arc<dyn Objects>) {
    let compactor = Compactor::new(objects);
    retry(async || compactor.finish_interrupted().await).await;
    for hour in retry(async || compactor.hours(&EVERYTHING).await).await {
        retry(async || compactor.compact(hour).await).await;
    }
}

async fn retry<T>(attempt: impl AsyncFn() -> Result<T, SinkError>) -> T {
    loop {
        if let Ok(done) = attempt().await {
            return done;
        }
    }
}

/// A process, which is started again when it is killed.
struct Process {
    start: Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>,
    running: Option<Pin<Box<dyn Future<Output = ()>>>>,
    killed: Arc<Mutex<bool>>,
}

impl Process {
    /// Performs one operation, or ends.
    fn take_turn(&mut self, disk: &Disk) {
        let Some(running) = &mut self.running else { return };
        let performed = || *disk.operations.lock().unwrap();
        let before = performed();
        // A merge runs on another thread, and is waited for.
        while performed() == before {
            if running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                self.running = None;
                return;
            }
            std::thread::yield_now();
        }
        if std::mem::take(&mut *self.killed.lock().unwrap()) {
            self.running = Some((self.start)());
        }
    }
}

/// Runs the processes to their ends, checks what readers see after each operation, and in the end that nothing is
/// missing, also after a compaction of everything.
pub(super) fn simulate(plan: Plan) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let disk = Arc::new(Disk::default());
    let mut view = View::default();
    let mut processes: Vec<_> = plan
        .faults
        .iter()
        .enumerate()
        .map(|(index, faults)| {
            let (faults, killed) = (Arc::new(Mutex::new(faults.clone().into())), Arc::<Mutex<bool>>::default());
            let (disk, shared, writes) = (disk.clone(), killed.clone(), index < plan.writers);
            let (moves_are_atomic, seed) = (plan.moves_are_atomic, plan.seed.rotate_left(index as u32));
            let start = move || -> Pin<Box<dyn Future<Output = ()>>> {
                let (faults, killed) = (faults.clone(), shared.clone());
                let objects: Arc<dyn Objects> =
                    Arc::new(Store { disk: disk.clone(), faults, killed, moves_are_atomic });
                if writes { Box::pin(write(objects, seed)) } else { Box::pin(compact(objects)) }
            };
            Process { running: Some(start()), start: Box::new(start), killed }
        })
        .collect();
    for turn in plan.turns {
        processes[turn].take_turn(&disk);
        view.check(&disk);
    }
    while processes.iter().any(|process| process.running.is_some()) {
        for process in &mut processes {
            process.take_turn(&disk);
            view.check(&disk);
        }
    }
    let everything: Vec<_> = (0..u32::try_from(LENGTH).unwrap()).collect();
    // A compaction that was killed before the writers ended may still hide rows.
    let objects: Arc<dyn Objects> =
        Arc::new(Store { disk: disk.clone(), faults: Arc::default(), killed: Arc::default(), moves_are_atomic: true });
    let compactor = Compactor::new(objects);
    runtime.block_on(compactor.finish_interrupted()).unwrap();
    assert_eq!(view.check(&disk), everything);
    let hours = runtime.block_on(compactor.hours(&EVERYTHING)).unwrap();
    for hour in hours {
        let outcome = runtime.block_on(compactor.compact(hour)).unwrap();
        assert!(matches!(outcome, HourOutcome::Merged { .. }), "{outcome:?}");
    }
    assert_eq!(view.check(&disk), everything);
    assert_eq!(runtime.block_on(compactor.hours(&EVERYTHING)).unwrap(), []);
    let left: Vec<_> = disk.objects.lock().unwrap().keys().filter(|path| path.contains(".part")).cloned().collect();
    // What killed processes have left is removed a day later.
    assert!(left.iter().all(|path| path.starts_with(layout::STAGING)), "{left:?}");
}

/// What a reader of all Parquet files sees.
#[derive(Default)]
struct View {
    /// The offsets in the files read so far. Files do not change.
    known: BTreeMap<String, Vec<u32>>,
}

impl View {
    /// Returns the offsets of all visible records, each of which must be visible once.
    fn check(&mut self, disk: &Disk) -> Vec<u32> {
        let mut all = Vec::new();
        for (path, (content, _)) in disk.objects.lock().unwrap().iter() {
            if path.ends_with(".parquet") && path.starts_with("date=") {
                let known = self.known.entry(path.clone()).or_insert_with(|| offsets(content));
                all.extend_from_slice(known);
            }
        }
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "visible twice: {all:?}");
        all
    }
}
