//! Where frames end, found in bytes that are not decompressed.

use memchr::memmem;

use crate::Encoding;

/// What tells a frame from every other: all clients get the same bytes of a change, whatever lies before it in each stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u64);

/// What tells a long frame from every other before it has ended: its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Beginning(u64);

/// The next bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) bytes: &'a [u8],
    /// Once enough of the frame has come.
    pub(crate) beginning: Option<Beginning>,
    /// When it ends with them.
    pub(crate) ended: Option<Fingerprint>,
}

/// Cuts a body into frames as its bytes come in.
///
/// A frame is what the server's sender wrote as one: an event, or a few. Text ends with an empty line, deflated text with the
/// marker of a flush, stored text by its length, zstd with the last block of its frame.
#[derive(Clone, Debug)]
pub(crate) struct Framer {
    ends: Ends,
    length: u64,
    hash: u64,
}

#[derive(Clone, Debug)]
enum Ends {
    Text(Marker),
    Gzip(GzipWalk),
    Zstd(ZstdWalk),
}

impl Framer {
    /// So many bytes make the fingerprint, with the length: time stamps lie among them.
    const HASHED: u64 = 512;
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

    pub(crate) fn new(encoding: Encoding) -> Self {
        let ends = match encoding {
            Encoding::Identity => Ends::Text(Marker::new(b"\n\n")),
            Encoding::Gzip => Ends::Gzip(GzipWalk::default()),
            Encoding::Zstd => Ends::Zstd(ZstdWalk::default()),
        };
        Self { ends, length: 0, hash: Self::OFFSET }
    }

    /// Reads on. `each` gets every byte, in pieces.
    pub(crate) fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(Piece<'_>)) {
        while !bytes.is_empty() {
            let (piece, ended) = match self.ends.find(bytes) {
                Some(end) => (end, true),
                None => (bytes.len(), false),
            };
            let (piece, rest) = bytes.split_at(piece);
            self.add(piece);
            let beginning = (self.length >= Self::HASHED).then_some(Beginning(self.hash));
            let fingerprint = ended.then(|| {
                let fingerprint = Fingerprint(fnv(self.hash, &self.length.to_le_bytes()));
                (self.length, self.hash) = (0, Self::OFFSET);
                fingerprint
            });
            each(Piece { bytes: piece, beginning, ended: fingerprint });
            bytes = rest;
        }
    }

    fn add(&mut self, piece: &[u8]) {
        let wanted = Self::HASHED.saturating_sub(self.length);
        let hashed = usize::try_from(wanted).unwrap_or(usize::MAX).min(piece.len());
        self.hash = fnv(self.hash, &piece[..hashed]);
        self.length += piece.len() as u64;
    }
}

/// Fowler, Noll and Vo's hash, FNV-1a.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl Ends {
    /// How many of the next bytes belong to the frame, if it ends among them.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Text(marker) => marker.find(bytes),
            Self::Gzip(walk) => walk.find(bytes),
            Self::Zstd(walk) => walk.find(bytes),
        }
    }
}

/// Bytes that end a frame, which may come in two pieces.
#[derive(Clone, Debug)]
struct Marker {
    marker: &'static [u8],
    /// The last bytes of the frame so far.
    last: [u8; 3],
}

impl Marker {
    /// In no marker.
    const NOTHING: [u8; 3] = [1; 3];

    fn new(marker: &'static [u8]) -> Self {
        Self { marker, last: Self::NOTHING }
    }

    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let across = (1..self.marker.len()).rev().find(|&before| {
            let (seen, rest) = self.marker.split_at(before);
            self.last.ends_with(seen) && bytes.starts_with(rest)
        });
        let end = match across {
            Some(before) => Some(self.marker.len() - before),
            None => memmem::find(bytes, self.marker).map(|start| start + self.marker.len()),
        };
        self.last = if end.is_some() { Self::NOTHING } else { last_three(self.last, bytes) };
        end
    }
}

fn last_three(last: [u8; 3], bytes: &[u8]) -> [u8; 3] {
    match *bytes {
        [.., a, b, c] => [a, b, c],
        [a, b] => [last[2], a, b],
        [a] => [last[1], last[2], a],
        [] => last,
    }
}

/// A walk over a gzip member whose deflate blocks end at bytes' ends: stored ones (RFC 1951, 3.2.4), and others up to the
/// empty stored one of a flush.
#[derive(Clone, Debug)]
struct GzipWalk {
    part: GzipPart,
    /// A stored block's head.
    head: [u8; 5],
    got: usize,
    flush: Marker,
}

#[derive(Clone, Copy, Debug)]
enum GzipPart {
    /// The member's header (RFC 1952, 2.3), without optional fields; so much is left.
    Header(usize),
    /// The beginning of a block, where another one has ended.
    Block,
    StoredHead,
    Stored(usize),
    Deflated,
}

