//! Finds the end of a frame in plain, deflated or zstd-compressed bytes, without decompressing them.

use memchr::memmem;

/// A byte sequence that ends a frame. It may be split across reads.
#[derive(Clone, Debug)]
pub(crate) struct Marker {
    marker: &'static [u8],
    /// The last bytes of the frame so far.
    last: [u8; 3],
}

impl Marker {
    /// Initial `last`, which matches no part of any marker.
    const NOTHING: [u8; 3] = [1; 3];

    pub(crate) fn new(marker: &'static [u8]) -> Self {
        Self { marker, last: Self::NOTHING }
    }

    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
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

/// Finds the ends of frames in a gzip member whose frames end on a byte boundary: stored blocks (RFC 1951, 3.2.4), and
/// other blocks followed by the empty stored block of a flush.
#[derive(Clone, Debug)]
pub(crate) struct GzipWalk {
    part: GzipPart,
    /// The header of a stored block.
    head: [u8; 5],
    got: usize,
    flush: Marker,
}

#[derive(Clone, Copy, Debug)]
enum GzipPart {
    /// Remaining bytes of the member's header (RFC 1952, 2.3), which has no optional fields.
    Header(usize),
    /// The start of a block, right after the previous one.
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
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let there = &bytes[at..];
            match self.part {
                GzipPart::Header(left) => {
                    let passed = left.min(there.len());
                    at += passed;
                    self.part = if passed == left { GzipPart::Block } else { GzipPart::Header(left - passed) };
                }
                // The second and third bits are the block type.
                GzipPart::Block if there[0] & 0b110 == 0 => self.part = GzipPart::StoredHead,
                GzipPart::Block => self.part = GzipPart::Deflated,
                GzipPart::StoredHead => {
                    let taken = (self.head.len() - self.got).min(there.len());
                    self.head[self.got..self.got + taken].copy_from_slice(&there[..taken]);
                    (self.got, at) = (self.got + taken, at + taken);
                    if self.got == self.head.len() {
                        self.got = 0;
                        let length = usize::from(u16::from_le_bytes([self.head[1], self.head[2]]));
                        // An empty block is not a frame; the block after it is.
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

/// Finds the end of a zstd frame by following its block lengths (RFC 8878, 3.1.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct ZstdWalk {
    part: ZstdPart,
    /// The current part's bytes so far, if they determine what follows.
    header: [u8; 6],
    got: usize,
    checksum: bool,
    last_block: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ZstdPart {
    /// The magic number and the frame header descriptor.
    #[default]
    Descriptor,
    /// Remaining bytes to skip before the next block header.
    Rest(usize),
    BlockHeader,
    Block(usize),
    Checksum(usize),
}

impl ZstdWalk {
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
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
            // RLE block: a single byte, repeated.
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
