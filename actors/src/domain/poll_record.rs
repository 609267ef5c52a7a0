use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use utoipa::ToSchema;

use super::UnixMillis;

/// What a poll of a source found, or several consecutive polls with the same outcome. A record of the topic
/// `telemetry.polls` and a row of `source_polls`; `source`, `started` and `process` identify it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "PollRecordParts")]
pub struct PollRecord {
    /// The name of the source.
    pub source: String,
    /// The kind of the source.
    pub kind: String,
    /// Identifies the polling process; random at each start.
    pub process: String,
    /// What the polls found.
    pub outcome: PollOutcome,
    /// When the first poll started, in Unix milliseconds.
    pub started: UnixMillis,
    /// When the last poll ended, in Unix milliseconds.
    pub ended: UnixMillis,
    /// The number of polls; 0 while polling is paused.
    pub polls: u32,
    /// The number of aircraft that the source reported last.
    pub states: u64,
    /// The number of its states that were published.
    pub changed: u64,
    /// The number of rows that are not valid states.
    pub bad_rows: u64,
    /// The duration of the slowest request, in seconds.
    pub seconds: f64,
    /// Credits left, if the source reports them.
    pub credits_left: Option<u32>,
    /// The interval at which the source is polled while it answers, in seconds.
    pub interval: f64,
    /// When the next poll is planned, in Unix milliseconds; `null` if none is.
    pub next_poll_at: Option<UnixMillis>,
    /// The bounding box that is polled; `null` for everything that the source reports.
    pub area: Option<String>,
}

/// The members of a [`PollRecord`], before they are checked.
#[derive(Deserialize)]
struct PollRecordParts {
    source: String,
    kind: String,
    process: String,
    outcome: PollOutcome,
    started: UnixMillis,
    ended: UnixMillis,
    polls: u32,
    #[serde(default)]
    states: u64,
    #[serde(default)]
    changed: u64,
    #[serde(default)]
    bad_rows: u64,
    #[serde(default)]
    seconds: f64,
    #[serde(default)]
    credits_left: Option<u32>,
    #[serde(default)]
    interval: f64,
    #[serde(default)]
    next_poll_at: Option<UnixMillis>,
    #[serde(default)]
    area: Option<String>,
}

/// Why a record is not valid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidPollRecord {
    /// A text is empty, too long or contains other characters than printable ASCII.
    #[error("{0} must be 1 to 128 printable ASCII characters")]
    Text(&'static str),
    /// A number is negative or too large.
    #[error("{0} is out of range")]
    Number(&'static str),
    /// The times contradict each other.
    #[error("{0} is before {1}")]
    Order(&'static str, &'static str),
}

/// The outcome of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PollOutcome {
    /// The source answered with aircraft.
    Live,
    /// It answered, and reported no aircraft.
    Quiet,
    /// It answered, but its times stand still.
    Stale,
    /// Its response was invalid.
    Malformed,
    /// It limits the request rate.
    RateLimited,
    /// It rejected the credentials or the request.
    Refused,
    /// It was down, slow or unreachable.
    Unavailable,
    /// It was not polled, because the operator paused polling.
    Paused,
}

impl PollOutcome {
    /// All outcomes.
    pub const ALL: [Self; 8] = [
        Self::Live,
        Self::Quiet,
        Self::Stale,
        Self::Malformed,
        Self::RateLimited,
        Self::Refused,
        Self::Unavailable,
        Self::Paused,
    ];

    /// Returns the name in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Quiet => "quiet",
            Self::Stale => "stale",
            Self::Malformed => "malformed",
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Paused => "paused",
        }
    }

    /// Returns the outcome with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Whether the source answered.
    pub fn has_answered(self) -> bool {
        matches!(self, Self::Live | Self::Quiet | Self::Stale)
    }

    /// Whether the sky was observed: the source answered, and its answer was of that time.
    pub fn is_covered(self) -> bool {
        matches!(self, Self::Live | Self::Quiet)
    }
}

impl Serialize for PollOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for PollOutcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| {
            let name: String = name.chars().take(40).collect();
            serde::de::Error::custom(format!("{name:?} is not an outcome of a poll"))
        })
    }
}

impl PollRecord {
    /// The maximum length of a text in bytes.
    const MAX_TEXT: usize = 128;
    /// Longer intervals and requests do not occur; in seconds.
    const MAX_SECONDS: f64 = 1e9;
}

impl TryFrom<PollRecordParts> for PollRecord {
    type Error = InvalidPollRecord;