impl Default for GzipWalk {
    fn default() -> Self {
        Self { part: GzipPart::Header(10), head: [0; 5], got: 0, flush: Marker::new(&[0, 0, 0xff, 0xff]) }
    }
}

impl GzipWalk {
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let there = &bytes[at..];
            match self.part {
                GzipPart::Header(left) => {
                    let passed = left.min(there.len());
                    at += passed;
                    self.part = if passed == left { GzipPart::Block } else { GzipPart::Header(left - passed) };
                }
                // The second and third bit are the type.
                GzipPart::Block if there[0] & 0b110 == 0 => self.part = GzipPart::StoredHead,
                GzipPart::Block => self.part = GzipPart::Deflated,
                GzipPart::StoredHead => {
                    let taken = (self.head.len() - self.got).min(there.len());
                    self.head[self.got..self.got + taken].copy_from_slice(&there[..taken]);
                    (self.got, at) = (self.got + taken, at + taken);
                    if self.got == self.head.len() {
                        self.got = 0;
                        let length = usize::from(u16::from_le_bytes([self.head[1], self.head[2]]));
                        // An empty one is no frame; what follows it is.
                        self.part = if length == 0 { GzipPart::Block } else { GzipPart::Stored(length) };
                    }
                }
                GzipPart::Stored(left) => {
                    let passed = left.min(there.len());
                    at += passed;
                    if passed == left {
                        self.part = GzipPart::Block;
                        return Some(at);
                    }
                    self.part = GzipPart::Stored(left - passed);
                }
                GzipPart::Deflated => {
                    let end = self.flush.find(there)?;
                    self.part = GzipPart::Block;
                    return Some(at + end);
                }
            }
        }
        None
    }
}

/// A walk over a zstd frame from one length to the next (RFC 8878, 3.1.1).
#[derive(Clone, Debug, Default)]
struct ZstdWalk {
    part: ZstdPart,
    /// The part's bytes so far, where they say what follows.
    header: [u8; 6],
    got: usize,
    checksum: bool,
    last_block: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ZstdPart {
    /// The magic number and the descriptor that follows it.
    #[default]
    Descriptor,
    /// Bytes that only need to be passed over; then a block's header.
    Rest(usize),
    BlockHeader,
    Block(usize),
    Checksum(usize),
}

impl ZstdWalk {
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let there = &bytes[at..];
            match self.part {
                ZstdPart::Descriptor => at += self.gather(there, 5, Self::descriptor),
                ZstdPart::BlockHeader => at += self.gather(there, 3, Self::block_header),
                ZstdPart::Rest(left) | ZstdPart::Block(left) | ZstdPart::Checksum(left) => {
                    let passed = left.min(there.len());
                    at += passed;
                    self.pass(left - passed);
                }
            }
            if self.at_end() {
                *self = Self::default();
                return Some(at);
            }
        }
        None
    }

    fn gather(&mut self, bytes: &[u8], wanted: usize, then: fn(&mut Self)) -> usize {
        let taken = (wanted - self.got).min(bytes.len());
        self.header[self.got..self.got + taken].copy_from_slice(&bytes[..taken]);
        self.got += taken;
        if self.got == wanted {
            self.got = 0;
            then(self);
        }
        taken
    }

    fn pass(&mut self, left: usize) {
        self.part = match self.part {
            ZstdPart::Rest(_) if left > 0 => ZstdPart::Rest(left),
            ZstdPart::Block(_) if left > 0 => ZstdPart::Block(left),
            ZstdPart::Block(_) if self.last_block => ZstdPart::Checksum(if self.checksum { 4 } else { 0 }),
            ZstdPart::Checksum(_) => ZstdPart::Checksum(left),
            _ => ZstdPart::BlockHeader,
        };
    }

    fn descriptor(&mut self) {
        let descriptor = self.header[4];
        self.checksum = descriptor & 0b100 != 0;
        let single_segment = descriptor & 0b10_0000 != 0;
        let content_size = match descriptor >> 6 {
            0 => usize::from(single_segment),
            power => 1 << power,
        };
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 0b11)];
        self.part = match usize::from(!single_segment) + dictionary + content_size {
            0 => ZstdPart::BlockHeader,
            rest => ZstdPart::Rest(rest),
        };
    }

    fn block_header(&mut self) {
        let [low, middle, high, ..] = self.header;
        let header = u32::from_le_bytes([low, middle, high, 0]);
        self.last_block = header & 1 == 1;
        let size = match (header >> 1) & 0b11 {
            // One byte, repeated.
            1 => 1,
            _ => usize::try_from(header >> 3).unwrap_or(usize::MAX),
        };
        self.part = ZstdPart::Block(size);
        self.pass(size);
    }

    fn at_end(&self) -> bool {
        self.part == ZstdPart::Checksum(0)
    }
}

