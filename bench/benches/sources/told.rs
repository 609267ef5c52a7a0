//! When a receiver told a position of each aircraft.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flight_monitor::sources::beast::BeastDecoder;
use flight_monitor::sources::receiver::{Arrival, Decoded, Decoder};
use flight_monitor::sources::sbs::SbsDecoder;

use crate::door::Door;

/// Bytes that the receiver sent, and when.
pub(crate) struct Chunk {
    pub(crate) at: Instant,
    /// Unix milliseconds.
    pub(crate) millis: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Chunk {
    pub(crate) fn now(bytes: Vec<u8>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at: Instant::now(), millis: i64::try_from(since.as_millis()).unwrap_or(i64::MAX), bytes }
    }
}

/// The times of the position messages of each aircraft, in ascending order.
#[derive(Default)]
pub(crate) struct Told(HashMap<u32, Vec<(Instant, i64)>>);

impl Told {
    /// Decodes what a receiver sent.
    pub(crate) fn by(door: Door, chunks: impl IntoIterator<Item = Chunk>) -> Self {
        match door {
            Door::Beast => Self::decode(BeastDecoder::new(None), chunks),
            Door::Sbs | Door::List => Self::decode(SbsDecoder::default(), chunks),
        }
    }

    fn decode(mut decoder: impl Decoder, chunks: impl IntoIterator<Item = Chunk>) -> Self {
        let mut told = Self::default();
        for Chunk { at, millis, bytes } in chunks {
            let mut decoded = Decoded::default();
            decoder.decode(&bytes, Arrival::from_millis(millis), &mut decoded);
            for report in decoded.reports.iter().filter(|report| report.lat.is_some()) {
                told.0.entry(report.icao24.to_u32()).or_default().push((at, millis));
            }
        }
        told
    }

    /// Returns how long before `seen` the message was sent that made the state of this second known: the first position
    /// in that second, by the server's clock, which reads a message some milliseconds after it was sent. `None` if no
    /// position was sent in that second.
    pub(crate) fn delay(&self, icao24: u32, second: i64, seen: Instant) -> Option<Duration> {
        const ON_THE_WAY: i64 = 20;
        let messages = self.0.get(&icao24)?;
        let (sent, millis) = messages.iter().find(|(_, millis)| *millis >= second * 1000)?;
        if *sent <= seen {
            return (*millis < (second + 1) * 1000).then(|| seen - *sent);
        }
        let earlier = messages.iter().rfind(|(sent, _)| *sent <= seen)?;
        (earlier.1 >= second * 1000 - ON_THE_WAY).then(|| seen - earlier.0)
    }
}
