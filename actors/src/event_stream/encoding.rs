//! Content encodings that allow each block to be encoded once and sent to every client.
//!
//! Both compression formats support this. A deflate stream is a sequence of blocks (RFC 1951, 2.3), and a block from a
//! freshly reset compressor does not refer to earlier data. zstd decoders read consecutive frames (RFC 8878, 3.1).
//!
//! Every deflate block ends with an empty stored block. zlib returns decoded data at any point, but Go's
//! `compress/flate` does so only at such a block, when its 32 KiB window is full, and at the end of the stream. Without
//! this marker, a Go client, or a client behind a proxy written in Go, receives an event only when the next one
//! arrives.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};

/// A content encoding, as named in `Content-Encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// No encoding.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Encoding {
    /// Returns the encoding's name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Returns the bytes that each client receives once, before all blocks: for gzip, a member header without time or
    /// name.
    pub fn header(self) -> &'static [u8] {
        match self {
            Self::Gzip => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255],
            Self::Identity | Self::Zstd => &[],
        }
    }

    /// Encodes a few bytes without compression, for data that only a few clients receive. Decoders return all of it
    /// immediately.
    pub fn stored(self, text: &[u8]) -> Bytes {
        match self {
            Self::Identity => Bytes::copy_from_slice(text),
            Self::Gzip => {
                let mut blocks = Vec::with_capacity(text.len() + 16);
                // RFC 1951, 3.2.4: not the last block, stored; then the length and its complement.
                for part in text.chunks(usize::from(u16::MAX)) {
                    let length = part.len() as u16;
                    blocks.push(0);
                    blocks.extend_from_slice(&length.to_le_bytes());
                    blocks.extend_from_slice(&(!length).to_le_bytes());
                    blocks.extend_from_slice(part);
                }
                blocks.extend_from_slice(SYNC_MARKER);
                blocks.into()
            }
            Self::Zstd => {
                let mut frames = Vec::with_capacity(text.len() + 16);
                // RFC 8878, 3.1.1: magic number, single segment with a 4-byte content size, one raw block marked as the
                // last.
                for part in text.chunks(usize::from(u16::MAX)) {
                    frames.extend_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000]);
                    frames.extend_from_slice(&(part.len() as u32).to_le_bytes());
                    frames.extend_from_slice(&((part.len() as u32) << 3 | 1).to_le_bytes()[..3]);
                    frames.extend_from_slice(part);
                }
                frames.into()
            }
        }
    }
}

/// An empty stored block that starts at a byte boundary.
const SYNC_MARKER: &[u8] = &[0, 0, 0, 0xff, 0xff];

/// Compresses blocks that do not depend on each other.
pub struct Compressor {
    deflate: Compress,
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

impl Compressor {
    /// Measured on deltas of 10,000 aircraft: higher levels take several times as long and save less than 1 %.
    const DEFLATE_LEVEL: u32 = 6;
    const ZSTD_LEVEL: i32 = 3;

    /// Creates a compressor, which can be reused for any number of blocks.
    pub fn new() -> Self {
        Self {
            deflate: Compress::new(Compression::new(Self::DEFLATE_LEVEL), false),
            zstd: zstd::bulk::Compressor::new(Self::ZSTD_LEVEL).ok(),
        }
    }

    /// Compresses one block.
    pub fn block(&mut self, encoding: Encoding, text: &Bytes) -> Bytes {
        match encoding {
            Encoding::Identity => text.clone(),
            Encoding::Gzip => self.deflate(text).unwrap_or_else(|| encoding.stored(text)),
            Encoding::Zstd => {
                let block = self.zstd.as_mut().and_then(|zstd| zstd.compress(text).ok());
                block.map_or_else(|| encoding.stored(text), Bytes::from)
            }
        }
    }

