//! Schemes in which each of the last three letters of a registration has a fixed distance in addresses.

use compact_str::{CompactString, format_compact};

/// A scheme of three letters from A to Z.
struct Scheme {
    /// The address of the first registration.
    start: u32,
    /// The distance between addresses whose first letters are adjacent.
    major: u32,
    /// The distance between addresses whose second letters are adjacent.
    minor: u32,
    /// What precedes the three letters.
    prefix: &'static str,
    /// The letters of the first and of the last registration.
    first: &'static [u8; 3],
    last: &'static [u8; 3],
}

pub(super) fn registration(address: u32) -> Option<CompactString> {
    SCHEMES.iter().find_map(|scheme| scheme.registration(address))
}

impl Scheme {
    const fn new(start: u32, [major, minor]: [u32; 2], prefix: &'static str) -> Self {
        Self { start, major, minor, prefix, first: b"AAA", last: b"ZZZ" }
    }

    const fn between(self, first: &'static [u8; 3], last: &'static [u8; 3]) -> Self {
        Self { first, last, ..self }
    }

    /// Returns the distance of a registration from AAA.
    fn offset(&self, letters: &[u8; 3]) -> u32 {
        let [first, second, third] = letters.map(|letter| u32::from(letter - b'A'));
        first * self.major + second * self.minor + third
    }

    fn registration(&self, address: u32) -> Option<CompactString> {
        let offset = address.checked_sub(self.start)? + self.offset(self.first);
        if offset > self.offset(self.last) {
            return None;
        }
        let letter = |index: u32| u8::try_from(index).ok().filter(|index| *index < 26).map(|index| b'A' + index);
        let first = letter(offset / self.major)?;
        let second = letter(offset % self.major / self.minor)?;
        let third = letter(offset % self.major % self.minor)?;
        Some(format_compact!("{}{}{}{}", self.prefix, first as char, second as char, third as char))
    }
}

/// Each letter has 5 bits.
const BITS_5: [u32; 2] = [1024, 32];
/// Each letter has 6 bits.
const BITS_6: [u32; 2] = [4096, 64];
/// Without gaps.
const DENSE: [u32; 2] = [26 * 26, 26];
/// As if digits could follow the letters.
const BASE_36: [u32; 2] = [36 * 36, 36];

const SCHEMES: &[Scheme] = &[
    Scheme::new(0x38_0000, BITS_5, "F-B"),
    Scheme::new(0x39_0000, BITS_5, "F-G"),
    Scheme::new(0x39_8000, BITS_5, "F-H"),
    Scheme::new(0x3a_0000, BITS_5, "F-O"),
    Scheme::new(0x3c_0001, DENSE, "D-A").between(b"PAA", b"ZZZ"),
    Scheme::new(0x3c_2001, DENSE, "D-B").between(b"PAA", b"ZZZ"),
    Scheme::new(0x3c_4421, BITS_5, "D-A").between(b"AAA", b"OZZ"),
    Scheme::new(0x3c_8421, BITS_5, "D-B").between(b"AAA", b"OZZ"),
    Scheme::new(0x3c_c000, DENSE, "D-C"),
    Scheme::new(0x3d_04a8, DENSE, "D-E"),
    Scheme::new(0x3d_4950, DENSE, "D-F"),
    Scheme::new(0x3d_8df8, DENSE, "D-G"),
    Scheme::new(0x3d_d2a0, DENSE, "D-H"),
    Scheme::new(0x3e_1748, DENSE, "D-I"),
    Scheme::new(0x44_8421, BITS_5, "OO-"),
    Scheme::new(0x45_8421, BITS_5, "OY-"),
    Scheme::new(0x46_0000, DENSE, "OH-"),
    Scheme::new(0x46_8421, BITS_5, "SX-"),
    Scheme::new(0x49_0421, BITS_5, "CS-"),
    Scheme::new(0x4a_0421, BITS_5, "YR-"),
    Scheme::new(0x4b_8421, BITS_5, "TC-"),
    Scheme::new(0x74_0421, BITS_5, "JY-"),
    Scheme::new(0x76_0421, BITS_5, "AP-"),
    Scheme::new(0x76_8421, BITS_5, "9V-"),
    Scheme::new(0x77_8421, BITS_5, "YK-"),
    Scheme::new(0x7c_0000, BASE_36, "VH-"),
    Scheme::new(0xc0_0001, DENSE, "C-F"),
    Scheme::new(0xc0_44a9, DENSE, "C-G"),
    Scheme::new(0xe0_1041, BITS_6, "LV-"),
];
