use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actors::batch::{LogId, Position};
use actors::ports::SinkError;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::chain::{Appended, Chain};
use super::layout::{self, Hour, PartitionNames, STAGED_PARTITIONS};
use super::objects::Objects;
use crate::fault;

/// What the archive has of one partition of a log, and the protocol by which more is added.
pub(crate) struct PartitionArchive {
    objects: Arc<dyn Objects>,
    log: LogId,
    partition: i32,
    names: PartitionNames,
    chain: Chain,
}

/// The newest commit of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The number of the commit, from 1.
    pub(crate) sequence: u64,
    /// The position up to which the archive has the partition.
    pub(crate) position: Position,
}

/// Consecutive records of a partition that are committed together, and the files with their rows.
#[derive(Debug)]
pub(crate) struct Segment {
    sequence: u64,
    /// The position that must be the stored one; `None` if there must be none yet.
    from: Option<i64>,
    position: Position,
    /// Tells this attempt's files and commit record from those of any other.
    token: String,
    began: Instant,
    rows: u64,
    files: Vec<MovedFile>,
}

/// The outcome of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// The segment is in the archive.
    Done(Head),
    /// Another writer has committed since, so nothing of the segment is in the archive. This is the newest commit now.
    Fenced(Option<Head>),
}

/// A commit record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitRecord {
    version: u32,
    cluster: String,
    topic: String,
    partition: i32,
    token: String,
    /// The position before this commit.
    from: Option<i64>,
    next_offset: i64,
    last_timestamp: i64,
    rows: u64,
    files: Vec<MovedFile>,
}

/// A file, and where it goes once its commit record exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MovedFile {
    staged: String,
    path: String,
}

/// The version of the commit records.
const VERSION: u32 = 1;

/// How many commits a writer makes between two removals of old records.
const PRUNED_EVERY: u64 = 64;

/// The maximum time from the first staged file to the commit.
const MAX_STAGING_TIME: Duration = Duration::from_secs(6 * 3_600);

/// The age at which a staged file that no commit record names is deleted. No writer still intends to commit it.
pub(super) const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3_600);

impl Segment {
    /// Starts a segment after this commit, or the first one of the partition, up to this position.
    pub(crate) fn after(head: Option<&Head>, position: Position) -> Self {
        Self {
            sequence: head.map_or(0, |head| head.sequence) + 1,
            from: head.map(|head| head.position.next_offset),
            position,
            token: layout::token(),
            began: Instant::now(),
            rows: 0,
            files: Vec::new(),
        }
    }

    /// The partition's number.
    pub(crate) fn partition(&self) -> i32 {
        self.position.partition
    }
}

impl PartitionArchive {
    pub(crate) fn new(objects: &Arc<dyn Objects>, log: &LogId, partition: i32) -> Self {
        let names = PartitionNames::of(log, partition);
        let chain = Chain::new(objects, &names.commits);
        Self { objects: objects.clone(), log: log.clone(), partition, names, chain }
    }

    /// Returns the newest commit, after finishing what an interrupted writer has left of it, and removes what it has
    /// left of others.
    ///
    /// # Errors
    /// Returns an error if the archive cannot be read or written, or has an invalid commit record.
    pub(crate) async fn recover(&self) -> Result<Option<Head>, SinkError> {
        let newest = self.newest().await?;
        if let Some((_, record)) = &newest {
            publish(&*self.objects, record).await?;
        }
        discard_abandoned(&*self.objects, &self.names.staged).await?;
        self.chain.prune().await?;
        Ok(newest.map(|(sequence, record)| Head { sequence, position: record.position() }))
    }

    async fn newest(&self) -> Result<Option<(u64, CommitRecord)>, SinkError> {
        let newest = self.chain.newest::<CommitRecord>().await?;
        let Some((sequence, record)) = &newest else { return Ok(None) };
        let is_of_this_log = *record.cluster == *self.log.cluster && *record.topic == *self.log.topic;
        if record.version > VERSION || record.partition != self.partition || !is_of_this_log {
            let commits = &self.names.commits;
            return Err(SinkError::Refused(format!(
                "{}: commit {sequence} in {commits} is of another version or partition; restore it",
                self.objects
            )));
        }
        Ok(newest)
    }