    fn try_from(parts: PollRecordParts) -> Result<Self, InvalidPollRecord> {
        use InvalidPollRecord::{Number, Order, Text};
        let PollRecordParts { source, kind, process, outcome, started, ended, polls, states, changed, .. } = parts;
        let PollRecordParts { bad_rows, seconds, credits_left, interval, next_poll_at, area, .. } = parts;
        let texts =
            [("source", Some(&source)), ("kind", Some(&kind)), ("process", Some(&process)), ("area", area.as_ref())];
        for (name, text) in texts {
            // Every encoding of a database has these characters.
            let is_printable = |text: &String| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if text.is_some_and(|text| !(1..=Self::MAX_TEXT).contains(&text.len()) || !is_printable(text)) {
                return Err(Text(name));
            }
        }
        for (name, number) in [("seconds", seconds), ("interval", interval)] {
            if !(0.0..=Self::MAX_SECONDS).contains(&number) {
                return Err(Number(name));
            }
        }
        // PostgreSQL and SQLite store counts as signed integers.
        for (name, number) in [("states", states), ("changed", changed), ("bad_rows", bad_rows)] {
            if i64::try_from(number).is_err() {
                return Err(Number(name));
            }
        }
        for (name, time) in [("started", Some(started)), ("ended", Some(ended)), ("next_poll_at", next_poll_at)] {
            if time.is_some_and(|time| !time.is_storable()) {
                return Err(Number(name));
            }
        }
        if ended < started {
            return Err(Order("ended", "started"));
        }
        if next_poll_at.is_some_and(|next| next < ended) {
            return Err(Order("next_poll_at", "ended"));
        }
        Ok(Self {
            source,
            kind,
            process,
            outcome,
            started,
            ended,
            polls,
            states,
            changed,
            bad_rows,
            seconds,
            credits_left,
            interval,
            next_poll_at,
            area,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORD: &str = r#"{"source":"opensky","kind":"opensky","process":"5f3a9c1e00112233","outcome":"live","started":1795472375123,"ended":1795472375623,"polls":1,"states":7012,"changed":6120,"bad_rows":0,"seconds":0.5,"credits_left":3212,"interval":86.4,"next_poll_at":1795472462023,"area":null}"#;

    #[test]
    fn the_json_of_a_record_is_stable() {
        let record: PollRecord = serde_json::from_str(RECORD).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), RECORD);
    }

    #[test]
    fn members_of_later_versions_are_ignored_and_counts_may_be_absent() {
        let short =
            r#"{"source":"a","kind":"b","process":"c","outcome":"paused","started":1,"ended":2,"polls":0,"later":[]}"#;
        let record: PollRecord = serde_json::from_str(short).unwrap();
        assert_eq!((record.states, record.next_poll_at, record.area), (0, None, None));
    }

    #[test]
    fn invalid_records_are_rejected_with_a_reason() {
        let check = |from: &str, to: &str, reason: &str| {
            assert!(RECORD.contains(from), "{from}");
            let error = serde_json::from_str::<PollRecord>(&RECORD.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(reason), "{to}: {error}");
        };
        check(r#""source":"opensky""#, r#""source":"""#, "source must be 1 to 128 printable ASCII");
        check(r#""source":"opensky""#, r#""source":"a\u0000""#, "source must be");
        check(r#""process":"5f3a9c1e00112233""#, &format!(r#""process":"{}""#, "x".repeat(129)), "process must");
        check(r#""outcome":"live""#, r#""outcome":"fine""#, "\"fine\" is not an outcome");
        check(r#""seconds":0.5"#, r#""seconds":-1"#, "seconds is out of range");
        check(r#""interval":86.4"#, r#""interval":1e300"#, "interval is out of range");
        check(r#""states":7012"#, r#""states":18446744073709551615"#, "states is out of range");
        check(r#""started":1795472375123"#, r#""started":9223372036854775807"#, "started is out of range");
        check(r#""ended":1795472375623"#, r#""ended":1795472375122"#, "ended is before started");
        check(r#""next_poll_at":1795472462023"#, r#""next_poll_at":5"#, "next_poll_at is before ended");
        check(r#""polls":1"#, r#""polls":-1"#, "invalid value");
    }

    proptest! {
        #[test]
        fn fuzzed_values_round_trip_or_are_rejected(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let mut value = RECORD.as_bytes().to_vec();
            for (at, byte) in edits {
                let at = at.index(value.len());
                value[at] = byte;
            }
            if let Ok(record) = serde_json::from_slice::<PollRecord>(&value) {
                let written = serde_json::to_vec(&record).unwrap();
                prop_assert_eq!(serde_json::from_slice::<PollRecord>(&written).unwrap(), record);
            }
        }
    }
}
