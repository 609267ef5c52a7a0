//! Units and codes of aviation that other programs use, in those of a state vector.

/// Metres in a foot.
pub(crate) const FOOT: f64 = 0.3048;

/// Metres a second in a knot.
pub(crate) const KNOT: f64 = 1852.0 / 3600.0;

/// Metres a second in a foot a minute.
pub(crate) const FOOT_PER_MINUTE: f64 = FOOT / 60.0;

/// Returns OpenSky's code of an ADS-B emitter category, such as `A3`; `None` for a reserved one.
pub(crate) fn category_code(category: &str) -> Option<i16> {
    let [set, number @ b'0'..=b'7'] = *category.as_bytes() else { return None };
    let number = i16::from(number - b'0');
    match (set, number) {
        (b'A'..=b'D', 0) => Some(1),
        (b'A', _) => Some(1 + number),
        (b'B', _) => Some(8 + number),
        (b'C', 1..=5) => Some(15 + number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_opensky_codes() {
        let expected = [
            ("A0", Some(1)),
            ("A1", Some(2)),
            ("A7", Some(8)),
            ("B1", Some(9)),
            ("B7", Some(15)),
            ("C0", Some(1)),
            ("C1", Some(16)),
            ("C5", Some(20)),
            ("C6", None),
            ("D1", None),
            ("A8", None),
            ("E1", None),
            ("a1", None),
            ("A", None),
            ("", None),
        ];
        for (category, code) in expected {
            assert_eq!(category_code(category), code, "{category}");
        }
    }
}
