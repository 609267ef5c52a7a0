use std::collections::HashMap;

use bytes::Bytes;

use super::encoder::{self, Head};
use super::picture::Picture;
use super::tile::Tile;
use crate::event_stream::{Compressor, Encoding};
use crate::metrics::{Metrics, count, init_counters};

/// Caches encoded events, so each payload is encoded once and compressed once per content encoding.
#[derive(Debug)]
pub(super) struct EncodeCache {
    compressor: Compressor,
    /// Snapshots of the current update, by tile.
    snapshots: HashMap<Tile, EncodedEvent>,
    metrics: Metrics,
}

/// An encoded event and its compressed representations, which are created on first use.
#[derive(Debug)]
pub(super) struct EncodedEvent {
    text: Bytes,
    gzip: Option<Bytes>,
    zstd: Option<Bytes>,
}

impl EncodeCache {
    pub(super) fn new(metrics: Metrics) -> Self {
        for family in [&metrics.encodings, &metrics.encoded_bytes] {
            init_counters(family, &["telemetry", "delta", "snapshot"]);
        }
        for family in [&metrics.compressions, &metrics.compressed_bytes] {
            init_counters(family, &[Encoding::Gzip.name(), Encoding::Zstd.name()]);
        }
        Self { compressor: Compressor::new(), snapshots: HashMap::new(), metrics }
    }

    /// Wraps the text of a new event. `kind` labels its metrics.
    pub(super) fn encode(&self, kind: &'static str, text: Bytes) -> EncodedEvent {
        count(&self.metrics.encodings, kind, 1);
        count(&self.metrics.encoded_bytes, kind, text.len() as u64);
        EncodedEvent { text, gzip: None, zstd: None }
    }

    /// Returns the event in a content encoding.
    pub(super) fn block(&mut self, encoded: &mut EncodedEvent, encoding: Encoding) -> Bytes {
        let compressed = match encoding {
            Encoding::Identity => return encoded.text.clone(),
            Encoding::Gzip => &mut encoded.gzip,
            Encoding::Zstd => &mut encoded.zstd,
        };
        let compress = || {
            let block = self.compressor.block(encoding, &encoded.text);
            count(&self.metrics.compressions, encoding.name(), 1);
            count(&self.metrics.compressed_bytes, encoding.name(), block.len() as u64);
            block
        };
        compressed.get_or_insert_with(compress).clone()
    }

    /// Returns a snapshot of a tile in a content encoding.
    pub(super) fn snapshot(&mut self, tile: Tile, picture: &Picture, head: Head, encoding: Encoding) -> Bytes {
        let mut encoded = self.snapshots.remove(&tile).unwrap_or_else(|| {
            let text = match tile {
                Tile::Aircraft(icao24) => encoder::snapshot(head, tile, picture.published_of(icao24).into_iter()),
                _ => encoder::snapshot(head, tile, picture.published().filter(|(_, state)| tile.contains(state))),
            };
            self.encode("snapshot", text.into())
        });
        let block = self.block(&mut encoded, encoding);
        self.snapshots.insert(tile, encoded);
        block
    }

    /// Drops the snapshots of the previous update.
    pub(super) fn clear_snapshots(&mut self) {
        self.snapshots.clear();
    }
}
