//! Each storage, with the operations that the protocol relies on.

use std::fs;
use std::io::Write;
use std::sync::Arc;

use actors::batch::{LogId, Position};
use actors::ports::SinkError;
use bytes::Bytes;
use object_store::memory::InMemory;

use super::hours_ago;
use super::simulation::{files, log, offsets};
use crate::archive::local::LocalFolder;
use crate::archive::objects::Objects;
use crate::archive::remote::RemoteStore;
use crate::archive::{Commit, CompactionRules, Compactor, Head, HourOutcome, PartitionArchive, Segment};

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Runs a test on a folder and on an object store.
fn on_each_store(test: impl AsyncFn(Arc<dyn Objects>)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(test(Arc::new(LocalFolder::new(folder.path().join("not/yet/there")))));
    runtime.block_on(test(Arc::new(RemoteStore::over(InMemory::new()))));
}

#[test]
fn stores_agree_on_what_they_do() {
    on_each_store(async |objects| {
        assert_eq!(objects.list("").await, Ok(vec![]));
        assert_eq!(objects.folders().await, Ok(vec![]));
        assert_eq!(objects.get("a/b").await, Ok(None));
        assert!(objects.open("a/b").await.unwrap().is_none());
        assert_eq!(objects.exists("a/b").await, Ok(false));
        assert_eq!(objects.rename("a/b", "c/d").await, Ok(false));
        assert_eq!(objects.delete("a/b").await, Ok(()));

        assert_eq!(objects.create("a/b", text("1")).await, Ok(true));
        assert_eq!(objects.create("a/b", text("2")).await, Ok(false));
        assert_eq!(objects.get("a/b").await, Ok(Some(text("1"))));
        assert_eq!(objects.put("a/b", text("3")).await, Ok(()));
        assert_eq!(objects.put("ab/c", text("4")).await, Ok(()));
        assert_eq!(objects.rename("a/b", "a/x/y").await, Ok(true));
        assert_eq!(objects.rename("a/b", "a/x/y").await, Ok(false));
        assert_eq!(objects.get("a/x/y").await, Ok(Some(text("3"))));
        assert_eq!(objects.exists("a/x/y").await, Ok(true));

        let mut file = objects.scratch().await.unwrap();
        let long = vec![7; 9 << 20];
        file.write_all(&long).unwrap();
        assert_eq!(objects.put_file("a/long", file).await, Ok(()));
        let mut read = Vec::new();
        std::io::Read::read_to_end(&mut objects.open("a/long").await.unwrap().unwrap(), &mut read).unwrap();
        assert!(read == long);

        let listed = objects.list("a").await.unwrap();
        let listed: Vec<_> = listed.iter().map(|object| (&*object.path, object.size)).collect();
        assert_eq!(listed, [("a/long", 9 << 20), ("a/x/y", 1)]);
        let mut folders = objects.folders().await.unwrap();
        folders.retain(|folder| !folder.starts_with('_'));
        assert_eq!(folders, ["a", "ab"]);
        objects.delete("a/x/y").await.unwrap();
        assert_eq!(objects.list("a/x").await, Ok(vec![]));
    });
}

/// Commits these offsets after a head.
async fn commit(archive: &PartitionArchive, head: Option<&Head>, offsets: std::ops::Range<i64>) -> Commit {
    let position = Position { partition: 0, next_offset: offsets.end, last_timestamp: 5 };
    let mut segment = Segment::after(head, position);
    for (hour, (rows, content)) in files(offsets) {
        archive.stage(&mut segment, hour, rows, content).await.unwrap();
    }
    archive.commit(&segment).await.unwrap()
}

