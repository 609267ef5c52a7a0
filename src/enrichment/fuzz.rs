use proptest::collection::vec;
use proptest::prelude::*;

use super::loader::read_text;

/// Pieces of tables, of which random files are made.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[0-9a-f]{6}".prop_map(String::into_bytes),
        4 => prop::sample::select(vec![",", ";", "\t", "\n", "\r\n", "'", "\"", "''", "\"\""])
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => prop::sample::select(vec!["icao24", "hex", "registration", "type", "operator", "flags", "model", "military"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => "[A-Z0-9 -]{0,8}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..6),
        1 => "\\PC{0,6}".prop_map(String::into_bytes),
    ]
}

proptest! {
    /// A file is read, or refused with a line.
    #[test]
    fn fuzzed_tables_are_read_or_refused(pieces in vec(piece(), 0..24), has_header in any::<bool>()) {
        let mut bytes = if has_header { b"icao24,registration,type,operator,flags\n".to_vec() } else { Vec::new() };
        pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
        let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
        match read_text(&*bytes) {
            Ok(loaded) => {
                prop_assert!(loaded.table.len() as u64 + loaded.bad_rows <= lines);
                prop_assert_eq!(loaded.bad_rows > 0, loaded.first_bad_row.is_some());
            }
            Err((line, reason)) => prop_assert!(!reason.is_empty() && line.is_none_or(|line| line <= lines)),
        }
    }
}
