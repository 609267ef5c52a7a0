//! Positions as the metadata of committed offsets: `1;<last timestamp>;<look-back offset>;<look-back timestamp>`, in
//! which a timestamp may be `-`.

use actors::ports::{DetectPosition, LogPlace};

const VERSION: &str = "1";

/// Returns the metadata of the offset of a position.
pub(super) fn encode(position: &DetectPosition) -> String {
    let timestamp = |place: LogPlace| place.last_timestamp.map_or("-".to_owned(), |timestamp| timestamp.to_string());
    let DetectPosition { next, look_back } = *position;
    format!("{VERSION};{};{};{}", timestamp(next), look_back.next_offset, timestamp(look_back))
}

/// Returns the position of a committed offset. Without metadata of this program, such as after a reset of the group's
/// offsets, nothing before it is read.
pub(super) fn decode(next_offset: i64, metadata: &str) -> DetectPosition {
    let unknown = LogPlace { next_offset, last_timestamp: None };
    parse(next_offset, metadata).unwrap_or(DetectPosition { next: unknown, look_back: unknown })
}

fn parse(next_offset: i64, metadata: &str) -> Option<DetectPosition> {
    let timestamp = |text: &str| if text == "-" { Some(None) } else { text.parse().ok().map(Some) };
    let [VERSION, last, offset, before] = metadata.split(';').collect::<Vec<_>>()[..] else { return None };
    let look_back = LogPlace { next_offset: offset.parse().ok()?, last_timestamp: timestamp(before)? };
    let is_before = (0..=next_offset).contains(&look_back.next_offset);
    is_before.then_some(DetectPosition { next: LogPlace { next_offset, last_timestamp: timestamp(last)? }, look_back })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(next_offset: i64, last_timestamp: Option<i64>) -> LogPlace {
        LogPlace { next_offset, last_timestamp }
    }

    #[test]
    fn a_position_is_read_back_from_the_metadata() {
        for (next, look_back) in [
            (place(7, Some(1_700_000_000_000)), place(3, Some(1_699_000_000_000))),
            (place(7, None), place(7, None)),
            (place(0, None), place(0, None)),
        ] {
            let position = DetectPosition { next, look_back };
            assert_eq!(decode(next.next_offset, &encode(&position)), position);
        }
    }

    #[test]
    fn foreign_metadata_looks_back_on_nothing() {
        for metadata in ["", "by hand", "2;1;2;3", "1;1;2", "1;1;8;1", "1;1;-1;1", "1;x;2;3", "1;1;2;3;4"] {
            let position = decode(7, metadata);
            assert_eq!(position, DetectPosition { next: place(7, None), look_back: place(7, None) }, "{metadata}");
        }
    }
}
