//! Encodes the events of `/api/v1/stream`, as specified in `docs/stream.md`.

use std::fmt::Write;
use std::sync::Arc;

use super::table::{Row, UNWRAPPED, numbers, table, wraps_for};
use super::tile::Tile;
use crate::detect::Alert;
use crate::domain::{StateVector, UnixTime};

/// The members that every event contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The hub's epoch.
    pub(super) epoch: u32,
    /// The sequence number of the update.
    pub(super) seq: u64,
    /// The newest response time of the source.
    pub(super) observed_at: Option<UnixTime>,
    /// The time of sending, in Unix milliseconds.
    pub(super) sent_at: u64,
}

impl Head {
    fn open(&self, event: &str) -> String {
        let mut text = format!("event: {event}\ndata: ");
        self.members(&mut text);
        text
    }

    fn members(&self, text: &mut String) {
        let Self { epoch, seq, sent_at, .. } = self;
        let _ = write!(text, "{{\"epoch\":\"{epoch:08x}\",\"seq\":{seq},\"observed_at\":");
        let _ = match self.observed_at {
            Some(at) => write!(text, "{at}"),
            None => text.write_str("null"),
        };
        let _ = write!(text, ",\"sent_at\":{sent_at}");
    }

    /// Returns the time relative to which a table's times are written.
    fn base(&self) -> UnixTime {
        self.observed_at.unwrap_or(UnixTime(i64::try_from(self.sent_at / 1000).unwrap_or_default()))
    }
}

/// The change of one aircraft since the last update.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The aircraft's number on the stream.
    pub number: u32,
    /// The state in the last update. It may belong to another aircraft that used the same number before.
    pub before: Option<Arc<StateVector>>,
    /// The current state; `None` if the aircraft has left the picture.
    pub after: Option<Arc<StateVector>>,
}

/// The part of an update that affects one tile, as indices into its changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TileUpdate {
    /// Aircraft that left the tile.
    pub(super) gone: Vec<usize>,
    /// Aircraft that entered the tile.
    pub(super) appeared: Vec<usize>,
    /// Aircraft that changed within the tile.
    pub(super) changed: Vec<usize>,
}

/// Encodes all aircraft in a tile.
pub(super) fn snapshot<'a>(
    head: Head,
    tile: Tile,
    aircraft: impl Iterator<Item = (u32, &'a Arc<StateVector>)>,
) -> Vec<u8> {
    let rows: Vec<_> = aircraft.map(|(number, state)| Row { number, now: state, held: None }).collect();
    let mut out = open(head, "snapshot", tile);
    out.reserve(rows.len() * 80);
    out.extend_from_slice(b",\"aircraft\":");
    table(&mut out, &rows, &UNWRAPPED, head.base());
    out.extend_from_slice(b"}\n\n");
    out
}

/// Encodes the changes in a tile.
pub(super) fn delta(head: Head, tile: Tile, changes: &[Change], update: &TileUpdate) -> Vec<u8> {
    let row = |&index: &usize| {
        let change = changes.get(index)?;
        Some(Row { number: change.number, now: change.after.as_deref()?, held: change.before.as_deref() })
    };
    let mut stayed: Vec<_> = update.changed.iter().filter_map(row).collect();
    let (wraps, sent_whole) = wraps_for(&stayed);
    let mut appeared: Vec<_> = update.appeared.iter().filter_map(row).collect();
    if sent_whole.contains(&true) {
        appeared.extend(stayed.iter().zip(&sent_whole).filter(|(_, whole)| **whole).map(|(row, _)| *row));
        appeared.sort_unstable_by_key(|row| row.number);
        let mut sent_whole = sent_whole.iter();
        stayed.retain(|_| sent_whole.next() == Some(&false));
    }
    for row in &mut appeared {
        row.held = None;
    }
    let mut out = open(head, "delta", tile);
    out.reserve(stayed.len() * 30 + appeared.len() * 120);
    if !update.gone.is_empty() {
        let gone = update.gone.iter().filter_map(|&index| changes.get(index)).map(|change| change.number);
        numbers(&mut out, b",\"gone\":", gone);
    }
    if !appeared.is_empty() {
        out.extend_from_slice(b",\"appeared\":");
        table(&mut out, &appeared, &UNWRAPPED, head.base());
    }
    if !stayed.is_empty() {
        out.extend_from_slice(b",\"changed\":");
        table(&mut out, &stayed, &wraps, head.base());
    }
    out.extend_from_slice(b"}\n\n");
    out
}

fn open(head: Head, event: &str, tile: Tile) -> Vec<u8> {
    let mut text = head.open(event);
    let _ = write!(text, ",\"cell\":\"{tile}\",\"base\":{}", head.base());
    text.into_bytes()
}

/// The maximum number of alerts in an event; the newest are kept.
const MAX_ALERTS: usize = 100;

/// Encodes the active alerts, newest first, regardless of the client's scope.
pub(super) fn alert(head: Head, active: &[Alert]) -> Vec<u8> {
    let mut text = head.open("alert");
    let _ = write!(text, ",\"total\":{},\"alerts\":", active.len());
    let mut out = text.into_bytes();
    let listed = active.get(..MAX_ALERTS).unwrap_or(active);
    let written = serde_json::to_writer(&mut out, listed);
    debug_assert!(written.is_ok(), "every alert can be represented as JSON");
    out.extend_from_slice(b"}\n\n");
    out
}

/// Encodes the event that closes an update or a snapshot.
pub(super) fn current(head: Head, tag: &str, closes: Closes<'_>) -> Vec<u8> {
    let Head { epoch, seq, .. } = head;
    let mut text = format!("event: current\nid: {epoch:08x}-{seq}-{tag}\ndata: ");
    head.members(&mut text);
    match closes {
        Closes::Update { after } => {
            let _ = write!(text, ",\"after\":{after}}}\n\n");
        }
        Closes::Snapshot { tiles } => {
            text.push_str(",\"after\":null,\"cells\":[");
            for (index, tile) in tiles.iter().enumerate() {
                let _ = write!(text, "{}\"{tile}\"", if index > 0 { "," } else { "" });
            }
            text.push_str("]}\n\n");
        }
    }
    text.into_bytes()
}

/// What a closing event completes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Closes<'a> {
    /// An update that follows the update `after`.
    Update { after: u64 },
    /// A snapshot of these tiles.
    Snapshot { tiles: &'a [Tile] },
}

/// The parsed `id` of a closing event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventId<'a> {
    pub(super) epoch: u32,
    pub(super) seq: u64,
    pub(super) tag: &'a str,
}

impl<'a> EventId<'a> {
    /// Parses an `id`. Returns `None` if this program did not create it.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let (epoch, seq, tag) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { epoch: u32::from_str_radix(epoch, 16).ok()?, seq: seq.parse().ok()?, tag })
    }
}
