//! Recorded responses of `/states/all`: one per line, or one per file.

use std::io::{BufRead, Read};
use std::sync::Arc;

use actors::ports::{BadRecord, Recorded};

use super::Records;
use crate::files::lines::{Line, Lines};
use crate::sources::opensky::wire::parse_states;

/// The maximum size of a response in bytes. The whole world is about 1.5 MB.
const MAX_RESPONSE: usize = 64 << 20;

pub(super) struct Responses<R> {
    state: State<R>,
    /// The number of responses read so far.
    read: i64,
}

enum State<R> {
    /// One response per line.
    Lines(Lines<R>),
    /// One response that spans lines.
    Whole(R),
    Read,
}

impl<R: BufRead> Responses<R> {
    pub(super) fn one_a_line(text: R) -> Self {
        Self { state: State::Lines(Lines::new(text, MAX_RESPONSE)), read: 0 }
    }

    pub(super) fn whole(text: R) -> Self {
        Self { state: State::Whole(text), read: 0 }
    }
}

impl<R: BufRead> Records for Responses<R> {
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String> {
        self.read += 1;
        let number = self.read;
        let too_long = || format!("response {number} is longer than {MAX_RESPONSE} bytes");
        match &mut self.state {
            State::Read => return Ok(false),
            State::Lines(lines) => match lines.next().map_err(|error| format!("response {number}: {error}"))? {
                None => return Ok(false),
                Some(Line::Whole(line)) if line.trim_ascii().is_empty() => into.next += 1,
                Some(Line::Whole(line)) => add(line, number, into),
                Some(Line::TooLong) => {
                    into.bad.push(BadRecord { record: into.next, reason: too_long() });
                    into.next += 1;
                }
            },
            State::Whole(text) => {
                let mut body = Vec::new();
                let limit = MAX_RESPONSE as u64 + 1;
                text.by_ref().take(limit).read_to_end(&mut body).map_err(|error| error.to_string())?;
                if body.len() > MAX_RESPONSE {
                    return Err(too_long());
                }
                add(&body, number, into);
                self.state = State::Read;
            }
        }
        Ok(true)
    }
}

/// Adds the rows of a response, or the errors of the response or its rows.
fn add(body: &[u8], number: i64, into: &mut Recorded) {
    let record = into.next;
    let bad = |reason: &dyn std::fmt::Display| BadRecord { record, reason: format!("response {number}: {reason}") };
    match parse_states(body) {
        Ok(snapshot) => {
            into.states.extend(snapshot.states.into_iter().map(|state| (record, Arc::new(state))));
            for (_, count, example) in snapshot.bad_rows.iter() {
                into.bad.push(bad(&example));
                into.bad.extend((1..count).map(|_| bad(&"another bad row like the previous one")));
            }
        }
        Err(error) => into.bad.push(bad(&error)),
    }
    into.next += 1;
}
