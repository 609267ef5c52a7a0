use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actors::ports::SinkError;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::objects::{Object, Objects};

/// A folder of numbered records, to which one writer at a time can append: whoever knows the newest record. An append
/// fails if another writer has appended since.
///
/// Old records are removed, oldest first, but not the newest two. So the number of a removed record cannot be taken by a
/// writer that was suspended for a long time: the record before is missing, too, and the append is undone.
#[derive(Clone)]
pub(super) struct Chain {
    objects: Arc<dyn Objects>,
    folder: String,
}

/// How long records are kept, for people who look into the folder.
const KEPT: Duration = Duration::from_secs(7 * 86_400);

/// The outcome of [`Chain::append`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// The record was appended, now or by an earlier attempt whose reply was lost.
    Yes,
    /// Another writer has appended a record.
    Lost,
}

impl Chain {
    pub(super) fn new(objects: &Arc<dyn Objects>, folder: &str) -> Self {
        Self { objects: objects.clone(), folder: folder.to_owned() }
    }

    /// Returns the newest record and its number; `None` if there is none.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be read, or the record is invalid.
    pub(super) async fn newest<R: DeserializeOwned>(&self) -> Result<Option<(u64, R)>, SinkError> {
        loop {
            let listed = self.objects.list(&self.folder).await?;
            let Some((number, object)) = listed.iter().rev().find_map(|object| Some((number(object)?, object))) else {
                return Ok(None);
            };
            // Removed in the meantime if newer ones were appended.
            let Some(content) = self.objects.get(&object.path).await? else { continue };
            let record = serde_json::from_slice(&content).map_err(|error| {
                let place = format!("{}: {} is invalid: {error}", self.objects, object.path);
                SinkError::Refused(format!("{place}; restore it, or delete it to repeat what it records"))
            })?;
            return Ok(Some((number, record)));
        }
    }

    /// Appends a record after the one with the number `newest`; 0 if there is none. The record must be distinct from
    /// those of other writers.
    ///
    /// # Errors
    /// Returns an error if the record cannot be written, or this is unknown. The caller may repeat the append.
    pub(super) async fn append(&self, newest: u64, record: &impl Serialize) -> Result<Appended, SinkError> {
        let content = serde_json::to_vec_pretty(record).map_err(|error| SinkError::Refused(error.to_string()))?;
        let (path, content) = (self.path(newest + 1), Bytes::from(content));
        let created = self.objects.create(&path, content.clone()).await?;
        if !created && self.objects.get(&path).await? != Some(content) {
            return Ok(Appended::Lost);
        }
        let follows = match newest {
            0 => self.objects.list(&self.folder).await?.iter().filter_map(number).max() == Some(1),
            _ => self.objects.exists(&self.path(newest)).await?,
        };
        if follows {
            return Ok(Appended::Yes);
        }
        self.objects.delete(&path).await?;
        Ok(Appended::Lost)
    }

    /// Removes old records.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be read or written.
    pub(super) async fn prune(&self) -> Result<(), SinkError> {
        let listed = self.objects.list(&self.folder).await?;
        let mut numbered: Vec<_> = listed.iter().filter(|object| number(object).is_some()).collect();
        numbered.truncate(numbered.len().saturating_sub(2));
        let kept_since = SystemTime::now() - KEPT;
        // Oldest first, so that a record outlives the one before it.
        for object in numbered.iter().filter(|object| object.modified < kept_since) {
            self.objects.delete(&object.path).await?;
        }
        Ok(())
    }

    fn path(&self, number: u64) -> String {
        format!("{}/{number:020}.json", self.folder)
    }
}

fn number(object: &Object) -> Option<u64> {
    let digits = object.name().strip_suffix(".json").filter(|digits| digits.len() == 20)?;
    digits.parse().ok()
}