#[test]
fn a_second_writer_is_fenced_and_learns_the_position() {
    on_each_store(async |objects| {
        let archive = PartitionArchive::new(&objects, &log(), 0);
        assert_eq!(archive.recover().await, Ok(None));
        let Commit::Done(first) = commit(&archive, None, 0..6).await else { panic!("fenced") };
        assert_eq!(commit(&archive, None, 0..9).await, Commit::Fenced(Some(first)));
        let Commit::Done(second) = commit(&archive, Some(&first), 6..9).await else { panic!("fenced") };
        assert_eq!(commit(&archive, Some(&first), 6..12).await, Commit::Fenced(Some(second)));
        assert_eq!(archive.recover().await, Ok(Some(second)));
        assert_eq!(second.position, Position { partition: 0, next_offset: 9, last_timestamp: 5 });
        assert_eq!(objects.list("_staging/partitions").await, Ok(vec![]));
        // Offsets of another partition, topic and cluster are counted separately.
        assert_eq!(PartitionArchive::new(&objects, &log(), 1).recover().await, Ok(None));
        let other = LogId { cluster: "other".into(), ..log() };
        assert_eq!(PartitionArchive::new(&objects, &other, 0).recover().await, Ok(None));
        // A recreated topic of the same cluster continues the commits, at lower offsets.
        let Commit::Done(third) = commit(&archive, Some(&second), 0..6).await else { panic!("fenced") };
        assert_eq!((third.sequence, third.position.next_offset), (3, 6));
        let visible = objects.list("date=2026-11-30").await.unwrap();
        let mut all = Vec::new();
        for object in visible {
            all.extend(offsets(&objects.get(&object.path).await.unwrap().unwrap()));
        }
        all.sort_unstable();
        assert_eq!(all, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8]);
    });
}

#[test]
fn a_writer_that_was_suspended_for_long_cannot_append_to_pruned_commits() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let objects: Arc<dyn Objects> = Arc::new(LocalFolder::new(folder.path().to_owned()));
    runtime.block_on(async {
        let archive = PartitionArchive::new(&objects, &log(), 0);
        let mut heads: Vec<Head> = Vec::new();
        for offset in 0..6 {
            let Commit::Done(head) = commit(&archive, heads.last(), offset..offset + 1).await else { panic!() };
            heads.push(head);
        }
        for record in objects.list("_commits").await.unwrap() {
            let file = fs::File::options().write(true).open(folder.path().join(record.path)).unwrap();
            file.set_modified(hours_ago(8 * 24)).unwrap();
        }
        archive.recover().await.unwrap();
        assert_eq!(objects.list("_commits").await.unwrap().len(), 2);
        for head in &heads[..5] {
            assert_eq!(commit(&archive, Some(head), 1..3).await, Commit::Fenced(Some(heads[5])), "{head:?}");
        }
        assert_eq!(commit(&archive, None, 0..3).await, Commit::Fenced(Some(heads[5])));
        assert!(matches!(commit(&archive, Some(&heads[5]), 6..7).await, Commit::Done(_)));
    });
}

#[test]
fn abandoned_files_are_removed_after_a_day() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let objects: Arc<dyn Objects> = Arc::new(LocalFolder::new(folder.path().to_owned()));
    runtime.block_on(async {
        let archive = PartitionArchive::new(&objects, &log(), 0);
        let position = Position { partition: 0, next_offset: 3, last_timestamp: 5 };
        let mut segment = Segment::after(None, position);
        for (hour, (rows, content)) in files(0..3) {
            archive.stage(&mut segment, hour, rows, content).await.unwrap();
        }
        objects.put("_staging/.tmp-abc", text("x")).await.unwrap();
        let staged = objects.list("_staging").await.unwrap();
        assert_eq!(staged.len(), 2);
        let compactor = Compactor::new(objects.clone());
        compactor.finish_interrupted().await.unwrap();
        assert_eq!(objects.list("_staging").await.unwrap().len(), 2);
        for object in staged {
            let file = fs::File::options().write(true).open(folder.path().join(object.path)).unwrap();
            file.set_modified(hours_ago(25)).unwrap();
        }
        compactor.finish_interrupted().await.unwrap();
        assert_eq!(objects.list("_staging").await, Ok(vec![]));
        assert_eq!(objects.folders().await.unwrap(), ["_staging"]);
    });
}

