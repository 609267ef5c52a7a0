//! The protocol of the archive, with writers and compactions that are killed at any operation and take turns in any
//! order: at every moment each record is visible at most once, and in the end exactly once.

mod simulation;
mod store;
mod stores;

use std::time::SystemTime;

use proptest::prelude::*;

use simulation::{Plan, simulate};
use store::Fault;

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        12 => Just(Fault::None),
        1 => Just(Fault::FailBefore),
        1 => Just(Fault::FailAfter),
        1 => Just(Fault::KillBefore),
        1 => Just(Fault::KillAfter),
    ]
}

fn plan(compactors: usize) -> impl Strategy<Value = Plan> {
    let actors = 2 + compactors;
    let faults = prop::collection::vec(prop::collection::vec(fault(), 0..40), actors);
    // Runs of turns, so that one process may overtake another by far.
    let turns = prop::collection::vec((0..actors, 1_usize..30), 0..40);
    (faults, turns, any::<bool>(), any::<u64>()).prop_map(|(faults, turns, moves_are_atomic, seed)| {
        let turns = turns.into_iter().flat_map(|(actor, count)| std::iter::repeat_n(actor, count)).collect();
        Plan { writers: 2, faults, turns, moves_are_atomic, seed }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn each_record_is_archived_once_whatever_is_killed_when(plan in plan(0)) {
        simulate(plan);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn compactions_neither_lose_nor_repeat_a_record(plan in plan(2)) {
        simulate(plan);
    }
}

/// One process without faults, killed after each possible number of operations.
#[test]
fn a_kill_after_each_operation_is_harmless() {
    for kill in [Fault::KillBefore, Fault::KillAfter] {
        for at in 0..60 {
            let faults: Vec<_> = (0..=at).map(|index| if index == at { kill } else { Fault::None }).collect();
            for (writers, moves_are_atomic) in [(1, true), (1, false)] {
                let faults = vec![faults.clone(), faults.clone()];
                let plan = Plan { writers, faults, turns: Vec::new(), moves_are_atomic, seed: at as u64 };
                simulate(plan);
            }
        }
    }
}

fn hours_ago(hours: u64) -> SystemTime {
    SystemTime::now() - std::time::Duration::from_secs(hours * 3_600)
}
