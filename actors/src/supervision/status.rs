use std::time::SystemTime;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::name::{ActorName, WatchedPart};
use super::observation::Observation;

/// What an actor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Phase {
    /// Starting.
    Starting,
    /// Working, or waiting for work.
    Running,
    /// Running, but without progress for longer than its work may take.
    Stalled,
    /// Waiting to retry something outside the process that failed.
    BackingOff,
    /// Paused by the operator.
    Paused,
    /// Waiting to be restarted after a failure.
    Restarting,
    /// Finishing its in-flight work before the process ends.
    Draining,
    /// Ended normally.
    Finished,
    /// Abandoned by its supervisor after too many failures.
    Failed,
}

impl Phase {
    /// The phase as the API and the metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stalled => "stalled",
            Self::BackingOff => "backing_off",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Draining => "draining",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    /// Whether an actor in this phase handles messages and will continue to do so.
    pub fn is_active(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Stalled | Self::BackingOff | Self::Paused => true,
            Self::Restarting | Self::Draining | Self::Finished | Self::Failed => false,
        }
    }
}

impl Serialize for Phase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Whether a component can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can be used.
    Ready,
    /// It cannot be used, for this reason.
    NotReady(String),
}

impl Readiness {
    /// Whether the component is ready.
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// Returns why the component is not ready.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::NotReady(reason) => Some(reason),
        }
    }
}

/// The newest error of an actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastError {
    /// When it happened, in Unix seconds with fractions.
    #[serde(serialize_with = "unix_seconds")]
    #[schema(value_type = f64)]
    pub at: SystemTime,
    /// What failed and why.
    pub message: String,
}

/// The state of one actor, as `/admin/actors` shows it. Times are Unix seconds with fractions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActorStatus {
    /// Its name.
    #[schema(value_type = String)]
    pub name: ActorName,
    /// What it is doing.
    pub phase: Phase,
    /// When that phase began.
    #[serde(serialize_with = "unix_seconds")]
    #[schema(value_type = f64)]
    pub since: SystemTime,
    /// How often it was restarted.
    pub restarts: u64,
    /// Its newest error, if there was one.
    pub last_error: Option<LastError>,
    /// When it last completed a unit of work.
    #[serde(serialize_with = "maybe_unix_seconds")]
    #[schema(value_type = Option<f64>)]
    pub last_progress: Option<SystemTime>,
    /// Whether its part of the service can be used, as reported by the actor.
    #[serde(skip)]
    pub readiness: Readiness,
    /// When it last became ready or unready.
    #[serde(skip)]
    pub readiness_since: SystemTime,
    /// What it last reported about its work.
    pub observation: Observation,
    /// The external components that it monitors.
    #[serde(skip)]
    pub watched: Vec<WatchedStatus>,
}

impl ActorStatus {
    /// Whether the actor's part of the service can be used: the actor is at work and reports itself as ready.
    pub fn is_ready(&self) -> bool {
        self.phase.is_active() && self.readiness.is_ready()
    }
}

/// The state of an external component that an actor monitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedStatus {
    /// The component.
    pub part: WatchedPart,
    /// Whether the component works.
    pub readiness: Readiness,
    /// When it last started or stopped working.
    pub since: SystemTime,
}

pub(super) fn unix_seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    serializer.serialize_f64((seconds * 1000.0).round() / 1000.0)
}

fn maybe_unix_seconds<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => unix_seconds(time, serializer),
        None => serializer.serialize_none(),
    }
}
