//! The names of the archive's objects.

use std::fmt::{self, Write};

use actors::batch::LogId;
use actors::domain::UnixTime;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

/// The folder of files that are not yet in place. Readers ignore names that start with an underscore.
pub(super) const STAGING: &str = "_staging";

/// The prefix of the names of temporary files in [`STAGING`].
pub(super) const TEMPORARY: &str = ".tmp-";

/// The folder of the objects by which a server is tried.
pub(super) const PROBES: &str = "_staging/probes";

/// The folder of the files that flushes have not yet moved into place.
pub(super) const STAGED_PARTITIONS: &str = "_staging/partitions";

/// The folder of the files that compactions have not yet moved into place.
pub(super) const STAGED_COMPACTIONS: &str = "_staging/compactions";

const SECONDS: i64 = 3_600;

/// An hour of `last_contact`, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hour(i64);

impl Hour {
    /// Returns the hour of a time.
    pub(crate) fn of(time: UnixTime) -> Self {
        Self(time.0.div_euclid(SECONDS))
    }

    /// Returns the first second after the hour.
    pub(crate) fn end(self) -> UnixTime {
        UnixTime((self.0 + 1) * SECONDS)
    }

    /// Parses the folder of an hour.
    pub(super) fn parse(folder: &str) -> Option<Self> {
        let (date, hour) = folder.strip_prefix("date=")?.split_once("/hour=")?;
        let date = time::Date::parse(date, format_description!("[year]-[month]-[day]")).ok()?;
        let hour: u8 = hour.parse().ok()?;
        let parsed = Self::of(UnixTime(date.with_hms(hour, 0, 0).ok()?.assume_utc().unix_timestamp()));
        (parsed.to_string() == folder).then_some(parsed)
    }
}

/// The folder of the hour, such as `date=2026-11-30/hour=03`.
impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = OffsetDateTime::from_unix_timestamp(self.0 * SECONDS).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        write!(f, "date={}/hour={:02}", start.date(), start.hour())
    }
}

/// Names what one partition writes.
#[derive(Clone, Debug)]
pub(super) struct PartitionNames {
    /// The folder of the commit records.
    pub(super) commits: String,
    /// The folder of the staged files.
    pub(super) staged: String,
    topic: String,
    partition: i32,
    /// Distinguishes clusters: a recreated cluster counts its offsets from 0 again.
    log: String,
}

impl PartitionNames {
    pub(super) fn of(log: &LogId, partition: i32) -> Self {
        let folder = format!("{}/{}/{partition}", segment(&log.cluster), segment(&log.topic));
        Self {
            commits: format!("_commits/{folder}"),
            staged: format!("{STAGED_PARTITIONS}/{folder}"),
            topic: segment(&log.topic),
            partition,
            log: hex(&Sha256::digest(log.to_string())[..8]),
        }
    }

    /// Returns the path of a staged file, and where it goes.
    pub(super) fn file(&self, hour: Hour, token: &str, sequence: u64, offsets: (i64, i64)) -> (String, String) {
        let Self { staged, topic, partition, log, .. } = self;
        let (from, next) = offsets;
        let flat = hour.to_string().replace('/', ".");
        (
            format!("{staged}/{sequence}-{token}-{flat}.part"),
            format!("{hour}/{topic}-{partition}-{from}-{next}-{sequence}-{log}.parquet"),
        )
    }
}

/// Names what a compaction of an hour writes.
#[derive(Clone, Debug)]
pub(super) struct CompactionNames {
    /// The folder of the records of this hour's compactions.
    pub(super) records: String,
    hour: Hour,
}

impl CompactionNames {
    pub(super) fn of(hour: Hour) -> Self {
        Self { records: format!("_compactions/{hour}"), hour }
    }

