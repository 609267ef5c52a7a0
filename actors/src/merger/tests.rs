use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::merge::{Merge, MergeRules, MergedSource, MergedStates, StateDigest};
use crate::domain::{Snapshot, StateVector, UnixTime};
use crate::supervision::{ConfiguredName, PassedOver};
use crate::test_support::state;

/// A merge of sources `a`, `b`, … with these priorities.
fn merge(priorities: &[i16]) -> Merge {
    let source = |(index, priority): (usize, &i16)| MergedSource {
        name: ConfiguredName::new(["a", "b", "c"][index]).unwrap(),
        priority: *priority,
    };
    let sources = priorities.iter().enumerate().map(source).collect();
    Merge::new(MergeRules { sources, handover: Duration::from_secs(10) })
}

const NOW: UnixTime = UnixTime(1000);

/// Merges these states of a source without publishing them.
fn apply_from(merge: &mut Merge, source: usize, states: Vec<StateVector>) -> MergedStates {
    merge.apply(source, &Snapshot { time: NOW, states, ..Snapshot::default() }, NOW)
}

fn apply(merge: &mut Merge, states: &[(&str, i64)]) -> MergedStates {
    apply_from(merge, 0, states.iter().map(|(icao24, at)| state(icao24, *at)).collect())
}

/// Merges and publishes a state of a source, and returns the state as it was published.
fn publish(merge: &mut Merge, source: usize, state: StateVector) -> Option<Arc<StateVector>> {
    let merged = apply_from(merge, source, vec![state]);
    merge.published(source, &merged, NOW);
    merged.states.first().cloned()
}

fn names(merged: &MergedStates) -> Vec<(String, i64)> {
    merged.states.iter().map(|s| (s.icao24.to_string(), s.last_contact.0)).collect()
}

#[test]
fn only_newer_states_pass() {
    let mut merge = merge(&[0]);
    let first = apply(&mut merge, &[("aaaaaa", 990), ("bbbbbb", 991)]);
    assert_eq!(first.states.len(), 2);
    assert_eq!(first.states[0].source.as_deref(), Some("a"));
    merge.published(0, &first, NOW);

    let second = apply(&mut merge, &[("aaaaaa", 990), ("bbbbbb", 992), ("cccccc", 5), ("aaaaaa", 989)]);
    assert_eq!(names(&second), [("bbbbbb".into(), 992), ("cccccc".into(), 5)]);
    assert_eq!(second.passed_over, PassedOver { unchanged: 1, older: 1, ..PassedOver::default() });
}

/// Returns one row at 990 for each of these callsigns of the aircraft `aaaaaa`.
fn transmitters(callsigns: &[&str]) -> Vec<StateVector> {
    callsigns
        .iter()
        .map(|callsign| StateVector { callsign: Some((*callsign).into()), ..state("aaaaaa", 990) })
        .collect()
}

#[test]
fn two_transmitters_with_one_address_are_not_taken_for_repetition() {
    let mut merge = merge(&[0]);
    let counts = |merge: &mut Merge, callsigns: &[&str]| {
        let MergedStates { states, passed_over, .. } = apply_from(merge, 0, transmitters(callsigns));
        let PassedOver { unchanged, older, duplicate_address, revised, other_source } = passed_over;
        assert_eq!((older, other_source), (0, 0));
        (states.len() as u64, unchanged, duplicate_address, revised)
    };
    assert_eq!(counts(&mut merge, &["ADSB", "FLARM"]), (1, 0, 1, 0));
    assert_eq!(counts(&mut merge, &["ADSB", "ADSB", "FLARM", "FLARM"]), (1, 1, 2, 0));
    let merged = apply_from(&mut merge, 0, transmitters(&["ADSB", "FLARM"]));
    merge.published(0, &merged, NOW);
    // The source repeats both rows until it receives from one of the transmitters again.
    assert_eq!(counts(&mut merge, &["ADSB"]), (0, 1, 0, 0));
    assert_eq!(counts(&mut merge, &["ADSB", "FLARM"]), (0, 1, 1, 0));
    assert_eq!(counts(&mut merge, &["FLARM", "ADSB"]), (0, 1, 1, 0));
    assert_eq!(counts(&mut merge, &["FLARM"]), (0, 0, 0, 1));
    assert_eq!(counts(&mut merge, &["FLARM", "FLARM"]), (0, 1, 0, 1));
}

