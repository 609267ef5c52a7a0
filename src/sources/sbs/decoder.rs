use actors::domain::RejectedRow;

use super::lines::{LinePart, LineSplitter};
use super::message;
use crate::sources::receiver::{Arrival, Decoded, Decoder};

/// Decodes SBS-1 (BaseStation) messages.
#[derive(Debug, Default)]
pub struct SbsDecoder {
    lines: LineSplitter,
}

impl Decoder for SbsDecoder {
    const MESSAGE: &'static str = "SBS line";

    fn decode(&mut self, chunk: &[u8], at: Arrival, decoded: &mut Decoded) {
        self.lines.split(chunk, |part| match part {
            LinePart::Line(line) => decode_line(line, at, decoded),
            LinePart::TooLong(bytes) => {
                let reason = format!("a line longer than {} bytes", LineSplitter::MAX_LINE);
                decoded.reject(bytes, RejectedRow { kind: "row", reason });
            }
            LinePart::Skipped(bytes) => decoded.invalid_bytes += bytes as u64,
        });
    }

    fn reset(&mut self) {
        self.lines.reset();
    }
}

fn decode_line(line: &[u8], at: Arrival, decoded: &mut Decoded) {
    // Receivers send empty lines to keep the connection open.
    if line.trim_ascii().is_empty() {
        decoded.valid_bytes += line.len() as u64 + 1;
        return;
    }
    let Ok(text) = std::str::from_utf8(line) else {
        let quote: String = String::from_utf8_lossy(line).chars().take(120).collect();
        decoded.reject(line.len() + 1, RejectedRow { kind: "encoding", reason: format!("not UTF-8: {quote:?}") });
        return;
    };
    match message::parse(text, at.second()) {
        Ok(report) => {
            decoded.valid_bytes += line.len() as u64 + 1;
            decoded.reports.extend(report);
        }
        Err(row) => decoded.reject(line.len() + 1, row),
    }
}