#[test]
fn an_invalid_commit_record_is_refused_by_its_name() {
    on_each_store(async |objects| {
        let archive = PartitionArchive::new(&objects, &log(), 0);
        let Commit::Done(first) = commit(&archive, None, 0..6).await else { panic!("fenced") };
        let record = "_commits/cluster/telemetry.raw/0/00000000000000000001.json";
        let content = objects.get(record).await.unwrap().unwrap();
        for garbage in ["", "{", "{\"version\": 1}", "\u{0}\u{0}"] {
            objects.put(record, text(garbage)).await.unwrap();
            let Err(SinkError::Refused(reason)) = archive.recover().await else { panic!("accepted {garbage:?}") };
            assert!(reason.contains(record) && reason.contains("is invalid"), "{reason}");
        }
        let later = String::from_utf8(content.to_vec()).unwrap().replacen("\"version\": 1", "\"version\": 2", 1);
        objects.put(record, later.into()).await.unwrap();
        assert!(matches!(archive.recover().await, Err(SinkError::Refused(_))));
        objects.put(record, content).await.unwrap();
        assert_eq!(archive.recover().await, Ok(Some(first)));
    });
}

#[test]
fn a_compaction_leaves_files_of_others_and_incomplete_hours_alone() {
    on_each_store(async |objects| {
        let archive = PartitionArchive::new(&objects, &log(), 0);
        let Commit::Done(first) = commit(&archive, None, 0..8).await else { panic!("fenced") };
        commit(&archive, Some(&first), 8..24).await;
        let foreign = "date=2026-11-30/hour=03/mine.parquet";
        objects.put(foreign, text("not Parquet")).await.unwrap();
        let compactor = Compactor::new(objects.clone());
        let hour = |text: &str| crate::archive::Hour::parse(text).unwrap();
        let (three, four) = (hour("date=2026-11-30/hour=03"), hour("date=2026-11-30/hour=04"));
        let all = CompactionRules { from: None, to: None, complete_before: four.end() };
        assert_eq!(compactor.hours(&all).await, Ok(vec![three]));
        let early = CompactionRules { complete_before: actors::domain::UnixTime(three.end().0 - 1), ..all };
        assert_eq!(compactor.hours(&early).await, Ok(vec![]));
        let later = CompactionRules { from: Some(three.end()), ..all };
        assert_eq!(compactor.hours(&later).await, Ok(vec![]));
        let HourOutcome::Merged { files, rows, .. } = compactor.compact(three).await.unwrap() else { panic!() };
        assert_eq!((files, rows), (2, 12));
        assert_eq!(compactor.compact(three).await, Ok(HourOutcome::Compact));
        assert_eq!(compactor.compact(four).await, Ok(HourOutcome::Compact));
        assert_eq!(objects.get(foreign).await, Ok(Some(text("not Parquet"))));
        assert_eq!(objects.list("date=2026-11-30/hour=03").await.unwrap().len(), 2);
    });
}

#[test]
fn an_hour_with_many_files_is_compacted_in_steps() {
    on_each_store(async |objects| {
        let archive = PartitionArchive::new(&objects, &log(), 0);
        let mut head = None;
        for offset in 0..70_i64 {
            // All in the same hour.
            let (hour, (rows, content)) = files(offset % 4..offset % 4 + 1).pop_first().unwrap();
            let position = Position { partition: 0, next_offset: offset + 1, last_timestamp: 5 };
            let mut segment = Segment::after(head.as_ref(), position);
            archive.stage(&mut segment, hour, rows, content).await.unwrap();
            let Commit::Done(done) = archive.commit(&segment).await.unwrap() else { panic!("fenced") };
            head = Some(done);
        }
        let hour = crate::archive::Hour::parse("date=2026-11-30/hour=03").unwrap();
        let outcome = Compactor::new(objects.clone()).compact(hour).await.unwrap();
        assert!(matches!(outcome, HourOutcome::Merged { files: 70, rows: 70, .. }), "{outcome:?}");
        let [file] = &objects.list(&hour.to_string()).await.unwrap()[..] else { panic!("several files") };
        assert_eq!(offsets(&objects.get(&file.path).await.unwrap().unwrap()).len(), 70);
    });
}

#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let objects = LocalFolder::new(file);
    let refused = runtime.block_on(objects.put("a/b", text("1"))).unwrap_err();
    assert!(matches!(&refused, SinkError::Refused(text) if text.contains("a file")), "{refused}");
}
