//! The codes of single fields.

/// Returns the 12-bit code of an altitude in feet, in steps of 25 ft (Riddle, chapter 5); 0 for an unknown one.
pub(super) fn altitude_12(feet: Option<i64>) -> u32 {
    let Some(number) = altitude_number(feet) else { return 0 };
    (number >> 4) << 5 | 0x10 | number & 0xf
}

/// Returns the 13-bit code of an altitude in feet: bit M, for metres, is 0 (Riddle, chapter 11).
pub(super) fn altitude_13(feet: Option<i64>) -> u32 {
    let code = altitude_12(feet);
    (code & 0xfc0) << 1 | code & 0x3f
}

/// Returns the 11-bit number of an altitude.
fn altitude_number(feet: Option<i64>) -> Option<u32> {
    let number = feet?.checked_add(1_000)?.div_euclid(25);
    u32::try_from(number).ok().filter(|number| *number < 1 << 11)
}

/// Returns the 13-bit identity code of a squawk: C1 A1 C2 A2 C4 A4 0 B1 D1 B2 D2 B4 D4 (Riddle, chapter 11).
pub(super) fn identity(squawk: u16) -> u32 {
    let [a, b, c, d] = [9, 6, 3, 0].map(|shift| u32::from(squawk >> shift) & 7);
    let bit = |digit: u32, weight: u32| u32::from(digit & weight != 0);
    let bits = [
        bit(c, 1),
        bit(a, 1),
        bit(c, 2),
        bit(a, 2),
        bit(c, 4),
        bit(a, 4),
        0,
        bit(b, 1),
        bit(d, 1),
        bit(b, 2),
        bit(d, 2),
        bit(b, 4),
        bit(d, 4),
    ];
    bits.into_iter().fold(0, |code, bit| code << 1 | bit)
}

/// Returns the eight characters of a callsign, six bits each (Riddle, chapter 4).
pub(super) fn callsign(text: &str) -> u64 {
    let characters = text.bytes().chain(std::iter::repeat(b' ')).take(8);
    characters.fold(0, |code, character| {
        let six = match character {
            b'A'..=b'Z' => character - b'A' + 1,
            b'0'..=b'9' => character,
            _ => b' ',
        };
        code << 6 | u64::from(six)
    })
}

/// Returns type code and category of OpenSky's category (Riddle, chapter 4).
pub(super) fn category(code: u8) -> (u32, u32) {
    match code {
        2..=8 => (4, u32::from(code) - 1),
        9..=15 => (3, u32::from(code) - 8),
        16..=20 => (2, u32::from(code) - 15),
        _ => (4, 0),
    }
}

/// Returns the 7-bit movement of a ground speed in knots on the surface (Riddle, chapter 6).
pub(super) fn movement(knots: f64) -> u32 {
    /// First code and speed of each range, and the step within it.
    const RANGES: [(u32, f64, f64); 7] = [
        (109, 100.0, 5.0),
        (94, 70.0, 2.0),
        (39, 15.0, 1.0),
        (13, 2.0, 0.5),
        (9, 1.0, 0.25),
        (2, 0.125, 0.125),
        (1, 0.0, 0.125),
    ];
    if knots >= 175.0 {
        return 124;
    }
    let range = RANGES.iter().find(|(_, from, _)| knots >= *from);
    range.map_or(1, |(code, from, step)| code + ((knots - from) / step) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn altitudes_and_squawks_have_their_published_codes() {
        // Examples of the Riddle: 38000 ft is 0xc38, and 1200 and 7700 are common squawks.
        assert_eq!(altitude_12(Some(38_000)), 0xc38);
        assert_eq!(altitude_12(Some(-1_000)), 0x010);
        assert_eq!((altitude_12(None), altitude_12(Some(60_000))), (0, 0));
        assert_eq!(altitude_13(Some(-1_000)), 0x010);
        assert_eq!(altitude_13(Some(38_000)), 0b1_1000_0011_1000);
        // Message 2A00516D492B80 has the squawk 0356, and sets the bit that is not used.
        assert_eq!(identity(0o0356), 0x516d & 0x1fbf);
        assert_eq!(callsign("KLM1023"), 0x2cc3_71c3_2ce0);
        assert_eq!((category(6), category(9), category(0)), ((4, 5), (3, 1), (4, 0)));
    }

    #[test]
    fn surface_speeds_have_finer_codes_when_slow() {
        for (knots, code) in [
            (0.0, 1),
            (0.1, 1),
            (0.125, 2),
            (0.99, 8),
            (1.0, 9),
            (1.8, 12),
            (2.0, 13),
            (14.9, 38),
            (15.0, 39),
            (17.0, 41),
            (69.9, 93),
            (70.0, 94),
            (99.0, 108),
            (100.0, 109),
            (174.0, 123),
            (175.0, 124),
            (300.0, 124),
        ] {
            assert_eq!(movement(knots), code, "{knots}");
        }
    }
}
