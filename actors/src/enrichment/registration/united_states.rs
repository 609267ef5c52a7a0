//! The United States assign addresses to N-numbers in the order N1, N1A, N1AA, N1AB … N1ZZ, N10, N10A … N99999.
//!
//! An N-number has one to five characters after the N: digits, of which the first is not 0, then up to two letters
//! other than I and O.

use compact_str::CompactString;

/// The address of N1.
const FIRST: u32 = 0xa0_0001;

/// The letters of registrations, without I and O.
pub(super) const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The number of ways to end with no, one or two letters.
const LETTER_PAIRS: u32 = 1 + 24 * 25;

/// The number of ways to end after the fourth digit: with nothing, a letter or a digit.
const AFTER_FOUR: u32 = 1 + 24 + 10;
const AFTER_THREE: u32 = LETTER_PAIRS + 10 * AFTER_FOUR;
const AFTER_TWO: u32 = LETTER_PAIRS + 10 * AFTER_THREE;
const AFTER_ONE: u32 = LETTER_PAIRS + 10 * AFTER_TWO;

pub(super) fn registration(address: u32) -> Option<CompactString> {
    let mut offset = address.checked_sub(FIRST)?;
    if offset >= 9 * AFTER_ONE {
        return None;
    }
    let mut text = CompactString::const_new("N");
    push_digit(&mut text, offset / AFTER_ONE + 1);
    offset %= AFTER_ONE;
    for numbers in [AFTER_TWO, AFTER_THREE, AFTER_FOUR] {
        let Some(rest) = offset.checked_sub(LETTER_PAIRS) else {
            push_letters(&mut text, offset);
            return Some(text);
        };
        push_digit(&mut text, rest / numbers);
        offset = rest % numbers;
    }
    match offset.checked_sub(1 + 24) {
        Some(digit) => push_digit(&mut text, digit),
        None => push_letter(&mut text, offset),
    }
    Some(text)
}

fn push_digit(text: &mut CompactString, digit: u32) {
    text.extend(char::from_digit(digit, 10));
}

/// Appends no letter for 0, otherwise the letter of this number, counted from 1.
fn push_letter(text: &mut CompactString, number: u32) {
    let letter = number.checked_sub(1).and_then(|index| LETTERS.get(index as usize));
    text.extend(letter.copied().map(char::from));
}

/// Appends no letters for 0, otherwise A, AA, AB … AZ, B, BA and so on.
fn push_letters(text: &mut CompactString, number: u32) {
    if let Some(index) = number.checked_sub(1) {
        push_letter(text, index / 25 + 1);
        push_letter(text, index % 25);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all N-numbers in the order of their addresses, by the rules of the Federal Aviation Administration.
    fn n_numbers() -> Vec<String> {
        fn append(number: &str, into: &mut Vec<String>) {
            let left = 5 + 1 - number.len();
            into.push(number.to_owned());
            for first in LETTERS.iter().filter(|_| left > 0) {
                into.push(format!("{number}{}", char::from(*first)));
                for second in LETTERS.iter().filter(|_| left > 1) {
                    into.push(format!("{number}{}{}", char::from(*first), char::from(*second)));
                }
            }
            for digit in (0..10).filter(|_| left > 0) {
                append(&format!("{number}{digit}"), into);
            }
        }
        let mut numbers = Vec::new();
        (1..10).for_each(|digit| append(&format!("N{digit}"), &mut numbers));
        numbers
    }

    #[test]
    fn addresses_and_n_numbers_correspond_one_to_one() {
        let numbers = n_numbers();
        assert_eq!(numbers.len(), 915_399);
        for (offset, number) in (0..).zip(&numbers) {
            assert_eq!(registration(FIRST + offset).as_deref(), Some(number.as_str()));
        }
    }

    #[test]
    fn addresses_outside_the_scheme_have_no_n_number() {
        for address in [0, 0xa0_0000, 0xad_f7c8, 0xae_0000, 0xaf_ffff, u32::MAX] {
            assert_eq!(registration(address), None, "{address:06x}");
        }
        assert_eq!(registration(0xad_f7c7).as_deref(), Some("N99999"));
    }
}
