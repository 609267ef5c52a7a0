//! The faults that the chaos tests inject.

/// A fault that a round can inject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    KillCollector,
    KillStorer,
    KillViewer,
    KillStorm,
    StorerDiesBeforeCommit,
    StorerDiesAfterCommit,
    PanicPoller,
    PanicProducer,
    PanicStoreConsumer,
    PanicDbWriter,
    PanicLiveConsumer,
    PanicHub,
    StopCollector,
    StopStorer,
    StopViewer,
    Rebalances,
    RollingUpdate,
    PostgresStopped,
    PostgresKilled,
    PostgresPaused,
    PostgresCut,
    PostgresReset,
    PostgresSilent,
    PostgresSlow,
    ReadOnly,
    DiskFull,
    NoConnections,
    Cancelled,
    Deadlock,
    KafkaStopped,
    KafkaKilled,
    KafkaPaused,
    KafkaCut,
    KafkaReset,
    KafkaSilent,
    KafkaSlow,
    SourceStatus,
    SourceHangs,
    SourceResets,
    SourceTruncates,
    SourceMalformed,
    TokenRefused,
    TokensRevoked,
    Garbage,
    PartitionsAdded,
    Retention,
    TopicRecreated,
}

/// The part of the system that a fault affects. Faults that strike together must affect different areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    Process,
    Database,
    Kafka,
    Source,
    /// Affects everything, or is checked by an exact count, so it never strikes together with another fault.
    Alone,
}

impl Fault {
    pub(crate) const ALL: [Self; 47] = [
        Self::KillCollector,
        Self::KillStorer,
        Self::KillViewer,
        Self::KillStorm,
        Self::StorerDiesBeforeCommit,
        Self::StorerDiesAfterCommit,
        Self::PanicPoller,
        Self::PanicProducer,
        Self::PanicStoreConsumer,
        Self::PanicDbWriter,
        Self::PanicLiveConsumer,
        Self::PanicHub,
        Self::StopCollector,
        Self::StopStorer,
        Self::StopViewer,
        Self::Rebalances,
        Self::RollingUpdate,
        Self::PostgresStopped,
        Self::PostgresKilled,
        Self::PostgresPaused,
        Self::PostgresCut,
        Self::PostgresReset,
        Self::PostgresSilent,
        Self::PostgresSlow,
        Self::ReadOnly,
        Self::DiskFull,
        Self::NoConnections,
        Self::Cancelled,
        Self::Deadlock,
        Self::KafkaStopped,
        Self::KafkaKilled,
        Self::KafkaPaused,
        Self::KafkaCut,
        Self::KafkaReset,
        Self::KafkaSilent,
        Self::KafkaSlow,
        Self::SourceStatus,
        Self::SourceHangs,
        Self::SourceResets,
        Self::SourceTruncates,
        Self::SourceMalformed,
        Self::TokenRefused,
        Self::TokensRevoked,
        Self::Garbage,
        Self::PartitionsAdded,
        Self::Retention,
        Self::TopicRecreated,
    ];

    /// Returns the name in kebab case: `KillStorer` → `kill-storer`.
    pub(crate) fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    pub(crate) fn named(name: &str) -> Self {
        let known = || Self::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ");
        let found = Self::ALL.into_iter().find(|fault| fault.name() == name);
        found.unwrap_or_else(|| panic!("unknown fault {name}; known faults: {}", known()))
    }

    pub(crate) fn area(self) -> Area {
        match self {
            Self::KillCollector
            | Self::KillStorer
            | Self::KillViewer
            | Self::PanicPoller
            | Self::PanicProducer
            | Self::PanicStoreConsumer
            | Self::PanicDbWriter
            | Self::PanicLiveConsumer
            | Self::PanicHub => Area::Process,
            Self::PostgresStopped
            | Self::PostgresKilled
            | Self::PostgresPaused
            | Self::PostgresCut
            | Self::PostgresReset
            | Self::PostgresSilent
            | Self::PostgresSlow
            | Self::ReadOnly
            | Self::DiskFull
            | Self::NoConnections
            | Self::Cancelled => Area::Database,
            Self::KafkaStopped
            | Self::KafkaKilled
            | Self::KafkaPaused
            | Self::KafkaCut
            | Self::KafkaReset
            | Self::KafkaSilent
            | Self::KafkaSlow => Area::Kafka,
            Self::SourceStatus
            | Self::SourceHangs
            | Self::SourceResets
            | Self::SourceTruncates
            | Self::SourceMalformed
            | Self::TokenRefused
            | Self::TokensRevoked => Area::Source,
            // These require a clean exit or an exact count, so nothing else may be broken at the same time.
            Self::KillStorm
            | Self::StorerDiesBeforeCommit
            | Self::StorerDiesAfterCommit
            | Self::StopCollector
            | Self::StopStorer
            | Self::StopViewer
            | Self::Rebalances
            | Self::RollingUpdate
            | Self::Deadlock
            | Self::Garbage
            | Self::PartitionsAdded
            | Self::Retention
            | Self::TopicRecreated => Area::Alone,
        }
    }

    /// Returns whether both faults can strike at the same time.
    pub(crate) fn is_compatible_with(self, other: Self) -> bool {
        other.area() != Area::Alone && self.area() != other.area()
    }

    /// Returns whether polls that the source has already answered may be lost, because the process or actor that was
    /// handling them dies.
    pub(crate) fn may_lose_polls(self) -> bool {
        matches!(self, Self::KillCollector | Self::KillStorm | Self::StopCollector | Self::PanicPoller)
    }
}