#[test]
fn any_different_value_changes_the_digest() {
    let digest = StateDigest::of(&state("aaaaaa", 990));
    let others = [
        StateVector { lat: Some(1.0), ..state("aaaaaa", 990) },
        StateVector { lat: None, ..state("aaaaaa", 990) },
        StateVector { velocity: Some(0.0), ..state("aaaaaa", 990) },
        StateVector { time_position: Some(UnixTime(989)), ..state("aaaaaa", 990) },
        StateVector { squawk: Some("7700".into()), ..state("aaaaaa", 990) },
        StateVector { position_source: Some(3), ..state("aaaaaa", 990) },
    ];
    assert!(others.iter().all(|other| StateDigest::of(other) != digest));
    for same in [
        StateVector { observed_at: Some(UnixTime(5)), ..state("aaaaaa", 990) },
        StateVector { lat: Some(-0.0), ..state("aaaaaa", 990) },
    ] {
        assert_eq!(StateDigest::of(&same), digest);
    }
}

#[test]
fn states_that_were_not_published_pass_again() {
    let mut merge = merge(&[0]);
    assert_eq!(apply(&mut merge, &[("aaaaaa", 990)]).states.len(), 1);
    assert_eq!(apply(&mut merge, &[("aaaaaa", 990)]).states.len(), 1);
}

#[test]
fn repeated_rows_of_an_aircraft_pass_only_in_ascending_order() {
    let merged = apply(&mut merge(&[0]), &[("aaaaaa", 990), ("aaaaaa", 992), ("aaaaaa", 991)]);
    assert_eq!(names(&merged), [("aaaaaa".into(), 990), ("aaaaaa".into(), 992)]);
}

#[test]
fn aircraft_are_forgotten_after_an_hour() {
    let mut merge = merge(&[0, 0]);
    publish(&mut merge, 0, state("aaaaaa", 990));
    merge.published(0, &MergedStates::default(), UnixTime(990 + 3600));
    assert_eq!(merge.aircraft(), 1);
    merge.published(0, &MergedStates::default(), UnixTime(991 + 3600));
    assert_eq!(merge.aircraft(), 0);
}

#[test]
fn a_source_keeps_an_aircraft_until_it_has_been_silent() {
    let mut merge = merge(&[0, 0]);
    assert!(publish(&mut merge, 0, state("aaaaaa", 900)).is_some());
    assert!(publish(&mut merge, 1, state("aaaaaa", 905)).is_none());
    assert!(publish(&mut merge, 0, state("aaaaaa", 903)).is_some());
    assert!(publish(&mut merge, 1, state("aaaaaa", 912)).is_none());
    assert_eq!((merge.held_by(0), merge.held_by(1)), (1, 0));
    let taken = publish(&mut merge, 1, state("aaaaaa", 913)).unwrap();
    assert_eq!(taken.source.as_deref(), Some("b"));
    assert_eq!((merge.held_by(0), merge.held_by(1)), (0, 1));
    let merged = apply(&mut merge, &[("aaaaaa", 913), ("aaaaaa", 914)]);
    assert_eq!((merged.states.len(), merged.passed_over.other_source), (0, 2));
}

#[test]
fn a_source_of_higher_priority_takes_an_aircraft_over_at_once() {
    let mut merge = merge(&[0, 20]);
    publish(&mut merge, 0, state("aaaaaa", 900));
    assert!(publish(&mut merge, 1, state("aaaaaa", 900)).is_none(), "the same second is already published");
    assert!(publish(&mut merge, 1, state("aaaaaa", 901)).is_some());
    assert!(publish(&mut merge, 0, state("aaaaaa", 909)).is_none());
    assert!(publish(&mut merge, 0, state("aaaaaa", 911)).is_some(), "the receiver no longer hears it");
}

#[test]
fn a_track_does_not_turn_back_when_the_source_changes() {
    let positioned =
        |at, position: Option<i64>| StateVector { time_position: position.map(UnixTime), ..state("aaaaaa", at) };
    let mut merge = merge(&[0, 20]);
    publish(&mut merge, 0, positioned(900, Some(898)));
    assert!(publish(&mut merge, 1, positioned(920, Some(897))).is_none(), "its position is older");
    assert!(publish(&mut merge, 1, positioned(921, None)).is_none(), "it knows no position");
    assert!(publish(&mut merge, 1, positioned(922, Some(898))).is_some());
}

#[test]
fn a_receiver_that_knows_no_position_does_not_hide_that_of_a_slow_source() {
    let at = |at, position: Option<i64>| StateVector { time_position: position.map(UnixTime), ..state("aaaaaa", at) };
    // The receiver has the higher priority, but no position.
    let mut merge = merge(&[0, 20]);
    assert!(publish(&mut merge, 1, at(500, None)).is_some(), "nobody knows a position");
    // OpenSky's state is older than the published one, and takes the aircraft over with its next response.
    assert!(publish(&mut merge, 0, at(495, Some(494))).is_none());
    for second in 501..580 {
        assert!(publish(&mut merge, 1, at(second, None)).is_none());
    }
    assert!(publish(&mut merge, 0, at(585, Some(584))).is_some());
    assert!(publish(&mut merge, 1, at(586, Some(500))).is_none(), "its position is not current");
    assert!(publish(&mut merge, 1, at(587, Some(587))).is_some(), "the receiver has found it");
    assert!(publish(&mut merge, 1, at(588, None)).is_some(), "it holds the aircraft and has located it last");
    // OpenSky has no longer located it for five minutes.
    assert!(publish(&mut merge, 0, at(600, Some(599))).is_some());
    assert!(publish(&mut merge, 1, at(900, None)).is_none());
    assert!(publish(&mut merge, 1, at(901, None)).is_some());
}

