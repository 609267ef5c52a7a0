//! Reads text files written by editors and spreadsheets.
//!
//! Every text file that the program reads goes through this crate. It drops a UTF-8 byte order mark, and rejects
//! UTF-16, UTF-32 and invalid UTF-8 with errors that say what to do. Line endings are kept.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use thiserror::Error;

/// The UTF-8 byte order mark.
pub const MARK: &[u8] = b"\xef\xbb\xbf";

/// Why bytes are not UTF-8 text. Contains none of the bytes, since they may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotText {
    /// UTF-16, with or without a byte order mark.
    #[error("the file is UTF-16; save it as UTF-8")]
    Utf16,
    /// UTF-32, with or without a byte order mark.
    #[error("the file is UTF-32; save it as UTF-8")]
    Utf32,
    /// Another encoding, or binary data.
    #[error("invalid UTF-8 at byte {offset} of the file (counted from 0); save it as UTF-8")]
    Invalid {
        /// Offset of the first invalid byte, including a byte order mark.
        offset: usize,
    },
}

/// Why a file cannot be read as text.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Reading the file failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The content is not UTF-8.
    #[error(transparent)]
    NotText(#[from] NotText),
    /// The file exceeds the maximum size.
    #[error("the file is longer than {0} bytes")]
    TooLong(u64),
}

impl ReadError {
    /// Returns whether the file does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a text file of at most `max_bytes`, without its byte order mark.
///
/// # Errors
/// See [`ReadError`].
pub fn read(path: &Path, max_bytes: u64) -> Result<String, ReadError> {
    Ok(decode(read_bytes(path, max_bytes)?)?)
}

/// Reads a file of at most `max_bytes`, unchanged.
///
/// # Errors
/// [`ReadError::Io`] or [`ReadError::TooLong`].
pub fn read_bytes(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes { Err(ReadError::TooLong(max_bytes)) } else { Ok(bytes) }
}

/// Decodes the bytes of a whole file, without its byte order mark.
///
/// # Errors
/// See [`NotText`].
pub fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    let marked = MARK.len().min(bytes.len() - without_mark(&bytes)?.len());
    let mut text =
        String::from_utf8(bytes).map_err(|error| NotText::Invalid { offset: error.utf8_error().valid_up_to() })?;
    text.drain(..marked);
    Ok(text)
}

/// Strips a UTF-8 byte order mark. For callers that tolerate invalid UTF-8: only the first bytes are checked.
///
/// # Errors
/// [`NotText::Utf16`] and [`NotText::Utf32`].
pub fn without_mark(bytes: &[u8]) -> Result<&[u8], NotText> {
    match bytes {
        // UTF-32's little-endian mark starts with that of UTF-16, so check it first.
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(NotText::Utf32),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(NotText::Utf16),
        // Without a mark: our files start with ASCII characters, whose remaining bytes are zero.
        [1..=127, 0, 0, 0, ..] | [0, 0, 0, 1..=127, ..] => Err(NotText::Utf32),
        [1..=127, 0, 1..=127, 0, ..] | [0, 1..=127, 0, 1..=127, ..] => Err(NotText::Utf16),
        _ => Ok(bytes.strip_prefix(MARK).unwrap_or(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, with_mark: bool, big_endian: bool) -> Vec<u8> {
        let mark = with_mark.then_some(0xfeff);
        let units = mark.into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    fn utf32(text: &str, with_mark: bool, big_endian: bool) -> Vec<u8> {
        let mark = with_mark.then_some(0xfeff_u32);
        let units = mark.into_iter().chain(text.chars().map(u32::from));
        units.flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn a_byte_order_mark_is_dropped_and_the_rest_stays() {
        for (bytes, text) in [
            (&b"\xef\xbb\xbfa: b\r\n"[..], "a: b\r\n"),
            (b"\xef\xbb\xbf", ""),
            (b"", ""),
            (b"a", "a"),
            ("é\u{feff}".as_bytes(), "é\u{feff}"),
        ] {
            assert_eq!(decode(bytes.to_vec()).unwrap(), text);
        }
    }

    #[test]
    fn other_encodings_are_named() {
        for with_mark in [true, false] {
            for big_endian in [true, false] {
                assert_eq!(decode(utf16("http: 1", with_mark, big_endian)), Err(NotText::Utf16));
                assert_eq!(decode(utf32("http: 1", with_mark, big_endian)), Err(NotText::Utf32));
            }
        }
        assert_eq!(decode(b"caf\xe9 ".to_vec()), Err(NotText::Invalid { offset: 3 }));
        assert_eq!(decode(b"\xef\xbb\xbf\xff".to_vec()), Err(NotText::Invalid { offset: 3 }));
    }

    #[test]
    fn a_file_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("text");
        assert!(read(&path, 3).unwrap_err().is_not_found());
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3).unwrap(), "abc");
        assert_eq!(read(&path, 2).unwrap_err().to_string(), "the file is longer than 2 bytes");
    }
}
