//! Kinds and targets of faults.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The endpoint that a fault affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// `GET /api/states/all`.
    States,
    /// The token endpoint.
    Token,
    /// The receiver's `GET /data/aircraft.json`.
    AircraftJson,
    /// The community's API below `/v2`.
    V2,
    /// The receiver's SBS port.
    Sbs,
    /// The receiver's Beast port.
    Beast,
}

/// The kinds of faults.
///
/// On a port, a fault affects all its clients, those who connect later too; each of its `times` lasts a second. It waits
/// for a client, except [`Self::Refuse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Responds immediately with `status` (default 503), before authentication. HTTP only.
    Status,
    /// Responds immediately with a web page, like a captive portal or a proxy (`status` defaults to 200). A port sends
    /// the page and closes the connection.
    Html,
    /// Sends no response until the client disconnects or ten minutes have passed. A port sends nothing.
    Hang,
    /// Resets the connection instead of responding. A port resets all connections.
    Reset,
    /// Refuses access: responds with `status` (default 403). A port is closed, so that connections are refused.
    Refuse,
    /// Announces the full content length, sends half of the body and closes the connection. A port sends part of a
    /// message and closes all connections.
    Truncate,
    /// Sends the body in small pieces, several hundred bytes per second. A port does so too, and loses the messages that
    /// it has no time for.
    Drip,
    /// Sends an empty body. HTTP only.
    Empty,
    /// Sends random bytes instead of the body. A port sends them between the messages.
    Garbage,
    /// Sends a body of 1 GiB. A port sends 8 MiB without the end of a message.
    Huge,
    /// Sends a good response without aircraft. A port sends nothing. Receiver and community only.
    Quiet,
    /// Sends the states of the moment when the fault was first injected. A port repeats its last messages. Not for
    /// tokens.
    Stale,
    /// Sends valid JSON whose fields have the wrong types. HTTP only.
    WrongTypes,
    /// Sends `"states": null`. States endpoint only.
    NullStates,
    /// Inserts an invalid row after every tenth good one, and at least one of each kind. The header
    /// `X-Simulator-Bad-Rows` gives their number. A port inserts invalid messages. Not for tokens.
    BadRows,
}

impl fmt::Display for FaultKind {
    /// Writes the name that it has in JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Target {
    /// Writes the name that it has in JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FaultKind {
    /// Returns whether it applies before the request is examined; all others corrupt a good response.
    pub(crate) fn is_immediate(self) -> bool {
        matches!(self, Self::Status | Self::Html | Self::Hang | Self::Reset | Self::Refuse)
    }

    /// Returns whether the target can have this fault.
    pub(crate) fn applies_to(self, target: Target) -> bool {
        let is_port = matches!(target, Target::Sbs | Target::Beast);
        match self {
            Self::Html | Self::Hang | Self::Reset | Self::Refuse => true,
            Self::Truncate | Self::Drip | Self::Garbage | Self::Huge => true,
            Self::Status | Self::Empty | Self::WrongTypes => !is_port,
            Self::Stale | Self::BadRows => target != Target::Token,
            Self::Quiet => !matches!(target, Target::Token | Target::States),
            Self::NullStates => target == Target::States,
        }
    }
}
