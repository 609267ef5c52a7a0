//! The events of `/api/v1/stream`, as `docs/stream.md` specifies them.

use std::fmt::Write;
use std::sync::Arc;

use super::table::{Row, UNWRAPPED, numbers, table, wraps_for};
use super::tile::Tile;
use crate::detect::AlertWatch;
use crate::domain::{StateVector, UnixTime};

/// What every event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Of the hub.
    pub(super) epoch: u32,
    /// The update's number.
    pub(super) seq: u64,
    /// The newest time at which the source answered.
    pub(super) observed_at: Option<UnixTime>,
    /// Unix milliseconds.
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

    /// What the times of a table count back from.
    fn base(&self) -> UnixTime {
        self.observed_at.unwrap_or(UnixTime(i64::try_from(self.sent_at / 1000).unwrap_or_default()))
    }
}

/// What became of one aircraft since the update before.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its number.
    pub number: u32,
    /// What the last update said of it, or of another aircraft that had the same number.
    pub before: Option<Arc<StateVector>>,
    /// What is known of it now.
    pub after: Option<Arc<StateVector>>,
}

/// What of an update concerns one cell: indices into its changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TileUpdate {
    /// They were in the cell, and are no more.
    pub(super) gone: Vec<usize>,
    /// They are new in the cell.
    pub(super) appeared: Vec<usize>,
    /// They stayed in it.
    pub(super) changed: Vec<usize>,
}

/// Everything in a cell.
pub(super) fn snapshot<'a>(
    head: Head,
    cell: Tile,
    aircraft: impl Iterator<Item = (u32, &'a Arc<StateVector>)>,
) -> Vec<u8> {
    let rows: Vec<_> = aircraft.map(|(number, state)| Row { number, now: state, held: None }).collect();
    let mut out = open(head, "snapshot", cell);
    out.reserve(rows.len() * 80);
    out.extend_from_slice(b",\"aircraft\":");
    table(&mut out, &rows, &UNWRAPPED, head.base());
    out.extend_from_slice(b"}\n\n");
    out
}

/// What changed in a cell.
pub(super) fn delta(head: Head, cell: Tile, changes: &[Change], update: &TileUpdate) -> Vec<u8> {
    let row = |&index: &usize| {
        let change = changes.get(index)?;
        Some(Row { number: change.number, now: change.after.as_deref()?, held: change.before.as_deref() })
    };
    let mut stayed: Vec<_> = update.changed.iter().filter_map(row).collect();
    let (wraps, beyond) = wraps_for(&stayed);
    let mut appeared: Vec<_> = update.appeared.iter().filter_map(row).collect();
    if beyond.contains(&true) {
        appeared.extend(stayed.iter().zip(&beyond).filter(|(_, beyond)| **beyond).map(|(row, _)| *row));
        appeared.sort_unstable_by_key(|row| row.number);
        let mut beyond = beyond.iter();
        stayed.retain(|_| beyond.next() == Some(&false));
    }
    for row in &mut appeared {
        row.held = None;
    }
    let mut out = open(head, "delta", cell);
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

fn open(head: Head, event: &str, cell: Tile) -> Vec<u8> {
    let mut text = head.open(event);
    let _ = write!(text, ",\"cell\":\"{cell}\",\"base\":{}", head.base());
    text.into_bytes()
}

/// How many alerts an event lists at most, the newest.
const MAX_ALERTS: usize = 100;

/// The active alerts, whatever the client's scope.
pub(super) fn alert(head: Head, alerts: &AlertWatch) -> Vec<u8> {
    let active = alerts.active();
    let mut text = head.open("alert");
    let _ = write!(text, ",\"total\":{},\"alerts\":", active.len());
    let mut out = text.into_bytes();
    let listed = active.get(..MAX_ALERTS).unwrap_or(&active);
    let written = serde_json::to_writer(&mut out, listed);
    debug_assert!(written.is_ok(), "an alert has no value that JSON lacks");
    out.extend_from_slice(b"}\n\n");
    out
}

/// The event that closes an update, or a snapshot.
pub(super) fn current(head: Head, tag: &str, closes: Closes<'_>) -> Vec<u8> {
    let Head { epoch, seq, .. } = head;
    let mut text = format!("event: current\nid: {epoch:08x}-{seq}-{tag}\ndata: ");
    head.members(&mut text);
    match closes {
        Closes::Update { after } => {
            let _ = write!(text, ",\"after\":{after}}}\n\n");
        }
        Closes::Snapshot { cells } => {
            text.push_str(",\"after\":null,\"cells\":[");
            for (index, cell) in cells.iter().enumerate() {
                let _ = write!(text, "{}\"{cell}\"", if index > 0 { "," } else { "" });
            }
            text.push_str("]}\n\n");
        }
    }
    text.into_bytes()
}

/// What a closing event closes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Closes<'a> {
    /// An update that follows this one.
    Update { after: u64 },
    /// A snapshot of these cells.
    Snapshot { cells: &'a [Tile] },
}

/// The `id` of a closing event, read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventId<'a> {
    pub(super) epoch: u32,
    pub(super) seq: u64,
    pub(super) tag: &'a str,
}

impl<'a> EventId<'a> {
    /// `None`: it is none of ours.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let (epoch, seq, tag) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { epoch: u32::from_str_radix(epoch, 16).ok()?, seq: seq.parse().ok()?, tag })
    }
}
