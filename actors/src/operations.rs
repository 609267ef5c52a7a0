//! The operator's actions, and when the process accepts them.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::supervision::{ActorName, ActorRegistry, ActorStatus, JournalEvent, Restarts};

/// An action requested by the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Stop polling until it is resumed or the process restarts.
    PausePolling,
    /// Resume polling. The next poll is not earlier than it would have been without the pause.
    ResumePolling,
    /// Restart an actor. It keeps its address.
    Restart(ActorName),
    /// Drain all actors, starting at the source, and end the process.
    Drain,
}

impl Action {
    /// Returns the action's name in the journal.
    fn name(&self) -> &'static str {
        match self {
            Self::PausePolling => "pause_polling",
            Self::ResumePolling => "resume_polling",
            Self::Restart(_) => "restart",
            Self::Drain => "drain",
        }
    }
}

/// The lifecycle of the process, which only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// The process serves.
    Serving,
    /// The actors finish their work, source first.
    Draining,
    /// Every actor has ended.
    Drained,
}

/// Why an action was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The process is ending and accepts no action except `Drain`.
    #[error("the process is shutting down")]
    Ending,
    /// The process has no such actor.
    #[error("there is no actor {0}")]
    NoSuchActor(ActorName),
    /// Another process polls the source.
    #[error("this process does not poll: it lacks the role `collect`")]
    DoesNotPoll,
    /// The actor is already restarting, or has ended.
    #[error("cannot restart {0}: it is already restarting or has ended")]
    NotActive(ActorName),
}

/// Checks whether an action is currently allowed.
///
/// # Errors
/// Returns the reason why it is not.
pub fn permit(action: &Action, lifecycle: Lifecycle, actors: &[ActorStatus]) -> Result<(), Refusal> {
    match action {
        Action::Drain if lifecycle == Lifecycle::Draining => Ok(()),
        _ if lifecycle != Lifecycle::Serving => Err(Refusal::Ending),
        Action::Drain => Ok(()),
        Action::PausePolling | Action::ResumePolling => poller(actors).map(|_| ()).ok_or(Refusal::DoesNotPoll),
        Action::Restart(name) => match actors.iter().find(|actor| actor.name == *name) {
            None => Err(Refusal::NoSuchActor(name.clone())),
            Some(actor) if actor.phase.is_active() => Ok(()),
            Some(_) => Err(Refusal::NotActive(name.clone())),
        },
    }
}

fn poller(actors: &[ActorStatus]) -> Option<&ActorName> {
    actors.iter().map(|actor| &actor.name).find(|name| matches!(name, ActorName::Poller(_)))
}

/// Accepts the operator's actions, and tracks the lifecycle of the process.
#[derive(Clone, Debug)]
pub struct Operations {
    registry: ActorRegistry,
    restarts: Restarts,
    lifecycle: Arc<watch::Sender<Lifecycle>>,
}

impl Operations {
    /// Creates operations on the actors of this registry. `restarts` restarts them.
    pub fn new(registry: ActorRegistry, restarts: Restarts) -> Self {
        Self { registry, restarts, lifecycle: Arc::new(watch::Sender::new(Lifecycle::Serving)) }
    }

    /// Checks an action and records it in the journal. A restart is performed here; the caller must forward all other
    /// actions to the actors.
    ///
    /// # Errors
    /// Returns why the action was refused.
    pub fn request(&self, action: &Action) -> Result<(), Refusal> {
        let actors = self.registry.statuses();
        permit(action, self.lifecycle(), &actors)?;
        let affected = match action {
            Action::PausePolling | Action::ResumePolling => poller(&actors),
            Action::Restart(name) => Some(name),
            Action::Drain => None,
        };
        let affected = affected.map(|name| name.clone().into());
        self.registry.journal().record(affected, JournalEvent::Order { action: action.name() });
        match action {
            Action::Restart(name) => drop(self.restarts.request(name)),
            Action::Drain => self.advance(Lifecycle::Draining),
            Action::PausePolling | Action::ResumePolling => {}
        }
        Ok(())
    }

