use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use foldhash::fast::RandomState;
use foldhash::quality::FixedState;

use super::kept_fields::KeptFields;
use crate::domain::{FIELDS, FieldValue, Icao24, Snapshot, StateVector, UnixTime};
use crate::enrichment::country_of;
use crate::supervision::{ConfiguredName, PassedOver};

/// A source whose states are merged.
#[derive(Clone, Debug)]
pub struct MergedSource {
    /// Its name, which its state vectors carry.
    pub name: ConfiguredName,
    /// Of two sources that report an aircraft, the one with the higher priority prevails.
    pub priority: i16,
}

/// The rules of merging.
#[derive(Clone, Debug)]
pub struct MergeRules {
    /// The sources, in the order of their indices.
    pub sources: Vec<MergedSource>,
    /// A source keeps an aircraft until it has been silent about it for this long.
    pub handover: Duration,
}

/// The newest published state of each aircraft, the source that reported it, and what other sources know.
///
/// A source *holds* an aircraft if the newest state is its own. Another source takes the aircraft over with a state that
/// is newer and whose position is not older, if it has a higher priority, or if the holder has been silent about the
/// aircraft for [`MergeRules::handover`]. A source that knows no position does not hide that of another one.
#[derive(Debug)]
pub(super) struct Merge {
    rules: MergeRules,
    aircraft: HashMap<Icao24, Published, RandomState>,
    /// What the sources report, whether published or not; empty with a single source.
    reported: HashMap<Icao24, Reported, RandomState>,
    /// When aircraft were last forgotten.
    forgot_at: UnixTime,
}

/// The newest published state of an aircraft.
#[derive(Clone, Copy, Debug)]
struct Published {
    holder: usize,
    digest: StateDigest,
    time_position: Option<UnixTime>,
}

/// What the sources have reported about an aircraft.
#[derive(Clone, Debug, Default)]
struct Reported {
    kept: KeptFields,
    /// The last source that reported a current position, and the last contact of that state.
    located: Option<(usize, UnixTime)>,
}

/// The time and the hash of a state, as its source reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StateDigest {
    last_contact: UnixTime,
    values: u64,
}

/// The newest row of an aircraft in a response so far; the first one if several have the same time.
#[derive(Clone, Copy, Debug)]
struct FirstRow {
    digest: StateDigest,
    /// Whether the row was counted as revised.
    revised: bool,
}

/// The states of a snapshot to publish, and the counts of those that were passed over.
#[derive(Debug, Default, PartialEq)]
pub(super) struct MergedStates {
    pub(super) states: Vec<Arc<StateVector>>,
    /// The digest of each state before other sources' fields were filled in.
    pub(super) digests: Vec<StateDigest>,
    pub(super) passed_over: PassedOver,
}

impl Merge {
    /// Aircraft not heard for this many seconds before a response are forgotten. A source repeats a state for five
    /// minutes, so after an hour no repeated state can be taken for a new one.
    const MEMORY: i64 = 3600;

    /// A source whose position is older than the published one waits for up to this many seconds, so that a track does
    /// not turn back. An older position than that is not current.
    const POSITION_MEMORY: i64 = 60;

    /// A source that does not know an aircraft's position does not hide that of another source, which may be polled
    /// seldom, for this many seconds.
    const LOCATED_MEMORY: i64 = 300;

    /// A state that is this many seconds ahead of the local clock does not take an aircraft over, since no later state
    /// of another source could.
    const AHEAD: i64 = 10;

    pub(super) fn new(rules: MergeRules) -> Self {
        let (aircraft, reported) = Default::default();
        Self { rules, aircraft, reported, forgot_at: UnixTime::default() }
    }

    /// Returns the states of a source that are to be published, in the snapshot's order.
    pub(super) fn apply(&mut self, source: usize, snapshot: &Snapshot, now: UnixTime) -> MergedStates {
        let mut merged = MergedStates::default();
        let mut rows: HashMap<Icao24, FirstRow, RandomState> = HashMap::default();
        rows.reserve(snapshot.states.len());
        let name = self.rules.sources.get(source).map(|source| source.name.as_str());
        for state in &snapshot.states {
            let icao24 = state.icao24;
            let is_hidden =
                self.rules.sources.len() > 1 && self.reported.entry(icao24).or_default().note(state, source);
            let known = self.aircraft.get(&icao24);
            let is_held = |known: &Published| known.holder != source && !self.takes_over(source, state, known, now);
            if is_hidden || known.is_some_and(is_held) {
                merged.passed_over.other_source += 1;
                continue;
            }
            let (digest, published) = (StateDigest::of(state), known.map(|known| known.digest));
            let newest = rows.get(&icao24).map(|row| row.digest.last_contact).max(published.map(|it| it.last_contact));
            match newest.map_or(Ordering::Greater, |newest| digest.last_contact.cmp(&newest)) {
                Ordering::Less => merged.passed_over.older += 1,
                Ordering::Equal => {
                    let is_published = published == Some(digest);
                    let row = rows.get_mut(&icao24).filter(|row| row.digest.last_contact == digest.last_contact);
                    if let Some(row) = row {
                        merged.passed_over.count_duplicate(row, digest, is_published);
                        continue;
                    }
                    rows.insert(icao24, FirstRow { digest, revised: !is_published });
                    let count = &mut merged.passed_over;
                    *(if is_published { &mut count.unchanged } else { &mut count.revised }) += 1;
                }
                Ordering::Greater => {
                    rows.insert(icao24, FirstRow { digest, revised: false });
                    let mut state = StateVector { source: name.map(Into::into), ..state.clone() };
                    if let Some(reported) = self.reported.get(&icao24) {
                        reported.kept.fill(&mut state, source);
                    }
                    if state.origin_country.is_none() {
                        state.origin_country = country_of(icao24).map(CompactString::const_new);
                    }
                    merged.states.push(Arc::new(state));
                    merged.digests.push(digest);
                }
            }
        }
        merged
    }