    /// Returns deflate blocks followed by an empty stored block, which ends at a byte boundary (`Z_FULL_FLUSH`). Its
    /// three header bits, all zero, may share a byte with the previous block.
    fn deflate(&mut self, text: &[u8]) -> Option<Bytes> {
        self.deflate.reset();
        let mut block = Vec::with_capacity(text.len() / 2 + 64);
        loop {
            let read = usize::try_from(self.deflate.total_in()).ok()?;
            self.deflate.compress_vec(text.get(read..)?, &mut block, FlushCompress::Full).ok()?;
            // A full flush is complete if it leaves space in the output.
            if block.len() < block.capacity() {
                return Some(block.into());
            }
            block.reserve(block.capacity().max(1024));
        }
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use flate2::{Decompress, FlushDecompress};
    use proptest::prelude::*;

    use super::*;

    /// Decodes a stream that is cut off after its last block.
    fn decoded(encoding: Encoding, stream: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        match encoding {
            Encoding::Identity => text.extend_from_slice(stream),
            Encoding::Gzip => {
                let error = flate2::read::GzDecoder::new(stream).read_to_end(&mut text).unwrap_err();
                assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "only the trailer is missing");
            }
            Encoding::Zstd => {
                zstd::stream::read::Decoder::new(stream).unwrap().read_to_end(&mut text).unwrap();
            }
        }
        text
    }

    /// Decompresses at most `max` bytes of a deflate stream with zlib.
    fn inflated(decoder: &mut Decompress, bytes: &[u8], max: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(max + 64);
        decoder.decompress_vec(bytes, &mut out, FlushDecompress::Sync).unwrap();
        out
    }

    fn texts() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
        let text = prop_oneof![
            prop::collection::vec(any::<u8>(), 1..300),
            ("[0-9,]{1,40}", 1_usize..3000).prop_map(|(text, times)| text.repeat(times).into_bytes()),
            prop::collection::vec(any::<u8>(), 70_000..70_100),
        ];
        prop::collection::vec((any::<bool>(), text), 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn concatenated_blocks_are_one_stream_in_any_order(texts in texts(), reversed: bool) {
            for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
                let mut compressor = Compressor::new();
                let mut blocks: Vec<_> = texts.iter().map(|(stored, text)| {
                    let text = Bytes::from(text.clone());
                    let block = if *stored { encoding.stored(&text) } else { compressor.block(encoding, &text) };
                    (block, text)
                }).collect();
                if reversed {
                    blocks.reverse();
                }
                let mut stream = encoding.header().to_vec();
                blocks.iter().for_each(|(block, _)| stream.extend_from_slice(block));
                let expected: Vec<u8> = blocks.iter().flat_map(|(_, text)| text.to_vec()).collect();
                prop_assert!(decoded(encoding, &stream) == expected, "{encoding:?}");
            }
        }

        #[test]
        fn every_block_ends_where_all_decoders_return_their_data(texts in texts(), also_empty: bool) {
            let mut compressor = Compressor::new();
            let mut decoder = Decompress::new(false);
            let mut zstd = zstd::stream::write::Decoder::new(Vec::new()).unwrap();
            for (stored, text) in texts.into_iter().chain(also_empty.then_some((true, Vec::new()))) {
                let text = Bytes::from(text);
                let mut make = |encoding: Encoding| {
                    if stored { encoding.stored(&text) } else { compressor.block(encoding, &text) }
                };
                // Everything before the length of the last block can be decoded. A one-byte block inserted at this
                // position is decoded too, so the preceding bits are the header of a stored block.
                let block = make(Encoding::Gzip);
                let Some(before) = block.strip_suffix(&[0, 0, 0xff, 0xff]) else { panic!("no marker at the end") };
                prop_assert!(inflated(&mut decoder, before, text.len()) == text);
                prop_assert!(inflated(&mut decoder, &[1, 0, 0xfe, 0xff, b'!'], 1) == b"!");

                // zstd decoders return their data at the end of a frame.
                zstd.write_all(&make(Encoding::Zstd)).unwrap();
                zstd.flush().unwrap();
                prop_assert!(*zstd.get_ref() == *text);
                zstd.get_mut().clear();
            }
        }
    }
}
