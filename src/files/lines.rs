use std::io::{self, BufRead};

/// Reads text line by line, with a limit on the memory for each line.
pub(crate) struct Lines<R> {
    text: R,
    limit: usize,
    line: Vec<u8>,
}

/// A line without its line ending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// The complete line.
    Whole(&'a [u8]),
    /// A line over the limit, which was skipped.
    TooLong,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(text: R, limit: usize) -> Self {
        Self { text, limit, line: Vec::new() }
    }

    /// Returns the next line, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut too_long = false;
        let mut any = false;
        loop {
            let piece = match self.text.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if piece.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', piece);
            let text = &piece[..end.unwrap_or(piece.len())];
            too_long |= self.line.len() + text.len() > self.limit;
            if !too_long {
                self.line.extend_from_slice(text);
            }
            let used = end.map_or(piece.len(), |end| end + 1);
            self.text.consume(used);
            if end.is_some() {
                break;
            }
        }
        Ok(match (any, too_long) {
            (false, _) => None,
            (true, true) => Some(Line::TooLong),
            (true, false) => Some(Line::Whole(self.line.strip_suffix(b"\r").unwrap_or(&self.line))),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_lose_their_terminators_and_long_lines_are_skipped() {
        for capacity in [1, 2, 3, 7, 100] {
            let text = BufReader::with_capacity(capacity, &b"one\r\n\ntoo long\nfour\n\nsix"[..]);
            let mut lines = Lines::new(text, 5);
            let mut found = Vec::new();
            while let Some(line) = lines.next().unwrap() {
                found.push(match line {
                    Line::Whole(line) => String::from_utf8(line.to_vec()).unwrap(),
                    Line::TooLong => "?".to_owned(),
                });
            }
            assert_eq!(found, ["one", "", "?", "four", "", "six"]);
        }
    }
}