    /// Returns the path of a staged file, and where it goes.
    pub(super) fn file(&self, token: &str, generation: u64) -> (String, String) {
        let hour = self.hour;
        (
            format!("{STAGED_COMPACTIONS}/{hour}/{generation}-{token}.part"),
            format!("{hour}/compacted-{generation}-{token}.parquet"),
        )
    }
}

/// Returns whether the archive has written a file with this name. Other files in its folders are left alone.
pub(super) fn is_own(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".parquet") else { return false };
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_token = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<_> = stem.rsplitn(6, '-').collect();
    match parts[..] {
        [log, ref numbers @ .., _topic] if numbers.len() == 4 => is_token(log) && numbers.iter().all(is_number),
        [token, generation, "compacted"] => is_token(token) && is_number(&generation),
        _ => false,
    }
}

/// Returns the path of a partition's staged file as far as the partition, as `cluster/topic/partition` in path form.
pub(super) fn staged_partition(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(STAGED_PARTITIONS)?.strip_prefix('/')?;
    Some(rest.rsplit_once('/')?.0)
}

/// Returns the hour of a compaction's staged file.
pub(super) fn staged_compaction(path: &str) -> Option<Hour> {
    Hour::parse(path.strip_prefix(STAGED_COMPACTIONS)?.strip_prefix('/')?.rsplit_once('/')?.0)
}

/// Returns a random token, by which a writer recognises what it has written itself.
pub(super) fn token() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Returns a text as a name that is valid in every file system and object store.
fn segment(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => name.push(char::from(byte)),
            other => drop(write!(name, "={other:02X}")),
        }
    }
    name
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_hive_folders() {
        for (time, folder) in [
            (1_796_007_600, "date=2026-11-30/hour=03"),
            (1_796_011_199, "date=2026-11-30/hour=03"),
            (1_796_011_200, "date=2026-11-30/hour=04"),
            (-1, "date=1969-12-31/hour=23"),
            (-62_135_596_800, "date=0001-01-01/hour=00"),
            (253_402_300_799, "date=9999-12-31/hour=23"),
        ] {
            let hour = Hour::of(UnixTime(time));
            assert_eq!(hour.to_string(), folder);
            assert_eq!(Hour::parse(folder), Some(hour));
            assert!(hour.end().0 > time && hour.end().0 <= time + SECONDS);
        }
        for folder in ["", "date=2026-11-30", "date=2026-11-30/hour=3", "date=2026-11-30/hour=24", "date=x/hour=03"] {
            assert_eq!(Hour::parse(folder), None, "{folder}");
        }
    }

    #[test]
    fn own_files_are_recognised_by_their_names() {
        let log = LogId { cluster: "MkU3OEVBNTcwNTJENDM2Qg".into(), topic: "telemetry-1.raw".into() };
        let hour = Hour::of(UnixTime(1_796_007_600));
        let names = PartitionNames::of(&log, 2);
        let (staged, path) = names.file(hour, &token(), 7, (1_000, 1_900));
        let (folder, name) = path.rsplit_once('/').unwrap();
        assert_eq!(folder, "date=2026-11-30/hour=03");
        assert!(name.starts_with("telemetry-1.raw-2-1000-1900-7-") && is_own(name), "{name}");
        assert_eq!(staged_partition(&staged), Some("MkU3OEVBNTcwNTJENDM2Qg/telemetry-1.raw/2"));
        let (staged, path) = CompactionNames::of(hour).file(&token(), 3);
        let (folder, name) = path.rsplit_once('/').unwrap();
        assert_eq!(folder, "date=2026-11-30/hour=03");
        assert!(name.starts_with("compacted-3-") && is_own(name), "{name}");
        assert_eq!(staged_compaction(&staged), Some(hour));
        for other in ["part-0.parquet", "x-2-1000-1900-7-0123456789abcdef.csv", "a-b-c-d-e-0123456789abcdef.parquet"] {
            assert!(!is_own(other), "{other}");
        }
        assert_eq!(segment("a b/é"), "a=20b=2F=C3=A9");
    }
}
