use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use actors::batch::{Batch, LogId, PartitionBatch, RecordPlace};
use actors::domain::{Icao24, StateVector, UnixTime};
use actors::ports::{Flushed, Sink, SinkError};
use tempfile::TempDir;

use super::limits::BufferSize;
use super::limits::Limits;
use super::sink::ArchiveSink;
use crate::archive::{ArchiveUrl, Objects, open};
use crate::files::parquet::ParquetRows;

fn log() -> LogId {
    LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }
}

fn hourly() -> Limits {
    Limits::of(Duration::from_secs(3_600))
}

/// An archive in a temporary folder.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn url(&self) -> ArchiveUrl {
        ArchiveUrl::Folder(self.0.path().to_owned())
    }

    fn sink(&self, limits: Limits) -> ArchiveSink {
        ArchiveSink::new(self.url(), None, limits)
    }

    async fn objects(&self) -> Arc<dyn Objects> {
        open(&self.url(), None).await.unwrap()
    }

    /// Returns the files in place, and the offsets of the records in them.
    async fn rows(&self) -> (usize, Vec<u32>) {
        let objects = self.objects().await;
        let mut files = objects.list("").await.unwrap();
        files.retain(|file| file.path.starts_with("date="));
        let mut all = Vec::new();
        for file in &files {
            let content = objects.get(&file.path).await.unwrap().unwrap();
            let mut rows = ParquetRows::new(content, Arc::default()).unwrap();
            while let Some(row) = rows.next_row().unwrap() {
                all.push(row.unwrap().icao24.to_u32());
            }
        }
        all.sort_unstable();
        (files.len(), all)
    }
}

/// Records of a partition that were published at this time.
fn part(partition: i32, expected: Option<i64>, offsets: Range<i64>, published: UnixTime) -> PartitionBatch {
    let state = |offset: i64| {
        Arc::new(StateVector::new(Icao24::from_u32(u32::try_from(offset).unwrap()), UnixTime(1_796_007_600 + offset)))
    };
    PartitionBatch {
        partition,
        expected,
        next_offset: offsets.end,
        last_timestamp: published.0 * 1_000,
        records: offsets.clone().map(|offset| RecordPlace { offset, timestamp: published.0 * 1_000 }).collect(),
        states: offsets.map(state).collect(),
        polls: Vec::new(),
        alerts: Vec::new(),
        skipped: 0,
        dead_letters: Vec::new(),
        lost: 0,
    }
}

fn batch(parts: Vec<PartitionBatch>) -> Arc<Batch> {
    Arc::new(Batch { log: log(), parts })
}

fn minutes_ago(minutes: i64) -> UnixTime {
    UnixTime(UnixTime::now().0 - minutes * 60)
}

/// Returns the seconds until a flush is due.
fn due(sink: &ArchiveSink) -> Option<u64> {
    let due = sink.buffered().unwrap().due?;
    Some(due.saturating_duration_since(tokio::time::Instant::now()).as_secs_f64().round() as u64)
}

/// Asserts that a flush is due in this many seconds. A busy machine may take a while to get here.
fn assert_due(sink: &ArchiveSink, seconds: u64) {
    let due = due(sink);
    assert!(due.is_some_and(|due| (seconds.saturating_sub(5)..=seconds).contains(&due)), "{due:?}, not {seconds}");
}

#[actix_rt::test]
async fn a_record_is_flushed_once_it_is_old_enough_and_a_backlog_is_collected_first() {
    let folder = Folder::new();
    let sink = folder.sink(hourly());
    assert_eq!(sink.positions(&log(), &[0, 1]).await, Ok(vec![]));
    assert_eq!(due(&sink), None);
    sink.write(batch(vec![part(0, None, 0..3, minutes_ago(10))])).await.unwrap();
    assert_due(&sink, 50 * 60);
    sink.write(batch(vec![part(1, None, 0..3, minutes_ago(600))])).await.unwrap();
    assert_due(&sink, 10);
    let buffered = sink.buffered().unwrap();
    assert_eq!((buffered.records, buffered.oldest, buffered.is_full), (6, Some(minutes_ago(600).0 * 1_000), false));
}

#[actix_rt::test]
async fn the_largest_partition_is_flushed_when_the_buffers_are_large() {
    let folder = Folder::new();
    let flush_at = BufferSize { records: 10, ..hourly().flush_at };
    let full_at = BufferSize { records: 12, ..hourly().full_at };
    let sink = folder.sink(Limits { flush_at, full_at, ..hourly() });
    sink.positions(&log(), &[0, 1]).await.unwrap();
    let now = UnixTime::now();
    sink.write(batch(vec![part(0, None, 0..4, now), part(1, None, 0..5, now)])).await.unwrap();
    assert_due(&sink, 3_600);
    sink.write(batch(vec![part(1, Some(5), 5..9, now)])).await.unwrap();
    assert!(due(&sink) == Some(0) && sink.buffered().unwrap().is_full);
    let Flushed { stored, fenced, rows, files, bytes } = sink.flush().await.unwrap();
    assert_eq!((stored[0].partition, stored[0].next_offset, fenced, rows, files), (1, 9, vec![], 9, 1));
    assert!(bytes > 0);
    assert_eq!(sink.buffered().unwrap().records, 4);
    assert_due(&sink, 3_600);
    assert_eq!(folder.rows().await, (1, (0..9).collect()));
}

