use actors::domain::{BadRows, RejectedRow, StateVector};

use super::Arrival;

/// Decodes the byte stream of a receiver. How the stream is divided into chunks does not affect the result.
pub trait Decoder: 'static {
    /// What a message is called in errors, such as `SBS line`.
    const MESSAGE: &'static str;

    /// Decodes the next chunk, which arrived at this time.
    fn decode(&mut self, chunk: &[u8], at: Arrival, decoded: &mut Decoded);

    /// Drops an incomplete message, since a new connection begins.
    fn reset(&mut self);
}

/// What a chunk contained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// What each message tells about its aircraft. Values that the message does not tell are unknown, and `last_contact`
    /// is the time of arrival.
    pub reports: Vec<StateVector>,
    /// The messages that are invalid.
    pub bad_rows: BadRows,
    /// The number of bytes in well-formed messages.
    pub valid_bytes: u64,
    /// The number of other bytes.
    pub invalid_bytes: u64,
}

impl Decoded {
    /// Counts an invalid message of this many bytes.
    pub(in crate::sources) fn reject(&mut self, bytes: usize, row: RejectedRow) {
        self.invalid_bytes += bytes as u64;
        self.bad_rows.add(row);
    }
}
