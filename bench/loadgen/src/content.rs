use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Outcome;
use crate::outcome::fields;

/// The event that ends an update, as specified in `docs/stream.md`, or an event that is a whole update by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// Sequence number.
    pub seq: u64,
    /// Sequence number of the previous update; `None` if it starts a new sequence.
    pub after: Option<u64>,
    /// When the server created it, in microseconds of Unix time.
    pub sent_at: u64,
    /// The source's time of the data, in Unix seconds.
    pub observed_at: Option<i64>,
}

/// An update that a reader received completely.
#[derive(Clone, Copy, Debug)]
pub struct ArrivedUpdate {
    /// Index into [`Outcome::visits`].
    pub visit: usize,
    /// When its last byte was read, in microseconds of Unix time.
    pub at: u64,
    /// The update.
    pub update: Update,
    /// Whether it carries changes; an update without any serves as a keep-alive.
    pub has_changes: bool,
    /// Sequence number of the previous update received on this visit; `None` for the first.
    pub follows: Option<u64>,
}

impl ArrivedUpdate {
    /// Returns whether an update before it is missing.
    pub fn leaves_gap(&self) -> bool {
        self.update.after.is_some() && self.follows.is_some_and(|follows| self.update.after != Some(follows))
    }
}

/// What a frame contains.
#[derive(Clone, Copy, Debug, Default)]
struct Content {
    /// Whether it contains parts of an update.
    parts: bool,
    end: Option<(Update, IsInParts)>,
}

/// Whether an update consists of parts that precede its end event.
type IsInParts = bool;

#[derive(Deserialize)]
struct Data {
    /// Unix milliseconds.
    sent_at: f64,
    seq: u64,
    #[serde(default, deserialize_with = "given")]
    after: Option<Option<u64>>,
    #[serde(default)]
    observed_at: Option<i64>,
    #[serde(default)]
    cell: Option<IgnoredAny>,
    #[serde(default)]
    alerts: Option<IgnoredAny>,
}

/// Distinguishes `null` from a missing member.
fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::<u64>::deserialize(value).map(Some)
}

impl Content {
    fn of(text: &str) -> Self {
        let mut content = Self::default();
        for data in fields(text, "data").filter_map(|data| serde_json::from_str::<Data>(data).ok()) {
            if data.cell.is_some() || data.alerts.is_some() {
                content.parts = true;
                continue;
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time is positive")]
            let sent_at = (data.sent_at * 1000.0) as u64;
            let after = data.after.unwrap_or(data.seq.checked_sub(1));
            let update = Update { seq: data.seq, after, sent_at, observed_at: data.observed_at };
            content.end = Some((update, data.after.is_some()));
        }
        content
    }
}

impl Outcome {
    /// Returns every update received by every reader, in order of time, and the number of received frames whose content
    /// is unknown.
    pub fn updates(&self) -> (Vec<ArrivedUpdate>, usize) {
        #[derive(Clone, Copy, Default)]
        struct Reader {
            follows: Option<u64>,
            parts: bool,
        }
        let contents: Vec<_> = self.frames.iter().map(|frame| frame.text().map(|text| Content::of(&text))).collect();
        let mut readers = vec![Reader::default(); self.visits.len()];
        let (mut updates, mut unknown) = (Vec::new(), 0);
        for arrival in &self.arrivals {
            let (visit, frame) = (arrival.visit as usize, arrival.frame as usize);
            let Some(content) = contents[frame] else {
                unknown += 1;
                continue;
            };
            let reader = &mut readers[visit];
            reader.parts |= content.parts;
            if let Some((update, is_in_parts)) = content.end {
                let has_changes = std::mem::take(&mut reader.parts) || !is_in_parts;
                let follows = reader.follows.replace(update.seq);
                updates.push(ArrivedUpdate { visit, at: arrival.at, update, has_changes, follows });
            }
        }
        (updates, unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_without_cell_and_alerts_ends_an_update() {
        let alert = "event: alert\ndata: {\"seq\":8,\"sent_at\":1795472381204,\"total\":0,\"alerts\":[]}\n\n";
        assert!(Content::of(alert).end.is_none() && Content::of(alert).parts);
        let text = concat!(
            "event: delta\ndata: {\"seq\":8,\"sent_at\":1795472381204,\"cell\":\"world\",\"gone\":[1]}\n\n",
            "event: current\nid: e-8-world\n",
            "data: {\"seq\":8,\"observed_at\":1795472381,\"sent_at\":1795472381204,\"after\":7}\n\n",
        );
        let content = Content::of(text);
        let update =
            Update { seq: 8, after: Some(7), sent_at: 1_795_472_381_204_000, observed_at: Some(1_795_472_381) };
        assert_eq!((content.parts, content.end), (true, Some((update, true))));
    }

    #[test]
    fn a_null_predecessor_starts_a_sequence_and_a_missing_one_is_the_previous_number() {
        let after = |data: &str| {
            Content::of(&format!("data: {data}\n\n")).end.map(|(update, is_in_parts)| (update.after, is_in_parts))
        };
        assert_eq!(after(r#"{"seq":8,"sent_at":1,"after":null}"#), Some((None, true)));
        assert_eq!(after(r#"{"seq":8,"sent_at":1}"#), Some((Some(7), false)));
        assert_eq!(after(r#"{"icao24":"4b1814"}"#), None);
    }
}
