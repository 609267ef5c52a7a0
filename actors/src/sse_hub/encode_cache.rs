use std::collections::HashMap;

use bytes::Bytes;

use super::encoder::{self, Head};
use super::picture::Picture;
use super::tile::Tile;
use crate::event_stream::{Compressor, Encoding};
use crate::metrics::{Metrics, count, expect};

/// Makes what many get: each text once, and each compressed form of it once.
#[derive(Debug)]
pub(super) struct EncodeCache {
    compressor: Compressor,
    /// Of the present update.
    snapshots: HashMap<Tile, EncodedEvent>,
    metrics: Metrics,
}

/// A text and its forms, as far as they were asked for.
#[derive(Debug)]
pub(super) struct EncodedEvent {
    text: Bytes,
    gzip: Option<Bytes>,
    zstd: Option<Bytes>,
}

impl EncodeCache {
    pub(super) fn new(metrics: Metrics) -> Self {
        for family in [&metrics.encodings, &metrics.encoded_bytes] {
            expect(family, &["telemetry", "delta", "snapshot"]);
        }
        for family in [&metrics.compressions, &metrics.compressed_bytes] {
            expect(family, &[Encoding::Gzip.name(), Encoding::Zstd.name()]);
        }
        Self { compressor: Compressor::new(), snapshots: HashMap::new(), metrics }
    }

    /// Takes a new text; `kind` is what it is counted as.
    pub(super) fn encoded(&self, kind: &'static str, text: Bytes) -> EncodedEvent {
        count(&self.metrics.encodings, kind, 1);
        count(&self.metrics.encoded_bytes, kind, text.len() as u64);
        EncodedEvent { text, gzip: None, zstd: None }
    }

    /// The text in one form.
    pub(super) fn block(&mut self, encoded: &mut EncodedEvent, encoding: Encoding) -> Bytes {
        let form = match encoding {
            Encoding::Identity => return encoded.text.clone(),
            Encoding::Gzip => &mut encoded.gzip,
            Encoding::Zstd => &mut encoded.zstd,
        };
        let make = || {
            let block = self.compressor.block(encoding, &encoded.text);
            count(&self.metrics.compressions, encoding.name(), 1);
            count(&self.metrics.compressed_bytes, encoding.name(), block.len() as u64);
            block
        };
        form.get_or_insert_with(make).clone()
    }

    /// Everything in a cell, in one form.
    pub(super) fn snapshot(&mut self, cell: Tile, picture: &Picture, head: Head, encoding: Encoding) -> Bytes {
        let mut encoded = self.snapshots.remove(&cell).unwrap_or_else(|| {
            let text = match cell {
                Tile::Aircraft(icao24) => encoder::snapshot(head, cell, picture.published_of(icao24).into_iter()),
                _ => encoder::snapshot(head, cell, picture.published().filter(|(_, state)| cell.contains(state))),
            };
            self.encoded("snapshot", text.into())
        });
        let block = self.block(&mut encoded, encoding);
        self.snapshots.insert(cell, encoded);
        block
    }

    /// Snapshots are made anew from now on.
    pub(super) fn forget_snapshots(&mut self) {
        self.snapshots.clear();
    }
}
