//! Splits a response body into frames without decompressing it.

use crate::Encoding;
use crate::ends::{GzipWalk, Marker, ZstdWalk};

/// Identifies a frame. All clients get the same bytes for a change, whatever precedes it in their stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u64);

/// Identifies a long frame by its first bytes, before it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Beginning(u64);

/// The next bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) bytes: &'a [u8],
    /// Set once enough of the frame has arrived.
    pub(crate) beginning: Option<Beginning>,
    /// Set if these bytes end the frame.
    pub(crate) ended: Option<Fingerprint>,
}

/// Splits a body into frames as its bytes arrive.
///
/// A frame is what the server wrote in one go: one event or a few. Plain text ends with an empty line, a deflated frame
/// with a flush marker, a stored one after its length, a zstd one with the last block of its frame.
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
    /// Number of leading bytes that are hashed into the fingerprint, together with the length. They include timestamps.
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

    /// Processes the next bytes and passes all of them to `each`, in pieces.
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

/// Updates an FNV-1a hash.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl Ends {
    /// Returns how many of the next bytes belong to the frame, if it ends within them.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Text(marker) => marker.find(bytes),
            Self::Gzip(walk) => walk.find(bytes),
            Self::Zstd(walk) => walk.find(bytes),
        }
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
                // A stored block, which is cheaper for short texts.
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
        assert_eq!(frame, b"", "bytes that belong to no frame");
        frames
    }

    proptest! {
        #[test]
        fn frames_are_found_at_any_read_boundaries(
            // Letters only, so that a text contains neither an empty line nor, in a stored block, a flush marker.
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
    }

    #[test]
    fn the_end_of_zstd_frames_with_checksums_and_many_blocks_is_found() {
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
    fn frames_that_differ_in_one_digit_have_different_fingerprints() {
        let of = |text: &[u8]| frames(Encoding::Identity, text, 7)[0].1;
        assert_ne!(of(b"data: {\"sent\":1795472374001}\n\n"), of(b"data: {\"sent\":1795472374002}\n\n"));
    }
}
