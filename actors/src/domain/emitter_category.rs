//! ADS-B emitter categories: OpenSky's codes and the names of DO-260B, which readsb uses.

/// The names of OpenSky's codes, starting with code 1. Code 0 means that nothing is known about the category.
const NAMES: [&str; 20] = [
    "A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "B1", "B2", "B3", "B4", "B5", "B6", "B7", "C1", "C2", "C3", "C4",
    "C5",
];

/// Returns the name of a category, `A0` to `C5`, for OpenSky's code; `None` for 0 and unknown codes.
pub fn emitter_category_name(code: i16) -> Option<&'static str> {
    let index = usize::try_from(code).ok()?.checked_sub(1)?;
    NAMES.get(index).copied()
}

/// Returns OpenSky's code for the name of a category in upper or lower case. `A0`, `B0`, `C0` and `D0` all mean that
/// the aircraft sends no category. OpenSky has no codes for the reserved categories `C6`, `C7` and `D1` to `D7`.
pub fn emitter_category_code(name: &str) -> Option<i16> {
    let name = if ["B0", "C0", "D0"].iter().any(|none| none.eq_ignore_ascii_case(name)) { "A0" } else { name };
    let index = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    i16::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_convert_to_each_other() {
        for code in 1..=20 {
            let name = emitter_category_name(code).unwrap();
            assert_eq!(emitter_category_code(name), Some(code), "{name}");
        }
        for (code, name) in [(2, "A1"), (6, "A5"), (8, "A7"), (9, "B1"), (14, "B6"), (16, "C1"), (20, "C5")] {
            assert_eq!(emitter_category_name(code), Some(name));
        }
    }

    #[test]
    fn unknown_codes_and_names_have_no_counterpart() {
        for code in [i16::MIN, -1, 0, 21, i16::MAX] {
            assert_eq!(emitter_category_name(code), None, "{code}");
        }
        for name in ["", "A", "A8", "C6", "D1", "E1", "A10", "Ä1"] {
            assert_eq!(emitter_category_code(name), None, "{name}");
        }
        for name in ["A0", "B0", "C0", "D0", "d0"] {
            assert_eq!(emitter_category_code(name), Some(1), "{name}");
        }
        assert_eq!(emitter_category_code("a3"), Some(4));
    }
}