    /// Returns whether a source takes over an aircraft that another one holds.
    fn takes_over(&self, source: usize, state: &StateVector, known: &Published, now: UnixTime) -> bool {
        let priority = |source: usize| self.rules.sources.get(source).map(|source| source.priority);
        let silent = state.last_contact.seconds_since(known.digest.last_contact);
        let is_late = silent >= i64::try_from(self.rules.handover.as_secs()).unwrap_or(i64::MAX);
        let turns_back = known.time_position.is_some_and(|position| {
            state.time_position.is_none_or(|own| own < position)
                && state.last_contact.seconds_since(position) <= Self::POSITION_MEMORY
        });
        silent > 0
            && !turns_back
            && state.last_contact.seconds_since(now) <= Self::AHEAD
            && (is_late || priority(source) > priority(known.holder))
    }

    /// Records that these states of a source were published. `now` is the time of their response.
    pub(super) fn published(&mut self, source: usize, merged: &MergedStates, now: UnixTime) {
        for (state, digest) in merged.states.iter().zip(&merged.digests) {
            let published = Published { holder: source, digest: *digest, time_position: state.time_position };
            let newest = self.aircraft.entry(state.icao24).or_insert(published);
            if digest.last_contact > newest.digest.last_contact {
                *newest = published;
            }
        }
        if now > self.forgot_at {
            self.forgot_at = now;
            self.aircraft.retain(|_, known| now.seconds_since(known.digest.last_contact) <= Self::MEMORY);
            self.reported.retain(|icao24, _| self.aircraft.contains_key(icao24));
        }
    }

    /// The number of aircraft that are remembered.
    pub(super) fn aircraft(&self) -> usize {
        self.aircraft.len()
    }

    /// The number of remembered aircraft that a source holds.
    pub(super) fn held_by(&self, source: usize) -> usize {
        self.aircraft.values().filter(|known| known.holder == source).count()
    }
}

impl Reported {
    /// Notes a state that a source reports. Returns whether it would hide the position that another source knows.
    fn note(&mut self, state: &StateVector, source: usize) -> bool {
        self.kept.keep(state, source);
        let at = state.last_contact;
        if state.time_position.is_some_and(|position| at.seconds_since(position) <= Merge::POSITION_MEMORY) {
            if self.located.is_none_or(|(_, located_at)| at >= located_at) {
                self.located = Some((source, at));
            }
            return false;
        }
        self.located
            .is_some_and(|(other, located_at)| other != source && at.seconds_since(located_at) <= Merge::LOCATED_MEMORY)
    }
}

impl PassedOver {
    /// Counts a row with the same address and time as an earlier row of the same response.
    fn count_duplicate(&mut self, first: &mut FirstRow, row: StateDigest, is_published: bool) {
        if first.digest == row {
            self.unchanged += 1;
        } else if is_published && first.revised {
            // This row is the published state, so the first row came from the other transmitter.
            first.revised = false;
            self.revised -= 1;
            self.duplicate_address += 1;
            self.unchanged += 1;
        } else if is_published {
            self.unchanged += 1;
        } else {
            self.duplicate_address += 1;
        }
    }
}

impl StateDigest {
    pub(super) fn of(state: &StateVector) -> Self {
        Self { last_contact: state.last_contact, values: hash_of_values(state) }
    }
}

/// Returns a hash of all values of a state except the response time.
fn hash_of_values(state: &StateVector) -> u64 {
    let values = StateVector { observed_at: None, ..state.borrowed() };
    let mut hasher = FixedState::default().build_hasher();
    for field in FIELDS {
        match field.value(&values) {
            FieldValue::Address(address) => address.hash(&mut hasher),
            FieldValue::Text(text) => text.hash(&mut hasher),
            // Adding 0 turns −0 into +0, so that both have the same hash.
            FieldValue::Number(number) => number.map(|number| (number + 0.0).to_bits()).hash(&mut hasher),
            FieldValue::Code(code) => code.hash(&mut hasher),
            FieldValue::Flag(flag) => flag.hash(&mut hasher),
            FieldValue::Time(time) => time.hash(&mut hasher),
        }
    }
    hasher.finish()
}
