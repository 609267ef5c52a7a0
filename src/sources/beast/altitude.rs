use compact_str::CompactString;

/// Returns the altitude in feet of a 13-bit altitude code (ICAO Annex 10 volume IV, 3.1.2.6.5.4), or `None` if it is not
/// available. Altitudes in metres are reserved, so they are taken for errors.
pub(super) fn altitude13(code: u32) -> Option<f64> {
    const METRES: u32 = 0x40;
    const STEPS_OF_25_FEET: u32 = 0x10;
    if code == 0 || code & METRES != 0 {
        return None;
    }
    if code & STEPS_OF_25_FEET != 0 {
        let steps = ((code & 0x1f80) >> 2) | ((code & 0x20) >> 1) | (code & 0xf);
        return Some(f64::from(steps) * 25.0 - 1000.0);
    }
    Gillham::of(code).altitude()
}

/// Returns the altitude in feet of a 12-bit altitude code: the 13-bit code without the bit for metres.
pub(super) fn altitude12(code: u32) -> Option<f64> {
    altitude13(((code & 0xfc0) << 1) | (code & 0x3f))
}

/// Returns the squawk of a 13-bit identity code.
pub(super) fn squawk(code: u32) -> CompactString {
    let Gillham { a, b, c, d } = Gillham::of(code);
    [a, b, c, d].into_iter().map(|digit| char::from(b'0' + digit)).collect()
}

/// The four octal digits of a Mode A or Mode C code.
#[derive(Clone, Copy, Debug)]
struct Gillham {
    a: u8,
    b: u8,
    c: u8,
    d: u8,
}

impl Gillham {
    /// The bits are C1 A1 C2 A2 C4 A4 X B1 D1 B2 D2 B4 D4, the highest first.
    fn of(code: u32) -> Self {
        let digit = |bits: [u32; 3]| bits.iter().rev().fold(0, |digit, bit| digit << 1 | (code >> bit & 1) as u8);
        Self { a: digit([11, 9, 7]), b: digit([5, 3, 1]), c: digit([12, 10, 8]), d: digit([4, 2, 0]) }
    }

    /// Returns the altitude in feet of a Mode C code: D A B count 500 feet in a Gray code, and C counts 100 feet.
    fn altitude(self) -> Option<f64> {
        // D1 is not used for altitudes. The digits are weighted 4 2 1, but the Gray code starts with the bit of 1.
        let reversed = |digit: u8| u32::from((digit & 1) << 2 | digit & 2 | digit >> 2);
        if self.d & 1 != 0 {
            return None;
        }
        let five_hundreds = from_gray(reversed(self.d) << 6 | reversed(self.a) << 3 | reversed(self.b));
        let hundreds = match from_gray(reversed(self.c)) {
            7 => 5,
            hundreds @ 1..=4 => hundreds,
            _ => return None,
        };
        let hundreds = if five_hundreds % 2 == 1 { 6 - hundreds } else { hundreds };
        Some(f64::from(five_hundreds * 500 + hundreds * 100) - 1300.0)
    }
}

fn from_gray(gray: u32) -> u32 {
    let mut binary = gray;
    for shift in [8, 4, 2, 1] {
        binary ^= binary >> shift;
    }
    binary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_codes_count() {
        for number in 0..512_u32 {
            assert_eq!(from_gray(number ^ number >> 1), number);
        }
    }

    #[test]
    fn mode_c_covers_every_hundred_feet_once() {
        // D1 and the bits for metres and steps of 25 feet are clear.
        let codes = (1..0x2000).filter(|code| code & 0x50 == 0);
        let mut altitudes: Vec<i32> = codes.filter_map(altitude13).map(|feet| feet as i32).collect();
        altitudes.sort_unstable();
        let expected: Vec<i32> = (-12..=1267).map(|hundreds| hundreds * 100).collect();
        assert_eq!(altitudes, expected);
    }

    #[test]
    fn unknown_and_metric_altitudes_are_unknown() {
        assert_eq!(altitude13(0), None);
        assert_eq!(altitude13(0x1fff), None);
        assert_eq!(altitude12(0), None);
        // 0 and -1000 feet are altitudes.
        assert_eq!(altitude12(0x0058), Some(0.0));
        assert_eq!(altitude12(0x0010), Some(-1000.0));
    }

    #[test]
    fn squawks_have_four_octal_digits() {
        // C1 A1 C2 A2 C4 A4 X B1 D1 B2 D2 B4 D4.
        assert_eq!(squawk(0b0_1010_1010_1010), "7700");
        assert_eq!(squawk(0b0_0000_0000_0000), "0000");
        assert_eq!(squawk(0b0_1000_0000_1000), "1200");
        assert_eq!(squawk(0b1_1111_1011_1111), "7777");
    }
}