    /// Writes the rows of an hour aside.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written. The caller may repeat the call.
    pub(crate) async fn stage(
        &self,
        segment: &mut Segment,
        hour: Hour,
        rows: u64,
        content: Bytes,
    ) -> Result<(), SinkError> {
        let offsets = (segment.from.unwrap_or(0), segment.position.next_offset);
        let (staged, path) = self.names.file(hour, &segment.token, segment.sequence, offsets);
        self.objects.put(&staged, content).await?;
        segment.rows += rows;
        segment.files.push(MovedFile { staged, path });
        Ok(())
    }

    /// Makes the staged files of a segment part of the archive, all of them or none, and moves them into place.
    ///
    /// # Errors
    /// Returns an error if the archive cannot be read or written. The caller repeats the call: until it succeeds, it is
    /// unknown whether the segment is part of the archive.
    pub(crate) async fn commit(&self, segment: &Segment) -> Result<Commit, SinkError> {
        let record = CommitRecord {
            version: VERSION,
            cluster: self.log.cluster.to_string(),
            topic: self.log.topic.to_string(),
            partition: self.partition,
            token: segment.token.clone(),
            from: segment.from,
            next_offset: segment.position.next_offset,
            last_timestamp: segment.position.last_timestamp,
            rows: segment.rows,
            files: segment.files.clone(),
        };
        let is_recent = segment.began.elapsed() < MAX_STAGING_TIME;
        if is_recent && self.chain.append(segment.sequence - 1, &record).await? == Appended::Yes {
            fault::point("archive-committed");
            publish(&*self.objects, &record).await?;
            if segment.sequence.is_multiple_of(PRUNED_EVERY) {
                self.chain.prune().await?;
            }
            return Ok(Commit::Done(Head { sequence: segment.sequence, position: segment.position }));
        }
        // Moves the files of this segment, too, if an earlier attempt has committed it.
        let head = self.recover().await?;
        self.discard(segment).await?;
        Ok(Commit::Fenced(head))
    }

    /// Deletes the staged files of a segment that will not be committed.
    ///
    /// # Errors
    /// Returns an error if a file cannot be deleted.
    pub(crate) async fn discard(&self, segment: &Segment) -> Result<(), SinkError> {
        for file in &segment.files {
            self.objects.delete(&file.staged).await?;
        }
        Ok(())
    }
}

impl CommitRecord {
    fn position(&self) -> Position {
        let Self { partition, next_offset, last_timestamp, .. } = *self;
        Position { partition, next_offset, last_timestamp }
    }
}

/// Finishes the moves of commits whose writers were interrupted, of whatever log. A log that no longer exists has no
/// other process that would finish them.
///
/// # Errors
/// Returns an error if the archive cannot be read or written, or has an invalid commit record.
pub(super) async fn finish_interrupted(objects: &Arc<dyn Objects>) -> Result<(), SinkError> {
    let staged = objects.list(STAGED_PARTITIONS).await?;
    let mut folders: Vec<_> = staged.iter().filter_map(|object| layout::staged_partition(&object.path)).collect();
    folders.dedup();
    for folder in folders {
        let newest = Chain::new(objects, &format!("_commits/{folder}")).newest::<CommitRecord>().await?;
        if let Some((_, record)) = newest.filter(|(_, record)| record.version <= VERSION) {
            publish(&**objects, &record).await?;
        }
        discard_abandoned(&**objects, &format!("{STAGED_PARTITIONS}/{folder}")).await?;
    }
    Ok(())
}

/// Moves the files of a commit into place. Those that are gone were moved before.
async fn publish(objects: &dyn Objects, record: &CommitRecord) -> Result<(), SinkError> {
    for file in &record.files {
        if objects.rename(&file.staged, &file.path).await? {
            fault::point("archive-moved");
        }
    }
    Ok(())
}

/// Deletes the staged files in a folder that are too old to be committed. The newest commit's are already in place.
async fn discard_abandoned(objects: &dyn Objects, folder: &str) -> Result<(), SinkError> {
    let abandoned_before = SystemTime::now() - ABANDONED_AFTER;
    for object in objects.list(folder).await?.iter().filter(|object| object.modified < abandoned_before) {
        objects.delete(&object.path).await?;
    }
    Ok(())
}
