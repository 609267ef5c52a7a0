use std::fmt;

use compact_str::CompactString;

/// The maximum length of a pattern.
const MAX_LENGTH: usize = 100;

/// Patterns, one of which has to match. `*` stands for any characters and `?` for one. Upper and lower case are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns(Vec<CompactString>);

impl Patterns {
    /// Creates patterns. At least one is required.
    ///
    /// # Errors
    /// Fails without patterns, and for one that is empty or longer than 100 characters.
    pub fn new(patterns: impl IntoIterator<Item = CompactString>) -> Result<Self, String> {
        let patterns: Vec<_> = patterns.into_iter().collect();
        for pattern in &patterns {
            if pattern.is_empty() || pattern.len() > MAX_LENGTH {
                return Err(format!("a pattern has 1 to {MAX_LENGTH} characters"));
            }
        }
        if patterns.is_empty() { Err("the list is empty".to_owned()) } else { Ok(Self(patterns)) }
    }

    /// Whether one of the patterns matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern.as_bytes(), text.as_bytes()))
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" or "))
    }
}

/// Matches in time proportional to the product of the lengths: only the last `*` is ever reconsidered.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(b'?') => {
                // A character of several bytes counts once.
                t += 1;
                while text.get(t).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    t += 1;
                }
                p += 1;
                continue;
            }
            Some(expected) if expected.eq_ignore_ascii_case(byte) => {
                p += 1;
                t += 1;
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = retry else { return false };
        retry = Some((after, from + 1));
        (p, t) = (after, from + 1);
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}