/// Undoes HTTP/1.1's chunked transfer coding (RFC 9112, 7.1) without copying.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dechunker {
    size: u32,
    digits: bool,
    extension: bool,
    left: usize,
    ended: bool,
}

impl Dechunker {
    /// Whether the last chunk has come.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next bytes of the body, which leave `input`; `None` when it is used up.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<&'a [u8]> {
        while let [first, rest @ ..] = *input {
            if self.ended {
                return None;
            }
            if self.left > 0 {
                let (data, rest) = input.split_at(self.left.min(input.len()));
                self.left -= data.len();
                *input = rest;
                return Some(data);
            }
            match first {
                b'\n' if self.digits => {
                    self.left = usize::try_from(self.size).unwrap_or(usize::MAX);
                    self.ended = self.size == 0;
                    (self.size, self.digits, self.extension) = (0, false, false);
                }
                b';' => self.extension = true,
                digit if !self.extension => {
                    if let Some(digit) = char::from(*digit).to_digit(16) {
                        self.size = (self.size << 4) | digit;
                        self.digits = true;
                    }
                }
                _ => {}
            }
            *input = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::DeflateEncoder};
    use proptest::prelude::*;

    use super::*;

    fn encoded(encoding: Encoding, texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
        texts
            .iter()
            .map(|text| match encoding {
                Encoding::Identity => [text.as_slice(), b"\n\n"].concat(),
                // A block that is stored, as is cheaper for a short text.
                Encoding::Gzip if text.len() < 100 => {
                    let length = u16::try_from(text.len()).unwrap();
                    [&[0], &length.to_le_bytes()[..], &(!length).to_le_bytes()[..], text].concat()
                }
                Encoding::Gzip => {
                    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                    encoder.write_all(text).unwrap();
                    encoder.flush().unwrap();
                    encoder.get_ref().clone()
                }
                Encoding::Zstd => zstd::bulk::compress(text, 1).unwrap(),
            })
            .collect()
    }

    fn frames(encoding: Encoding, body: &[u8], pieces: usize) -> Vec<(Vec<u8>, Fingerprint)> {
        let (mut framer, mut frames, mut frame) = (Framer::new(encoding), Vec::new(), Vec::new());
        let header: &[u8] = if encoding == Encoding::Gzip { &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff] } else { &[] };
        for bytes in [header, body].concat().chunks(pieces) {
            framer.read(bytes, |piece| {
                frame.extend_from_slice(piece.bytes);
                frames.extend(piece.ended.map(|fingerprint| (std::mem::take(&mut frame), fingerprint)));
            });
        }
        assert_eq!(frame, b"", "every byte belongs to a frame");
        frames
    }

    proptest! {
        #[test]
        fn frames_are_found_however_the_bytes_come(
            // Letters only: neither an empty line nor, stored by deflate, a flush's marker.
            texts in prop::collection::vec(prop::collection::vec(b'a'..=b'z', 1..1000), 1..6),
            pieces in 1_usize..700,
        ) {
            for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
                let expected = encoded(encoding, &texts);
                let found = frames(encoding, &expected.concat(), pieces);
                let whole = frames(encoding, &expected.concat(), usize::MAX);
                prop_assert_eq!(&found, &whole, "{:?}", encoding);
                let found: Vec<_> = found.into_iter().map(|(frame, _)| frame).collect();
                let mut expected = expected;
                if encoding == Encoding::Gzip {
                    expected[0].splice(..0, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
                }
                prop_assert_eq!(found, expected, "{:?}", encoding);
            }
        }

        #[test]
        fn chunks_are_undone_however_the_bytes_come(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..6),
            pieces in 1_usize..100,
        ) {
            let mut coded = Vec::new();
            for chunk in &chunks {
                coded.extend_from_slice(format!("{:x};name=value\r\n", chunk.len()).as_bytes());
                coded.extend_from_slice(chunk);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\n\r\n");
            let (mut dechunker, mut body) = (Dechunker::default(), Vec::new());
            for mut bytes in coded.chunks(pieces) {
                while let Some(data) = dechunker.next(&mut bytes) {
                    body.extend_from_slice(data);
                }
            }
            prop_assert_eq!(body, chunks.concat());
        }
    }

    #[test]
    fn zstd_frames_with_a_checksum_and_many_blocks_are_walked() {
        let text: Vec<u8> = (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(&text).unwrap();
        let frame = encoder.finish().unwrap();
        let found = frames(Encoding::Zstd, &[frame.as_slice(), &frame].concat(), 1000);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], found[1]);
    }

    #[test]
    fn frames_that_differ_in_one_digit_have_other_fingerprints() {
        let of = |text: &[u8]| frames(Encoding::Identity, text, 7)[0].1;
        assert_ne!(of(b"data: {\"sent\":1795472374001}\n\n"), of(b"data: {\"sent\":1795472374002}\n\n"));
    }
}
