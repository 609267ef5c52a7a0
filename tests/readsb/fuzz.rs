//! Mutations of recorded lists: no panic, and no aircraft that the bytes do not contain.

use std::sync::LazyLock;

use flight_monitor::sources::readsb::wire::parse_aircraft;
use proptest::prelude::*;

use crate::recorded::{RECORDED, bytes};

/// The rows of the recorded lists, and those written by hand.
static ROWS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let files = RECORDED.into_iter().chain(["readsb", "dump1090-mutability"]);
    let texts = files.map(|name| String::from_utf8(bytes(&format!("{name}.json"))).unwrap());
    let rows = texts.flat_map(|text| {
        let rows = text.lines().map(str::trim).filter(|line| line.starts_with("{\"hex\""));
        rows.map(|row| row.trim_end_matches(',').to_owned()).collect::<Vec<_>>()
    });
    rows.collect()
});

#[derive(Clone, Debug)]
enum Mutation {
    Replace(prop::sample::Index, u8),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Insert(prop::sample::Index, &'static str),
    Cut(prop::sample::Index),
}

const TOKENS: &[&str] =
    &["null", "1e999", "-", "\"", "{", "}", "[", "]", ",", "~", "\"ground\"", "99999999999999999999", "\\u0000"];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        2 => (at(), 1_usize..40).prop_map(|(at, length)| Mutation::Remove(at, length)),
        2 => (at(), 1_usize..80).prop_map(|(at, length)| Mutation::Repeat(at, length)),
        3 => (at(), prop::sample::select(TOKENS)).prop_map(|(at, token)| Mutation::Insert(at, token)),
        1 => at().prop_map(Mutation::Cut),
    ]
}

fn mutate(body: &mut Vec<u8>, mutation: &Mutation) {
    if body.is_empty() {
        return;
    }
    match mutation {
        Mutation::Replace(at, byte) => {
            let at = at.index(body.len());
            body[at] = *byte;
        }
        Mutation::Remove(at, length) => {
            let at = at.index(body.len());
            body.drain(at..(at + length).min(body.len()));
        }
        Mutation::Repeat(at, length) => {
            let at = at.index(body.len());
            let part = body[at..(at + length).min(body.len())].to_vec();
            body.splice(at..at, part);
        }
        Mutation::Insert(at, token) => {
            let at = at.index(body.len());
            body.splice(at..at, token.bytes());
        }
        Mutation::Cut(at) => body.truncate(at.index(body.len())),
    }
}

proptest! {
    #[test]
    fn fuzzed_aircraft_lists_cause_no_panic_and_no_invented_aircraft(
        rows in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        mutations in prop::collection::vec(mutation(), 0..6),
    ) {
        let rows: Vec<_> = rows.iter().map(|row| ROWS[row.index(ROWS.len())].as_str()).collect();
        let mut body = format!("{{\"now\":1788594893.250,\"aircraft\":[{}]}}", rows.join(",\n")).into_bytes();
        mutations.iter().for_each(|mutation| mutate(&mut body, mutation));
        if let Ok(list) = parse_aircraft(&body) {
            let text = String::from_utf8_lossy(&body).to_lowercase();
            for state in &list.snapshot.states {
                let address = state.icao24.to_string();
                prop_assert!(text.contains(&address) || text.contains("\\u"), "{} is invented", address);
                prop_assert!(state.time_position.is_none_or(|time| time <= state.last_contact));
                prop_assert!(state.lat.is_some() == state.lon.is_some());
            }
            let counted = list.snapshot.states.len() as u64 + list.snapshot.bad_rows.count() + list.non_icao;
            prop_assert!(counted <= body.iter().filter(|byte| **byte == b',').count() as u64 + 1);
        }
    }

    #[test]
    fn fuzzed_bytes_cause_no_panic(body: Vec<u8>) {
        let _ = parse_aircraft(&body);
    }
}
