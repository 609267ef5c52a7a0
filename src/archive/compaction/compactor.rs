use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actors::domain::UnixTime;
use actors::ports::SinkError;
use serde::{Deserialize, Serialize};

use super::merge::merge;
use crate::archive::chain::{Appended, Chain};
use crate::archive::commits::{self, ABANDONED_AFTER};
use crate::archive::layout::{self, CompactionNames, Hour, STAGED_COMPACTIONS, STAGING, TEMPORARY};
use crate::archive::objects::{Object, Objects};
use crate::fault;

/// Merges the files of each hour into one.
pub(crate) struct Compactor {
    objects: Arc<dyn Objects>,
}

/// Which hours are compacted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompactionRules {
    /// The earliest and the latest time, included; `None` for all.
    pub(crate) from: Option<UnixTime>,
    pub(crate) to: Option<UnixTime>,
    /// Hours that end after this time are left alone, because more files are expected.
    pub(crate) complete_before: UnixTime,
}

/// What became of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HourOutcome {
    /// It had at most one file.
    Compact,
    /// Its files are too new.
    TooNew,
    /// Another process compacts it.
    Contended,
    /// Its files were merged.
    Merged {
        /// The number of files before.
        files: usize,
        /// The number of rows.
        rows: u64,
        /// The size of the files before and of the merged one.
        before: u64,
        after: u64,
    },
}

/// A record in an hour's chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompactionRecord {
    version: u32,
    /// The files that are deleted.
    inputs: Vec<String>,
    staged: String,
    path: String,
    rows: u64,
}

/// The version of the records.
const VERSION: u32 = 1;

/// The maximum number of files merged at once, each of which is open. More are merged in several steps.
const MAX_INPUTS: usize = 64;

/// The maximum time from the start of a merge to its record.
const MAX_STAGING_TIME: Duration = Duration::from_secs(6 * 3_600);

impl Compactor {
    pub(crate) fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    /// Finishes what interrupted flushes and compactions have left, and removes what they have abandoned.
    ///
    /// # Errors
    /// Returns an error if the archive cannot be read or written, or has an invalid record.
    pub(crate) async fn finish_interrupted(&self) -> Result<(), SinkError> {
        commits::finish_interrupted(&self.objects).await?;
        let staged = self.objects.list(STAGING).await?;
        let mut hours: Vec<_> = staged.iter().filter_map(|object| layout::staged_compaction(&object.path)).collect();
        hours.dedup();
        for hour in hours {
            let names = CompactionNames::of(hour);
            self.finish_newest(&Chain::new(&self.objects, &names.records)).await?;
        }
        let abandoned_before = SystemTime::now() - ABANDONED_AFTER;
        let is_abandoned = |object: &&Object| {
            let is_ours = object.path.starts_with(STAGED_COMPACTIONS) || object.name().starts_with(TEMPORARY);
            is_ours && object.modified < abandoned_before
        };
        for object in staged.iter().filter(is_abandoned) {
            self.objects.delete(&object.path).await?;
        }
        Ok(())
    }

    /// Returns the hours that these rules select, in order.
    ///
    /// # Errors
    /// Returns an error if the archive cannot be read.
    pub(crate) async fn hours(&self, rules: &CompactionRules) -> Result<Vec<Hour>, SinkError> {
        let (from, to) = (rules.from.map(Hour::of), rules.to.map(Hour::of));
        let is_selected = |hour: Hour| {
            from.is_none_or(|from| hour >= from)
                && to.is_none_or(|to| hour <= to)
                && hour.end() <= rules.complete_before
        };
        let day = |hour: Hour| hour.to_string().split('/').next().map(str::to_owned).unwrap_or_default();
        let (first, last) = (from.map(day), to.map(day));
        let mut hours: BTreeMap<Hour, usize> = BTreeMap::new();
        for folder in self.objects.folders().await? {
            let is_outside =
                first.as_ref().is_some_and(|first| folder < *first) || last.as_ref().is_some_and(|last| folder > *last);
            if !folder.starts_with("date=") || is_outside {
                continue;
            }
            for object in self.objects.list(&folder).await?.iter().filter(|object| layout::is_own(object.name())) {
                let hour = object.path.rsplit_once('/').and_then(|(folder, _)| Hour::parse(folder));
                if let Some(hour) = hour.filter(|hour| is_selected(*hour)) {
                    *hours.entry(hour).or_default() += 1;
                }
            }
        }
        Ok(hours.into_iter().filter(|(_, files)| *files > 1).map(|(hour, _)| hour).collect())
    }

