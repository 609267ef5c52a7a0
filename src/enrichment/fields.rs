use std::borrow::Cow;
use std::ops::Range;

/// Splits lines into fields. Reuses its memory.
#[derive(Debug)]
pub(super) struct Fields {
    separator: u8,
    quote: Option<u8>,
    ranges: Vec<(Range<usize>, bool)>,
}

impl Fields {
    pub(super) fn new(separator: u8, quote: Option<u8>) -> Self {
        Self { separator, quote, ranges: Vec::new() }
    }

    /// Splits a line. A quotation mark within a quoted field is doubled; OpenSky leaves some single.
    ///
    /// # Errors
    /// Fails if a quoted field does not end on this line.
    pub(super) fn split(&mut self, line: &[u8]) -> Result<(), &'static str> {
        self.ranges.clear();
        let mut start = 0;
        loop {
            let rest = &line[start..];
            let (field, is_escaped) = match self.quote.filter(|quote| rest.first() == Some(quote)) {
                Some(quote) => self.quoted(line, start + 1, quote)?,
                None => (start..memchr::memchr(self.separator, rest).map_or(line.len(), |at| start + at), false),
            };
            let end = if self.quote.is_some_and(|quote| line.get(field.end) == Some(&quote)) && field.start > start {
                field.end + 1
            } else {
                field.end
            };
            self.ranges.push((field, is_escaped));
            if end >= line.len() {
                return Ok(());
            }
            start = end + 1;
        }
    }

    /// Returns a field without its quotation marks, and whether marks in it are doubled.
    fn quoted(&self, line: &[u8], start: usize, quote: u8) -> Result<(Range<usize>, bool), &'static str> {
        let (mut at, mut is_escaped) = (start, false);
        loop {
            at += memchr::memchr(quote, &line[at..]).ok_or("a quotation mark is not closed on its line")?;
            match line.get(at + 1) {
                Some(next) if *next == quote => {
                    is_escaped = true;
                    at += 2;
                }
                Some(next) if *next != self.separator => at += 1,
                _ => return Ok((start..at, is_escaped)),
            }
        }
    }

    /// The number of fields.
    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Returns a field of the line that was split last; an empty text for a missing one.
    ///
    /// # Errors
    /// Fails if the field is not UTF-8, or contains a control character.
    pub(super) fn text<'a>(&self, line: &'a [u8], index: usize) -> Result<Cow<'a, str>, &'static str> {
        let Some((range, is_escaped)) = self.ranges.get(index) else { return Ok(Cow::Borrowed("")) };
        let text = std::str::from_utf8(&line[range.clone()]).map_err(|_| "invalid UTF-8")?;
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("a control character");
        }
        Ok(match self.quote {
            Some(quote) if *is_escaped => {
                let quote = char::from(quote).to_string();
                Cow::Owned(text.replace(&quote.repeat(2), &quote))
            }
            _ => Cow::Borrowed(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str, quote: Option<u8>) -> Result<Vec<String>, &'static str> {
        let mut fields = Fields::new(b',', quote);
        fields.split(line.as_bytes())?;
        (0..fields.len()).map(|index| Ok(fields.text(line.as_bytes(), index)?.into_owned())).collect()
    }

    #[test]
    fn fields_lose_their_quotation_marks() {
        let check = |line: &str, expected: &[&str]| {
            assert_eq!(split(line, Some(b'\'')).unwrap(), expected, "{line}");
        };
        check("", &[""]);
        check("a,b,", &["a", "b", ""]);
        check("'a','b,c',d", &["a", "b,c", "d"]);
        check("'','',''", &["", "", ""]);
        check("'O''Brien','x'", &["O'Brien", "x"]);
        check("'O'Brien','x'", &["O'Brien", "x"]);
        check("a'b,c", &["a'b", "c"]);
        assert_eq!(split("'a,b", Some(b'\'')), Err("a quotation mark is not closed on its line"));
        assert_eq!(split("'a,b", None).unwrap(), ["'a", "b"]);
        assert_eq!(split("\"a\"\"b\",c", Some(b'"')).unwrap(), ["a\"b", "c"]);
    }

    #[test]
    fn control_characters_and_other_encodings_are_refused() {
        assert_eq!(split("a\u{1b}[31m", None), Err("a control character"));
        let mut fields = Fields::new(b',', None);
        fields.split(b"caf\xe9").unwrap();
        assert_eq!(fields.text(b"caf\xe9", 0), Err("invalid UTF-8"));
    }
}
