use std::sync::Arc;

use actors::batch::PartitionBatch;
use actors::domain::StateVector;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// 2023-11-14, 20 minutes before midnight.
const EVENING: i64 = 1_700_005_200;

fn log() -> LogId {
    LogId { cluster: "cluster".into(), topic: "raw".into() }
}

/// Returns the state vector of a record, which tells its partition and offset.
fn state(partition: i32, offset: i64) -> Arc<StateVector> {
    let time = EVENING + offset;
    let text = format!(r#"{{"icao24":"0000{partition:02x}","callsign":"{offset}","last_contact":{time}}}"#);
    Arc::new(codec::decode(Some(text.as_bytes())).unwrap())
}

/// Returns the records with these offsets of a partition, as a part that continues at the first one.
fn part(partition: i32, offsets: std::ops::Range<i64>) -> PartitionBatch {
    PartitionBatch {
        partition,
        expected: (offsets.start > 0).then_some(offsets.start),
        next_offset: offsets.end,
        last_timestamp: offsets.end * 1000,
        states: offsets.map(|offset| state(partition, offset)).collect(),
        records: Vec::new(),
        polls: Vec::new(),
        alerts: Vec::new(),
        skipped: 0,
        dead_letters: Vec::new(),
        lost: 0,
    }
}

fn batch(parts: Vec<PartitionBatch>) -> Batch {
    Batch { log: log(), parts }
}

/// Returns the partition and offset of every line, in order, after checking that each is in the file of its day.
fn lines(directory: &Path) -> Vec<(i32, i64)> {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    let mut lines = Vec::new();
    for file in files {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let state = codec::decode(Some(line.as_bytes())).unwrap();
            assert_eq!(*file_name(state.last_contact), *file.file_name().unwrap());
            let partition = i32::from_str_radix(&state.icao24.to_string(), 16).unwrap();
            let offset = state.last_contact.0 - EVENING;
            lines.push((partition, offset));
        }
    }
    lines
}

fn open(directory: &TempDir) -> Folder {
    Folder::open(directory.path().to_owned()).unwrap()
}

/// Makes `positions.json` impossible to replace, as a full disk would.
fn block(directory: &TempDir) -> PathBuf {
    let obstacle = directory.path().join(format!("positions.new.{}", std::process::id()));
    fs::create_dir(&obstacle).unwrap();
    obstacle
}

#[test]
fn a_line_is_the_message_in_the_file_of_its_day() {
    let directory = tempfile::tempdir().unwrap();
    let stored = open(&directory).write(&batch(vec![part(1, 0..2_000)])).unwrap();
    assert_eq!(stored, Stored { inserted: 2_000, ..Stored::default() });
    let read = |day: &str| fs::read_to_string(directory.path().join(format!("state-vectors-{day}.jsonl"))).unwrap();
    let mut message = Vec::new();
    codec::encode(&state(1, 0), &mut message);
    assert_eq!(read("2023-11-14").lines().next().unwrap().as_bytes(), message);
    assert_eq!((read("2023-11-14").lines().count(), read("2023-11-15").lines().count()), (1_200, 800));
}

#[derive(Clone, Copy, Debug)]
enum Interruption {
    None,
    /// The positions cannot be written, so the write fails and is repeated.
    DiskFull,
    /// The process is killed while it appends.
    Killed,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_written_once_whatever_interrupts_it(
        batches in proptest::collection::vec((1_i64..700, 0_i64..3, prop_oneof![
            3 => Just(Interruption::None), 1 => Just(Interruption::DiskFull), 1 => Just(Interruption::Killed),
        ]), 1..8),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut folder = open(&directory);
        let mut next = [0_i64; 2];
        for (first, second, interruption) in batches {
            let ends = [next[0] + first, next[1] + second];
            let parts = (0..2).filter(|&p| ends[p] > next[p]);
            let parts = parts.map(|p| part(i32::try_from(p).unwrap(), next[p]..ends[p])).collect();
            let batch = batch(parts);
            match interruption {
                Interruption::None => {}
                Interruption::DiskFull | Interruption::Killed => {
                    let obstacle = block(&directory);
                    prop_assert!(folder.write(&batch).is_err());
                    fs::remove_dir(obstacle).unwrap();
                }
            }
            if matches!(interruption, Interruption::Killed) {
                drop(folder);
                folder = open(&directory);
                let found = folder.positions(&log(), &[0, 1]).unwrap();
                prop_assert_eq!(found.iter().map(|found| found.next_offset).sum::<i64>(), next.iter().sum::<i64>());
            }
            let stored = folder.write(&batch).unwrap();
            prop_assert_eq!(stored.fenced, Vec::new());
            next = ends;
        }
        let mut expected: Vec<_> = (0..2_usize)
            .flat_map(|p| (0..next[p]).map(move |offset| (i32::try_from(p).unwrap(), offset)))
            .collect();
        let mut written = lines(directory.path());
        written.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(written, expected);
    }
}

#[test]
fn a_part_that_does_not_continue_at_the_position_is_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = open(&directory);
    folder.write(&batch(vec![part(0, 0..3)])).unwrap();
    let stored = folder.write(&batch(vec![part(0, 1..5), part(1, 0..2)])).unwrap();
    let found = Some(Position { partition: 0, next_offset: 3, last_timestamp: 3_000 });
    assert_eq!(stored, Stored { inserted: 2, fenced: vec![Fenced { partition: 0, found }], ..Stored::default() });
    assert_eq!(lines(directory.path()), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]);
}

#[test]
fn another_log_has_its_own_positions() {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = open(&directory);
    folder.write(&batch(vec![part(0, 0..3)])).unwrap();
    let other = LogId { cluster: "other".into(), topic: "raw".into() };
    assert_eq!(folder.positions(&other, &[0]), Ok(Vec::new()));
    folder.write(&Batch { log: other, parts: vec![part(0, 0..1)] }).unwrap();
    assert_eq!(folder.positions(&log(), &[0, 1]).unwrap().len(), 1);
}

#[test]
fn files_that_the_operator_moved_or_truncated_are_continued() {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = open(&directory);
    folder.write(&batch(vec![part(0, 0..3)])).unwrap();
    let file = directory.path().join("state-vectors-2023-11-14.jsonl");
    fs::remove_file(&file).unwrap();
    folder.write(&batch(vec![part(0, 3..5)])).unwrap();
    assert_eq!(lines(directory.path()), [(0, 3), (0, 4)]);
    fs::write(&file, "").unwrap();
    drop(folder);
    let mut folder = open(&directory);
    folder.write(&batch(vec![part(0, 5..6)])).unwrap();
    assert_eq!(lines(directory.path()), [(0, 5)]);
}

fn refusal(directory: PathBuf) -> String {
    match Folder::open(directory) {
        Err(SinkError::Refused(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[test]
fn a_folder_belongs_to_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(&directory);
    let reason = refusal(directory.path().to_owned());
    assert!(reason.ends_with(".lock is locked: another process writes to this folder"), "{reason}");
    drop(first);
    open(&directory);
}

#[test]
fn an_unusable_folder_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let reason = refusal(file.join("folder"));
    assert!(reason.starts_with("failed to create ") && reason.contains("Not a directory"), "{reason}");
    fs::write(directory.path().join(POSITIONS), r#"{"logs":[],"files":{},"more":1}"#).unwrap();
    let reason = refusal(directory.path().to_owned());
    assert!(reason.contains("positions.json is invalid: unknown field `more`"), "{reason}");
}
