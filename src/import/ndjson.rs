//! State vectors as JSON, one a line, as they are in Kafka.

use std::io::BufRead;
use std::sync::Arc;

use actors::ports::{BadRecord, Recorded};

use super::Records;
use super::lines::{Line, Lines};
use crate::kafka::codec;

/// Bytes of a line. Kafka takes no longer message by default.
const LONGEST_LINE: usize = 1 << 20;

pub(super) struct NdJson<R> {
    lines: Lines<R>,
}

impl<R: BufRead> NdJson<R> {
    pub(super) fn new(text: R) -> Self {
        Self { lines: Lines::new(text, LONGEST_LINE) }
    }
}

impl<R: BufRead + Send> Records for NdJson<R> {
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String> {
        let record = into.next;
        let decoded = match self.lines.next().map_err(|error| format!("line {}: {error}", record + 1))? {
            None => return Ok(false),
            Some(Line::Whole(line)) if line.trim_ascii().is_empty() => None,
            Some(Line::Whole(line)) => Some(codec::decode(Some(line))),
            Some(Line::TooLong) => Some(Err(format!("it is longer than {LONGEST_LINE} bytes"))),
        };
        into.next += 1;
        match decoded {
            None => {}
            Some(Ok(state)) => into.states.push((record, Arc::new(state))),
            Some(Err(reason)) => {
                into.bad.push(BadRecord { record, reason: format!("line {}: {reason}", record + 1) });
            }
        }
        Ok(true)
    }
}