    /// Returns the current stage of the lifecycle.
    pub fn lifecycle(&self) -> Lifecycle {
        *self.lifecycle.borrow()
    }

    /// Advances the lifecycle. Does nothing if it is already at a later stage.
    pub fn advance(&self, lifecycle: Lifecycle) {
        self.lifecycle.send_if_modified(|current| {
            let later = lifecycle > *current;
            *current = lifecycle.max(*current);
            later
        });
    }

    /// Returns a receiver that is notified of each change of the lifecycle.
    pub fn watch(&self) -> watch::Receiver<Lifecycle> {
        self.lifecycle.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervision::Phase;

    const PHASES: [Phase; 9] = [
        Phase::Starting,
        Phase::Running,
        Phase::Stalled,
        Phase::BackingOff,
        Phase::Paused,
        Phase::Restarting,
        Phase::Draining,
        Phase::Finished,
        Phase::Failed,
    ];

    fn actions() -> [Action; 4] {
        [Action::PausePolling, Action::ResumePolling, Action::Restart(ActorName::POLLER), Action::Drain]
    }

    fn registry(name: ActorName, phase: Phase) -> ActorRegistry {
        let registry = ActorRegistry::default();
        registry.register(name).phase(phase);
        registry
    }

    #[test]
    fn while_serving_only_the_restart_of_an_inactive_actor_is_refused() {
        for phase in PHASES {
            let actors = registry(ActorName::POLLER, phase).statuses();
            for action in actions() {
                let is_active = !matches!(phase, Phase::Restarting | Phase::Draining | Phase::Finished | Phase::Failed);
                let refused = !is_active && matches!(action, Action::Restart(_));
                let expected = if refused { Err(Refusal::NotActive(ActorName::POLLER)) } else { Ok(()) };
                assert_eq!(permit(&action, Lifecycle::Serving, &actors), expected, "{action:?} while {phase:?}");
            }
        }
    }

    #[test]
    fn an_ending_process_accepts_only_drain() {
        let actors = registry(ActorName::POLLER, Phase::Running).statuses();
        for action in actions() {
            let expected = if action == Action::Drain { Ok(()) } else { Err(Refusal::Ending) };
            assert_eq!(permit(&action, Lifecycle::Draining, &actors), expected, "{action:?}");
            assert_eq!(permit(&action, Lifecycle::Drained, &actors), Err(Refusal::Ending), "{action:?}");
        }
    }

    #[test]
    fn an_action_on_an_absent_actor_is_refused() {
        let actors = registry(ActorName::SseHub, Phase::Running).statuses();
        let restart = Action::Restart(ActorName::POLLER);
        assert_eq!(permit(&restart, Lifecycle::Serving, &actors), Err(Refusal::NoSuchActor(ActorName::POLLER)));
        for action in [Action::PausePolling, Action::ResumePolling] {
            assert_eq!(permit(&action, Lifecycle::Serving, &actors), Err(Refusal::DoesNotPoll));
        }
    }

    #[test]
    fn accepted_actions_are_recorded_and_the_lifecycle_never_goes_back() {
        let registry = registry(ActorName::POLLER, Phase::Running);
        let operations = Operations::new(registry.clone(), Restarts::default());
        let before = registry.journal().since(0).len();
        operations.request(&Action::PausePolling).unwrap();
        operations.request(&Action::Drain).unwrap();
        assert_eq!(operations.request(&Action::ResumePolling), Err(Refusal::Ending));
        let entries: Vec<_> = registry.journal().since(0).into_iter().skip(before).collect();
        let recorded: Vec<_> = entries.into_iter().map(|entry| (entry.actor, entry.change)).collect();
        let order = |action| JournalEvent::Order { action };
        assert_eq!(recorded, [(Some(ActorName::POLLER.into()), order("pause_polling")), (None, order("drain"))]);
        operations.advance(Lifecycle::Drained);
        operations.advance(Lifecycle::Serving);
        assert_eq!(operations.lifecycle(), Lifecycle::Drained);
    }
}
