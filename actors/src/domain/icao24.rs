use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use utoipa::ToSchema;

/// An ICAO 24-bit aircraft address, written as six lower-case hex digits (`3c6444`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{6}$", examples("3c6444"))]
pub struct Icao24(u32);

/// Why a text is not a valid ICAO 24-bit address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not an ICAO 24-bit address (six hex digits)")]
pub struct InvalidIcao24(String);

impl Icao24 {
    /// Parses six hex digits in upper or lower case. Surrounding whitespace is ignored.
    ///
    /// # Errors
    /// Fails for all other input. The message contains at most 32 characters of it.
    pub fn parse(text: &str) -> Result<Self, InvalidIcao24> {
        let digits = text.trim();
        if digits.len() == 6
            && digits.bytes().all(|b| b.is_ascii_hexdigit())
            && let Ok(address) = u32::from_str_radix(digits, 16)
        {
            return Ok(Self(address));
        }
        Err(InvalidIcao24(text.chars().take(32).collect()))
    }

    /// Returns the address as a number below 2^24.
    pub fn to_u32(self) -> u32 {
        self.0
    }

    /// Creates an address from the lowest 24 bits of a number.
    pub fn from_u32(address: u32) -> Self {
        Self(address & 0x00ff_ffff)
    }

    /// Returns the six lower-case hex digits as ASCII bytes.
    pub fn to_ascii(self) -> [u8; 6] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        std::array::from_fn(|i| DIGITS[(self.0 >> (20 - 4 * i)) as usize & 0xf])
    }
}

impl FromStr for Icao24 {
    type Err = InvalidIcao24;

    fn from_str(text: &str) -> Result<Self, InvalidIcao24> {
        Self::parse(text)
    }
}

impl fmt::Display for Icao24 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06x}", self.0)
    }
}

impl fmt::Debug for Icao24 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Icao24 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ascii = self.to_ascii();
        serializer.serialize_str(std::str::from_utf8(&ascii).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Icao24 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = compact_str::CompactString::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn upper_case_and_surrounding_whitespace_are_accepted() {
        assert_eq!(Icao24::parse(" 3C6444 ").unwrap().to_string(), "3c6444");
    }

    #[test]
    fn anything_but_six_hex_digits_is_refused() {
        for text in ["", "3c644", "3c64444", "3c644g", "+3c644", "3c 444", "３c6444"] {
            assert!(Icao24::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_and_number_convert_to_each_other(number in 0u32..1 << 24) {
            let address = Icao24::from_u32(number);
            prop_assert_eq!(Icao24::parse(&address.to_string()).unwrap(), address);
            prop_assert_eq!(address.to_ascii().to_vec(), address.to_string().into_bytes());
        }

        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = Icao24::parse(&text);
        }
    }
}
