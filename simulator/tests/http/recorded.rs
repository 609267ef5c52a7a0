use std::path::PathBuf;

use serde_json::{Value, json};
use simulator::{AfterLast, Options, SimulatorError, SkySource};

use crate::{NOON, Sky};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect()
}

fn play(names: &[&str], shift_times: bool, after_last: AfterLast) -> Sky {
    let files = names.iter().map(|name| file(name)).collect();
    let source = SkySource::Recorded { files, shift_times, after_last };
    Sky::start(Options { source, remember_served: Some(100), ..Options::default() })
}

fn recorded(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file(name)).unwrap()).unwrap()
}

const FOUR: &str = "extended-fixture-2023-05-07-4.json";
const NULL: &str = "states-null-2023-05-07.json";
const ODD: &str = "odd-rows.json";

#[test]
fn a_response_without_time_shift_equals_the_recording() {
    for name in [FOUR, NULL] {
        let sky = play(&[name], false, AfterLast::Hold);
        assert_eq!(sky.states("?extended=1").json(), recorded(name), "{name}");
    }
}

#[test]
fn all_times_are_shifted_by_the_same_amount() {
    for name in [FOUR, ODD] {
        let sky = play(&[name], true, AfterLast::Hold);
        let (then, now) = (recorded(name), sky.states("?extended=1").json());
        assert_eq!(now["time"], NOON);
        let shift = NOON - then["time"].as_i64().unwrap();
        let (then, now) = (then["states"].as_array().unwrap(), now["states"].as_array().unwrap());
        assert_eq!(then.len(), now.len());
        for (then, now) in then.iter().zip(now) {
            let Some(columns) = then.as_array() else {
                assert_eq!(then, now);
                continue;
            };
            for (index, column) in columns.iter().enumerate() {
                let expected = match column.as_i64().filter(|_| matches!(index, 3 | 4)) {
                    Some(time) => json!(time + shift),
                    None => column.clone(),
                };
                assert_eq!(now[index], expected, "column {index} of {then}");
            }
        }
    }
}

#[test]
fn files_are_served_in_order_and_cycle_or_hold() {
    for (after_last, expected) in [(AfterLast::Cycle, [4, 0, 4, 0]), (AfterLast::Hold, [4, 0, 0, 0])] {
        let sky = play(&[FOUR, NULL], true, after_last);
        assert_eq!([(); 4].map(|()| sky.states("").rows().len()), expected);
    }
}

#[test]
fn rows_have_the_requested_number_of_columns() {
    let sky = play(&[FOUR, ODD], true, AfterLast::Cycle);
    let widths = |query: &str| -> Vec<usize> {
        sky.states(query).rows().iter().filter_map(|row| row.as_array().map(Vec::len)).collect()
    };
    assert_eq!(widths(""), [17; 4]);
    assert_eq!(widths(""), [17, 17, 17, 1]);
    assert_eq!(widths("?extended=1"), [18; 4]);
    assert_eq!(widths("?extended=1"), [18, 18, 18, 1]);
}

#[test]
fn a_query_filters_the_recording() {
    let sky = play(&[FOUR], true, AfterLast::Hold);
    let addresses = |query: &str| -> Vec<Value> { sky.states(query).rows().iter().map(|row| row[0].clone()).collect() };
    assert_eq!(addresses("?icao24=a2cbe1"), ["a2cbe1"]);
    assert_eq!(addresses("?lamin=-13&lomin=-78&lamax=-11&lomax=-76"), ["e8027e", "e8027d"]);
}

#[test]
fn the_time_of_the_newest_response_is_reported() {
    for files in [[FOUR, ODD], [ODD, FOUR]] {
        let sky = play(&files, true, AfterLast::Cycle);
        assert_eq!(sky.simulator.recorded_at(), Some(1_683_488_744));
    }
}

#[test]
fn served_states_are_recorded_with_their_shifted_times() {
    let sky = play(&[FOUR], true, AfterLast::Hold);
    sky.states("");
    assert!(sky.simulator.served().states.contains(&(0xe8_027e, 1_683_488_722 - 1_683_488_744 + NOON)));
}

#[test]
fn the_error_names_an_invalid_recording() {
    for name in ["SOURCES.md", "missing.json"] {
        let source = SkySource::Recorded { files: vec![file(name)], shift_times: true, after_last: AfterLast::Cycle };
        match simulator::start(Options { source, ..Options::default() }) {
            Err(error @ SimulatorError::Recorded { .. }) => assert!(error.to_string().contains(name), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}
