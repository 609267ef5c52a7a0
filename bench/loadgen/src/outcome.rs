use std::io::Read;

use flate2::read::DeflateDecoder;

use crate::Encoding;

/// The outcome of a run. Times are microseconds of Unix time.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Every connection started, including reconnections.
    pub visits: Vec<Visit>,
    /// Each distinct frame, in order of first arrival.
    pub frames: Vec<Frame>,
    /// Arrivals of frames at readers, in order of time.
    pub arrivals: Vec<Arrival>,
    /// When all readers were disconnected.
    pub cuts: Vec<u64>,
}

/// One connection, from its first packet.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The reader's number, which stays the same when it reconnects.
    pub reader: usize,
    /// Index of the target in the plan.
    pub target: usize,
    /// How often all readers had been disconnected before.
    pub round: usize,
    /// When it started connecting.
    pub opened: u64,
    /// When it had sent its request.
    pub connected: Option<u64>,
    /// When the first byte of the response had arrived.
    pub first_byte: Option<u64>,
    /// The response status.
    pub status: Option<u16>,
    /// Bytes of the body, as on the wire.
    pub bytes: u64,
    /// How it ended; `None` if it was open until the end of the run or closed by the load generator.
    pub end: Option<End>,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The server ended the response.
    ByServer,
    /// The connection failed with this error.
    Failed(String),
}

/// The arrival of a complete frame at a reader.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Index into [`Outcome::visits`].
    pub visit: u32,
    /// Index into [`Outcome::frames`].
    pub frame: u32,
    /// When its last byte was read.
    pub at: u64,
}

/// What the server wrote in one go: one event or a few.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Length on the wire, without the transfer coding.
    pub length: u64,
    pub(crate) bytes: Option<Box<[u8]>>,
    pub(crate) encoding: Encoding,
}

impl Frame {
    /// Returns its events as text; `None` if it was not kept or cannot be decoded.
    pub fn text(&self) -> Option<String> {
        let bytes = self.bytes.as_deref()?;
        let mut text = Vec::new();
        match self.encoding {
            Encoding::Identity => text.extend_from_slice(bytes),
            Encoding::Gzip => {
                // The first frame of a connection follows the ten-byte gzip header (RFC 1952, 2.3).
                let deflated = bytes.strip_prefix(&[0x1f, 0x8b, 8]).and_then(|rest| rest.get(7..)).unwrap_or(bytes);
                // A frame is not a complete deflate stream, so the decoder fails at its end, after all of the output.
                let mut chunk = [0; 16 * 1024];
                let mut decoder = DeflateDecoder::new(deflated);
                while let Ok(length @ 1..) = decoder.read(&mut chunk) {
                    text.extend_from_slice(&chunk[..length]);
                }
            }
            Encoding::Zstd => {
                zstd::stream::copy_decode(bytes, &mut text).ok()?;
            }
        }
        String::from_utf8(text).ok().filter(|text| !text.is_empty())
    }
}

/// Returns the values of all `field: value` lines of an event stream.
pub fn fields<'a>(text: &'a str, field: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let value = line.strip_prefix(field)?.strip_prefix(':')?;
        Some(value.strip_prefix(' ').unwrap_or(value))
    })
}

/// Returns a percentile of a sorted sample, by nearest rank.
pub fn percentile<T: Copy>(sorted: &[T], percent: f64) -> Option<T> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a rank within the sample")]
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_use_the_nearest_rank() {
        let sample: Vec<u32> = (1..=200).collect();
        assert_eq!(
            [0.0, 50.0, 99.0, 100.0].map(|p| percentile(&sample, p)),
            [Some(1), Some(100), Some(198), Some(200)]
        );
        assert_eq!(percentile::<u32>(&[], 50.0), None);
    }

    #[test]
    fn fields_are_parsed_with_and_without_a_space() {
        let text = "event: delta\ndata:{\"a\":1}\nid: 7-1-w\n\n";
        assert_eq!(fields(text, "id").collect::<Vec<_>>(), ["7-1-w"]);
        assert_eq!(fields(text, "data").collect::<Vec<_>>(), ["{\"a\":1}"]);
    }
}
