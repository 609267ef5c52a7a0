//! The schemes of Japan and the Republic of Korea.

use compact_str::{CompactString, format_compact};

use super::united_states::LETTERS;

/// The numbers of addresses for each first and each second digit of a Japanese registration.
const FIRST_DIGIT: u32 = 22_984;
const SECOND_DIGIT: u32 = 916;

/// The numbers of endings that start with a digit: a digit, then another or a letter.
const DIGIT_ENDING: u32 = 10 + 24;

/// Returns a Japanese registration: two digits, and two characters of which a letter is not followed by a digit.
pub(super) fn japanese(address: u32) -> Option<CompactString> {
    let offset = address.checked_sub(0x84_0000)?;
    let (first, offset) = (offset / FIRST_DIGIT, offset % FIRST_DIGIT);
    let (second, offset) = (offset / SECOND_DIGIT, offset % SECOND_DIGIT);
    if first > 9 || second > 9 {
        return None;
    }
    let letter = |index: u32| LETTERS.get(index as usize).copied().map(char::from);
    let (third, fourth) = match offset.checked_sub(10 * DIGIT_ENDING) {
        Some(letters) => (letter(letters / 24)?, letter(letters % 24)?),
        None => {
            let (third, fourth) = (offset / DIGIT_ENDING, offset % DIGIT_ENDING);
            let fourth = char::from_digit(fourth, 10).filter(char::is_ascii_digit);
            (char::from_digit(third, 10)?, fourth.or_else(|| letter(offset % DIGIT_ENDING - 10))?)
        }
    };
    Some(format_compact!("JA{first}{second}{third}{fourth}"))
}

/// The first and last addresses of the Korean ranges, and the digits of the first registration.
const KOREAN: [(u32, u32, u32); 3] =
    [(0x71_ba00, 0x71_bf99, 0x7200), (0x71_c000, 0x71_c099, 0x8000), (0x71_c200, 0x71_c299, 0x8200)];

/// Returns a Korean registration, whose four decimal digits are hexadecimal ones in the address.
pub(super) fn korean(address: u32) -> Option<CompactString> {
    let (first, _, digits) = KOREAN.iter().find(|(first, last, _)| (*first..=*last).contains(&address))?;
    let digits = format_compact!("HL{:04x}", address - first + digits);
    digits.bytes().skip(2).all(|digit| digit.is_ascii_digit()).then_some(digits)
}
