/// Returns the emitter category in OpenSky's codes of a set (`A` to `D`, which are 4 to 1 in a message) and the category
/// in it (DO-260B, table 2-17; OpenSky REST API, "All State Vectors"). `None` if the category is not told or reserved.
pub(super) fn opensky_category(type_code: u32, category: u32) -> Option<i16> {
    let code = match (type_code, category) {
        (4, 1..=7) => 1 + category,
        (3, 1..=7) => 8 + category,
        (2, 1..=5) => 15 + category,
        _ => return None,
    };
    i16::try_from(code).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_have_opensky_codes() {
        let check = |type_code, category, code| {
            assert_eq!(opensky_category(type_code, category), code, "{type_code}, {category}");
        };
        // Light, heavy and rotorcraft.
        check(4, 1, Some(2));
        check(4, 5, Some(6));
        check(4, 7, Some(8));
        // Glider, and space vehicle.
        check(3, 1, Some(9));
        check(3, 7, Some(15));
        // Emergency vehicle, and line obstacle.
        check(2, 1, Some(16));
        check(2, 5, Some(20));
        for (type_code, category) in [(4, 0), (3, 0), (2, 0), (2, 6), (2, 7), (1, 1), (1, 7)] {
            check(type_code, category, None);
        }
    }
}