    /// Merges the files of an hour into one. Files that the archive has not written are left alone.
    ///
    /// # Errors
    /// Returns an error if the archive cannot be read or written, or a file is invalid.
    pub(crate) async fn compact(&self, hour: Hour) -> Result<HourOutcome, SinkError> {
        let mut outcome = HourOutcome::Compact;
        loop {
            match (outcome, self.merge_some(hour).await?) {
                (_, HourOutcome::Compact) => return Ok(outcome),
                // The last step merges all rows, and the first one has seen all files.
                (HourOutcome::Merged { files, before, .. }, HourOutcome::Merged { rows, after, .. }) => {
                    outcome = HourOutcome::Merged { files, rows, before, after }
                }
                (HourOutcome::Compact, merged @ HourOutcome::Merged { .. }) => outcome = merged,
                (_, other) => return Ok(other),
            }
        }
    }

    /// Merges the smallest files of an hour, as many as can be merged at once.
    async fn merge_some(&self, hour: Hour) -> Result<HourOutcome, SinkError> {
        let began = tokio::time::Instant::now();
        let names = CompactionNames::of(hour);
        let chain = Chain::new(&self.objects, &names.records);
        // Before the files are listed: whoever changes them in the meantime appends a record, too.
        let newest = self.finish_newest(&chain).await?;
        let mut files = self.objects.list(&hour.to_string()).await?;
        files.retain(|file| {
            layout::is_own(file.name()) && file.path.rsplit_once('/').map(|(f, _)| f) == Some(&hour.to_string())
        });
        if files.len() < 2 {
            return Ok(HourOutcome::Compact);
        }
        let settled_before = SystemTime::now() - self.objects.settling_time();
        if files.iter().any(|file| file.modified > settled_before) {
            return Ok(HourOutcome::TooNew);
        }
        let (count, before) = (files.len(), files.iter().map(|file| file.size).sum());
        files.sort_by_key(|file| file.size);
        files.truncate(MAX_INPUTS);
        let mut inputs: Vec<(String, File)> = Vec::with_capacity(files.len());
        for file in &files {
            match self.objects.open(&file.path).await? {
                Some(opened) => inputs.push((file.path.clone(), opened)),
                None => return Ok(HourOutcome::Contended),
            }
        }
        let scratch = self.objects.scratch().await?;
        let merging = tokio::task::spawn_blocking(move || merge(inputs, scratch));
        let (merged, rows) = match merging.await {
            Ok(merged) => merged?,
            Err(panicked) => return Err(SinkError::Unavailable(format!("the merge of {hour} failed: {panicked}"))),
        };
        let after = merged.as_file().metadata().map_or(0, |metadata| metadata.len());
        let (staged, path) = names.file(&layout::token(), newest + 1);
        self.objects.put_file(&staged, merged).await?;
        fault::point("compact-staged");
        let inputs = files.iter().map(|file| file.path.clone()).collect();
        let record = CompactionRecord { version: VERSION, inputs, staged, path, rows };
        let is_recent = began.elapsed() < MAX_STAGING_TIME;
        if !is_recent || self.append(&chain, newest, &record).await? == Appended::Lost {
            self.objects.delete(&record.staged).await?;
            return Ok(HourOutcome::Contended);
        }
        fault::point("compact-recorded");
        self.finish(&record).await?;
        chain.prune().await?;
        Ok(HourOutcome::Merged { files: count, rows, before, after })
    }

    /// Appends a record. Unlike a flush, a compaction is not repeated with the same record, so an unknown outcome is
    /// resolved by one more attempt.
    async fn append(&self, chain: &Chain, newest: u64, record: &CompactionRecord) -> Result<Appended, SinkError> {
        match chain.append(newest, record).await {
            Ok(appended) => Ok(appended),
            Err(_) => chain.append(newest, record).await,
        }
    }

    /// Finishes the newest compaction of an hour, and returns its number; 0 if there is none.
    async fn finish_newest(&self, chain: &Chain) -> Result<u64, SinkError> {
        let Some((number, record)) = chain.newest::<CompactionRecord>().await? else { return Ok(0) };
        if record.version > VERSION {
            let what = "a compaction by a later version of this program";
            return Err(SinkError::Refused(format!("{}: {} is {what}; update it", self.objects, record.path)));
        }
        self.finish(&record).await?;
        Ok(number)
    }

    /// Replaces the merged files by the merged one. Without its staged file, a compaction is already finished.
    async fn finish(&self, record: &CompactionRecord) -> Result<(), SinkError> {
        if !self.objects.exists(&record.staged).await? {
            return Ok(());
        }
        for input in &record.inputs {
            self.objects.delete(input).await?;
            fault::point("compact-deleted");
        }
        self.objects.rename(&record.staged, &record.path).await?;
        fault::point("compact-moved");
        Ok(())
    }
}