#[test]
fn a_clock_that_is_ahead_does_not_take_aircraft_over() {
    let mut merge = merge(&[0, 20]);
    publish(&mut merge, 0, state("aaaaaa", 900));
    assert!(publish(&mut merge, 1, state("aaaaaa", NOW.0 + 11)).is_none());
    assert!(publish(&mut merge, 1, state("aaaaaa", NOW.0 + 10)).is_some());
}

#[test]
fn fields_that_only_another_source_knows_are_kept_for_a_minute() {
    let mut merge = merge(&[0, 20]);
    let full = StateVector {
        callsign: Some("SWR123".into()),
        origin_country: Some("Switzerland".into()),
        squawk: Some("1000".into()),
        category: Some(4),
        ..state("aaaaaa", 900)
    };
    publish(&mut merge, 0, full);
    let seen = publish(&mut merge, 1, StateVector { squawk: Some("2000".into()), ..state("aaaaaa", 901) }).unwrap();
    assert_eq!((seen.callsign.as_deref(), seen.category), (Some("SWR123"), Some(4)));
    assert_eq!((seen.squawk.as_deref(), seen.origin_country.as_deref()), (Some("2000"), Some("Switzerland")));
    // What a source of lower priority reports is kept, too.
    assert!(publish(&mut merge, 0, StateVector { category: Some(6), ..state("aaaaaa", 905) }).is_none());
    let later = publish(&mut merge, 1, state("aaaaaa", 961)).unwrap();
    assert_eq!((later.callsign.as_deref(), later.category), (None, Some(6)));
    // A source's own earlier value is not filled in.
    assert_eq!(later.squawk, None);
    assert_eq!(later.origin_country.as_deref(), Some("Switzerland"));
}

#[test]
fn a_country_that_no_source_reports_follows_from_the_address() {
    let mut merge = merge(&[0, 0]);
    let swiss = |at| state("4b1814", at);
    let country = |state: Option<Arc<StateVector>>| state.unwrap().origin_country.clone();
    assert_eq!(country(publish(&mut merge, 0, swiss(990))).as_deref(), Some("Switzerland"));
    assert_eq!(country(publish(&mut merge, 0, state("dd0001", 990))), None);
    // A source's own value has precedence, for all sources.
    let other = StateVector { origin_country: Some("Liechtenstein".into()), ..swiss(991) };
    assert_eq!(country(publish(&mut merge, 0, other)).as_deref(), Some("Liechtenstein"));
    assert_eq!(country(publish(&mut merge, 1, swiss(1005))).as_deref(), Some("Liechtenstein"));
}

#[test]
fn a_computed_country_does_not_make_a_repeated_state_new() {
    let mut merge = merge(&[0]);
    assert!(publish(&mut merge, 0, state("4b1814", 990)).is_some());
    let again = apply_from(&mut merge, 0, vec![state("4b1814", 990)]);
    assert_eq!((again.states.len(), again.passed_over.unchanged), (0, 1));
}

proptest! {
    #[test]
    fn every_row_passes_or_is_counted_once(
        responses in prop::collection::vec((0..3usize, prop::collection::vec((0..4u8, 0..40i64, 0..3u8), 0..12)), 0..8),
    ) {
        let mut merge = merge(&[0, 0, 5]);
        let mut published = std::collections::HashMap::new();
        for (source, response) in responses {
            let row = |(aircraft, at, category)| StateVector {
                category: Some(i16::from(category)),
                ..state(&format!("aaaaa{aircraft}"), at)
            };
            let rows = response.len() as u64;
            let merged = apply_from(&mut merge, source, response.into_iter().map(row).collect());
            let passed_over: u64 = merged.passed_over.by_reason().iter().map(|(_, count)| count).sum();
            prop_assert_eq!(merged.states.len() as u64 + passed_over, rows);
            for state in &merged.states {
                let last = published.insert(state.icao24, state.last_contact);
                prop_assert!(last.is_none_or(|last| last < state.last_contact), "each aircraft's time advances");
            }
            merge.published(source, &merged, NOW);
        }
    }
}
