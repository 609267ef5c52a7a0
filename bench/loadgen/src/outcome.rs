use std::io::Read;

use flate2::read::DeflateDecoder;

use crate::Encoding;

/// What came of a run. Times are microseconds of Unix time.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Every connection that was begun, those that came back included.
    pub visits: Vec<Visit>,
    /// Each distinct frame, as it came.
    pub frames: Vec<Frame>,
    /// Which frame came when, in order of time.
    pub arrivals: Vec<Arrival>,
    /// When everybody was cut off.
    pub cuts: Vec<u64>,
}

/// One connection, from its first packet on.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The number of the reader, the same after it came back.
    pub reader: usize,
    /// Which of the plan's targets it asked for.
    pub target: usize,
    /// How often everybody had been cut off before.
    pub round: usize,
    /// When it began to connect.
    pub opened: u64,
    /// When it had sent its request.
    pub connected: Option<u64>,
    /// When the first byte of the answer had come.
    pub first_byte: Option<u64>,
    /// The answer's status.
    pub status: Option<u16>,
    /// Bytes of the body, as they are on the wire.
    pub bytes: u64,
    /// How it ended; `None`: it was open to the last, or cut off by us.
    pub end: Option<End>,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The server ended its answer.
    ByServer,
    /// With this error.
    Failed(String),
}

/// The last byte of a frame has been read.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// An index of [`Outcome::visits`].
    pub visit: u32,
    /// An index of [`Outcome::frames`].
    pub frame: u32,
    /// When.
    pub at: u64,
}

/// What a server's sender wrote as one.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its length on the wire, without the transfer coding.
    pub length: u64,
    pub(crate) bytes: Option<Box<[u8]>>,
    pub(crate) encoding: Encoding,
}

impl Frame {
    /// Its events as text; `None` when it was not kept, or does not decode.
    pub fn text(&self) -> Option<String> {
        let bytes = self.bytes.as_deref()?;
        let mut text = Vec::new();
        match self.encoding {
            Encoding::Identity => text.extend_from_slice(bytes),
            Encoding::Gzip => {
                // The first frame of a connection follows the ten bytes of gzip's header (RFC 1952, 2.3).
                let deflated = bytes.strip_prefix(&[0x1f, 0x8b, 8]).and_then(|rest| rest.get(7..)).unwrap_or(bytes);
                // It is no whole stream: the decoder misses the end when it has given everything.
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

/// The lines `field: value` of an event stream's text.
pub fn fields<'a>(text: &'a str, field: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let value = line.strip_prefix(field)?.strip_prefix(':')?;
        Some(value.strip_prefix(' ').unwrap_or(value))
    })
}

/// A percentile by nearest rank of a sorted sample.
pub fn percentile<T: Copy>(sorted: &[T], percent: f64) -> Option<T> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a rank within the sample")]
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let sample: Vec<u32> = (1..=200).collect();
        assert_eq!(
            [0.0, 50.0, 99.0, 100.0].map(|p| percentile(&sample, p)),
            [Some(1), Some(100), Some(198), Some(200)]
        );
        assert_eq!(percentile::<u32>(&[], 50.0), None);
    }

    #[test]
    fn fields_are_read_as_event_streams_write_them() {
        let text = "event: delta\ndata:{\"a\":1}\nid: 7-1-w\n\n";
        assert_eq!(fields(text, "id").collect::<Vec<_>>(), ["7-1-w"]);
        assert_eq!(fields(text, "data").collect::<Vec<_>>(), ["{\"a\":1}"]);
    }
}
