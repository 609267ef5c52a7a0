//! Describes rows that a parser rejects.

use actors::domain::{InvalidStateVector, RejectedRow};

/// The maximum number of characters of the reason for rejecting a row.
const MAX_REASON: usize = 200;

/// Rejects a row, of which the reason quotes the beginning.
pub(super) fn rejected(kind: &'static str, row: &str, what: &str) -> RejectedRow {
    let begins: String = row.chars().take(16).collect();
    RejectedRow { kind, reason: shortened(&format!("{kind}: {what}, in the row {begins:?}…")) }
}

/// Rejects a row whose JSON has this error.
pub(super) fn invalid_json(kind: &'static str, row: &str, error: &serde_json::Error) -> RejectedRow {
    let error = error.to_string();
    // The position within the row's text is of no use in the reason.
    rejected(kind, row, error.rsplit_once(" at line ").map_or(error.as_str(), |(what, _)| what))
}

/// Rejects a row whose values are no valid state vector.
pub(super) fn invalid_values(error: InvalidStateVector) -> RejectedRow {
    let RejectedRow { kind, reason } = error.into();
    RejectedRow { kind, reason: shortened(&reason) }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(MAX_REASON).collect()
}