#[actix_rt::test]
async fn parts_that_do_not_continue_the_buffer_are_fenced() {
    let folder = Folder::new();
    let sink = folder.sink(hourly());
    sink.positions(&log(), &[0]).await.unwrap();
    let now = UnixTime::now();
    sink.write(batch(vec![part(0, None, 0..3, now)])).await.unwrap();
    let stored = sink.write(batch(vec![part(0, None, 0..3, now), part(7, None, 0..3, now)])).await.unwrap();
    let found = stored.fenced.iter().map(|it| (it.partition, it.found.map(|found| found.next_offset)));
    assert_eq!(found.collect::<Vec<_>>(), [(0, Some(3)), (7, None)]);
    assert_eq!(sink.buffered().unwrap().records, 3);
    sink.release(&[0]);
    assert_eq!(sink.buffered().unwrap().records, 0);
    assert_eq!(sink.flush().await, Ok(Flushed::default()));
    assert_eq!(folder.rows().await.0, 0);
}

#[actix_rt::test]
async fn of_two_processes_one_is_fenced_and_each_record_is_in_one_file() {
    let folder = Folder::new();
    let sinks = [folder.sink(hourly()), folder.sink(hourly())];
    let now = UnixTime::now();
    for sink in &sinks {
        sink.positions(&log(), &[0]).await.unwrap();
    }
    sinks[0].write(batch(vec![part(0, None, 0..3, now)])).await.unwrap();
    sinks[1].write(batch(vec![part(0, None, 0..5, now)])).await.unwrap();
    assert_eq!(sinks[1].flush().await.unwrap().rows, 5);
    let fenced = sinks[0].flush().await.unwrap().fenced;
    assert_eq!(fenced[0].found.map(|found| found.next_offset), Some(5));
    assert_eq!(sinks[0].buffered().unwrap().records, 0);
    sinks[0].write(batch(vec![part(0, Some(5), 5..8, now)])).await.unwrap();
    assert_eq!(sinks[0].flush().await.unwrap().rows, 3);
    assert_eq!(folder.rows().await, (2, (0..8).collect()));
    let third = folder.sink(hourly());
    assert_eq!(third.positions(&log(), &[0, 1]).await.unwrap()[0].next_offset, 8);
}

#[actix_rt::test]
async fn a_flush_of_a_released_partition_writes_nothing() {
    let folder = Folder::new();
    let sink = folder.sink(hourly());
    sink.positions(&log(), &[0]).await.unwrap();
    sink.write(batch(vec![part(0, None, 0..3, UnixTime::now())])).await.unwrap();
    let mut flush = sink.flush();
    // It has begun to encode the rows.
    assert!(futures_util::poll!(&mut flush).is_pending());
    sink.release(&[0]);
    assert_eq!(flush.await, Ok(Flushed::default()));
    assert_eq!(folder.rows().await.0, 0);
    assert_eq!(folder.objects().await.list("_staging").await, Ok(vec![]));
}

#[actix_rt::test]
async fn a_flush_that_fails_is_continued() {
    let folder = Folder::new();
    let sink = folder.sink(hourly());
    sink.positions(&log(), &[0]).await.unwrap();
    let now = UnixTime::now();
    sink.write(batch(vec![part(0, None, 0..3, now)])).await.unwrap();
    let commits = folder.0.path().join("_commits");
    std::fs::write(&commits, "a file").unwrap();
    let refused = sink.flush().await.unwrap_err();
    assert!(matches!(&refused, SinkError::Refused(text) if text.contains("_commits")), "{refused}");
    sink.write(batch(vec![part(0, Some(3), 3..6, now)])).await.unwrap();
    assert_eq!((sink.buffered().unwrap().records, due(&sink)), (6, Some(0)));
    std::fs::remove_file(commits).unwrap();
    assert_eq!(sink.flush().await.unwrap().rows, 3);
    assert_eq!(sink.flush().await.unwrap().rows, 3);
    assert_eq!(folder.rows().await, (2, (0..6).collect()));
}

/// Positions move past records that cannot be decoded, and a late record gets a file in its hour.
#[actix_rt::test]
async fn a_flush_writes_one_file_for_each_hour() {
    let folder = Folder::new();
    let sink = folder.sink(hourly());
    sink.positions(&log(), &[0]).await.unwrap();
    let mut mixed = part(0, None, 0..3, UnixTime::now());
    mixed.states.truncate(1);
    mixed.states.push(Arc::new(StateVector::new(Icao24::from_u32(9), UnixTime(1_700_000_000))));
    sink.write(batch(vec![mixed])).await.unwrap();
    let flushed = sink.flush().await.unwrap();
    assert_eq!((flushed.files, flushed.rows, flushed.stored[0].next_offset), (2, 2, 3));
    assert_eq!(folder.rows().await, (2, vec![0, 9]));
    let mut undecodable = part(0, Some(3), 3..5, UnixTime::now());
    undecodable.states.clear();
    undecodable.dead_letters = vec![actors::batch::DeadLetter {
        topic: "telemetry.raw".into(),
        partition: 0,
        offset: 3,
        timestamp: 0,
        key: None,
        value: None,
        reason: "garbage".to_owned(),
    }];
    sink.write(batch(vec![undecodable])).await.unwrap();
    let flushed = sink.flush().await.unwrap();
    assert_eq!((flushed.files, flushed.rows, flushed.stored[0].next_offset), (0, 0, 5));
}

/// The memory of a buffer is limited by the number of hours, too, since each has some overhead.
#[actix_rt::test]
async fn records_of_many_hours_are_flushed_early() {
    let folder = Folder::new();
    let sink = folder.sink(Limits::of(Duration::from_secs(86_400)));
    sink.positions(&log(), &[0]).await.unwrap();
    let mut scattered = part(0, None, 0..600, UnixTime::now());
    for (hour, state) in (0_i64..).zip(&mut scattered.states) {
        *state = Arc::new(StateVector::new(Icao24::from_u32(1), UnixTime(1_700_000_000 + hour * 3_600)));
    }
    sink.write(batch(vec![scattered])).await.unwrap();
    assert_eq!(due(&sink), Some(0));
}
