/// Divides a byte stream into lines, which end with LF or CRLF.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    line: Vec<u8>,
    /// Whether the current line exceeds the maximum, so that the rest of it is skipped.
    is_too_long: bool,
}

/// The next part of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinePart<'a> {
    /// A line without its end.
    Line(&'a [u8]),
    /// A line was longer than the maximum. Its rest follows as `Skipped`.
    TooLong(usize),
    /// Bytes of a line that is too long.
    Skipped(usize),
}

impl LineSplitter {
    /// The maximum length of a line in bytes. An SBS message has about 100.
    pub(super) const MAX_LINE: usize = 512;

    /// Passes each part of the chunk to `handle`, and keeps an incomplete line for the next chunk.
    pub(super) fn split(&mut self, chunk: &[u8], mut handle: impl FnMut(LinePart<'_>)) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after.get(1..).unwrap_or_default();
            if self.is_too_long {
                handle(LinePart::Skipped(part.len() + usize::from(end.is_some())));
                self.is_too_long = end.is_none();
                continue;
            }
            let room = Self::MAX_LINE - self.line.len();
            if part.len() > room {
                self.line.clear();
                handle(LinePart::TooLong(Self::MAX_LINE));
                // Counted in the same portions however the line is divided into chunks.
                handle(LinePart::Skipped(part.len() - room + usize::from(end.is_some())));
                self.is_too_long = end.is_none();
                continue;
            }
            self.line.extend_from_slice(part);
            if end.is_some() {
                handle(LinePart::Line(self.line.strip_suffix(b"\r").unwrap_or(&self.line)));
                self.line.clear();
            }
        }
    }

    /// Drops an incomplete line.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        let (mut splitter, mut lines, mut skipped) = (LineSplitter::default(), Vec::new(), 0);
        for chunk in chunks {
            splitter.split(chunk, |part| match part {
                LinePart::Line(line) => lines.push(line.to_vec()),
                LinePart::TooLong(bytes) | LinePart::Skipped(bytes) => skipped += bytes,
            });
            assert!(splitter.line.len() <= LineSplitter::MAX_LINE);
        }
        (lines, skipped)
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        let (lines, skipped) = split(&[b"one\r\ntwo\n\nth", b"ree\r", b"\nfour"]);
        assert_eq!(lines, [&b"one"[..], b"two", b"", b"three"]);
        assert_eq!(skipped, 0);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        let long = [b'x'; 3 * LineSplitter::MAX_LINE];
        let (lines, skipped) = split(&[b"one\n", &long, &long, b"\ntwo\n"]);
        assert_eq!(lines, [b"one", b"two"]);
        assert_eq!(skipped, 2 * long.len() + 1);
    }

    proptest! {
        #[test]
        fn chunks_do_not_affect_the_lines(
            stream in proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..3000),
            size in 1_usize..700,
        ) {
            let chunks: Vec<_> = stream.chunks(size).collect();
            prop_assert_eq!(split(&chunks), split(&[&stream]));
        }
    }
}
