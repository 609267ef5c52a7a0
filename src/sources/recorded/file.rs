use std::path::Path;

use actors::domain::{Snapshot, StateVector, UnixTime};
use anyhow::Context as _;

use crate::sources::opensky::wire;

/// The maximum size of a recorded response in bytes. A response for the whole world takes about 1.5 MB.
const MAX_RESPONSE: u64 = 64 << 20;

/// Reads a file that contains one response of `/states/all`.
///
/// # Errors
/// The file cannot be read, or does not contain such a response. The error names the file.
pub fn read(file: &Path) -> anyhow::Result<Snapshot> {
    let explain = || file.display().to_string();
    let content = textfile::read_bytes(file, MAX_RESPONSE).with_context(explain)?;
    let body = textfile::without_mark(&content).with_context(explain)?;
    wire::parse_states(body).with_context(explain)
}

/// Shifts all times of a snapshot by `seconds`.
pub fn shift_times(snapshot: Snapshot, seconds: i64) -> Snapshot {
    let shifted = |time: UnixTime| UnixTime(time.0.saturating_add(seconds));
    let shift = |state: StateVector| StateVector {
        last_contact: shifted(state.last_contact),
        time_position: state.time_position.map(shifted),
        observed_at: state.observed_at.map(shifted),
        ..state
    };
    Snapshot {
        time: shifted(snapshot.time),
        states: snapshot.states.into_iter().map(shift).collect(),
        bad_rows: snapshot.bad_rows,
    }
}
