//! HTTP/1.1 chunked transfer coding.

/// Decodes HTTP/1.1's chunked transfer coding (RFC 9112, 7.1) without copying.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dechunker {
    size: u32,
    digits: bool,
    extension: bool,
    left: usize,
    ended: bool,
}

impl Dechunker {
    /// Returns whether the last chunk has been received.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Consumes and returns the next bytes of the body from `input`; `None` once `input` is exhausted.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<&'a [u8]> {
        while let [first, rest @ ..] = *input {
            if self.ended {
                return None;
            }
            if self.left > 0 {
                let (data, rest) = input.split_at(self.left.min(input.len()));
                self.left -= data.len();
                *input = rest;
                return Some(data);
            }
            match first {
                b'\n' if self.digits => {
                    self.left = usize::try_from(self.size).unwrap_or(usize::MAX);
                    self.ended = self.size == 0;
                    (self.size, self.digits, self.extension) = (0, false, false);
                }
                b';' => self.extension = true,
                digit if !self.extension => {
                    if let Some(digit) = char::from(*digit).to_digit(16) {
                        self.size = (self.size << 4) | digit;
                        self.digits = true;
                    }
                }
                _ => {}
            }
            *input = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chunks_are_decoded_at_any_read_boundaries(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..6),
            pieces in 1_usize..100,
        ) {
            let mut coded = Vec::new();
            for chunk in &chunks {
                coded.extend_from_slice(format!("{:x};name=value\r\n", chunk.len()).as_bytes());
                coded.extend_from_slice(chunk);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\n\r\n");
            let (mut dechunker, mut body) = (Dechunker::default(), Vec::new());
            for mut bytes in coded.chunks(pieces) {
                while let Some(data) = dechunker.next(&mut bytes) {
                    body.extend_from_slice(data);
                }
            }
            prop_assert_eq!(body, chunks.concat());
        }
    }
}
