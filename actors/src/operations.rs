//! What the operator may have the process do, and when.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;
use tokio::sync::watch;

use crate::supervision::{ActorStatus, Board, Change, Phase, Restarts};

/// What an operator can order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The source is not asked until polling is resumed, or the process is started anew.
    PausePolling,
    /// The source is asked again, not earlier than it would have been.
    ResumePolling,
    /// An actor is restarted on its address.
    Restart(String),
    /// Everything is brought to its end, source first, and the process ends.
    Drain,
}

impl Action {
    /// As the journal has it.
    fn name(&self) -> &'static str {
        match self {
            Self::PausePolling => "pause_polling",
            Self::ResumePolling => "resume_polling",
            Self::Restart(_) => "restart",
            Self::Drain => "drain",
        }
    }
}

/// Where the process is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// It serves.
    Serving,
    /// It brings everything to its end.
    Draining,
    /// Every actor is at its end.
    Drained,
}

/// Why an order is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Nothing else can be ordered any more.
    #[error("the process is ending")]
    Ending,
    /// There is no actor of this name.
    #[error("there is no actor {0}")]
    NoSuchActor(String),
    /// The source is asked by another process.
    #[error("this process does not poll: it lacks the role `collect`")]
    DoesNotPoll,
    /// The actor is being restarted already, or has come to its end.
    #[error("{0} is not at work, so it cannot be restarted")]
    NotAtWork(String),
}

/// The actor that asks the source.
const POLLER: &str = "poller";

/// Says whether the operator may order this now.
///
/// # Errors
/// Why not.
pub fn permit(action: &Action, course: Course, actors: &[ActorStatus]) -> Result<(), Refusal> {
    let phase = |name: &str| actors.iter().find(|actor| actor.name == name).map(|actor| actor.phase);
    match action {
        Action::Drain if course == Course::Draining => Ok(()),
        _ if course != Course::Serving => Err(Refusal::Ending),
        Action::Drain => Ok(()),
        Action::PausePolling | Action::ResumePolling => phase(POLLER).map(|_| ()).ok_or(Refusal::DoesNotPoll),
        Action::Restart(name) => match phase(name) {
            None => Err(Refusal::NoSuchActor(name.clone())),
            Some(Phase::Restarting | Phase::Draining | Phase::Finished | Phase::Failed) => {
                Err(Refusal::NotAtWork(name.clone()))
            }
            Some(Phase::Starting | Phase::Running | Phase::Stalled | Phase::BackingOff | Phase::Paused) => Ok(()),
        },
    }
}

/// Takes the operator's orders.
#[derive(Clone, Debug)]
pub struct Operations {
    board: Board,
    restarts: Restarts,
    course: Arc<watch::Sender<Course>>,
}

impl Operations {
    /// For the actors of this board, which can be restarted by `restarts`.
    pub fn new(board: Board, restarts: Restarts) -> Self {
        Self { board, restarts, course: Arc::new(watch::Sender::new(Course::Serving)) }
    }

    /// Takes an order that may be given now, and notes it in the journal. What it asks of the actors is the caller's to pass
    /// on, except a restart, which is asked for already.
    ///
    /// # Errors
    /// Why it may not be given.
    pub fn order(&self, action: &Action) -> Result<(), Refusal> {
        let actors = self.board.statuses();
        permit(action, self.course(), &actors)?;
        let concerned = match action {
            Action::PausePolling | Action::ResumePolling => Some(POLLER),
            Action::Restart(name) => Some(name.as_str()),
            Action::Drain => None,
        };
        let actor = actors.iter().map(|actor| actor.name).find(|name| concerned == Some(*name));
        self.board.journal().record(actor, Change::Order { action: action.name() });
        match action {
            Action::Restart(name) => drop(self.restarts.ask(name)),
            Action::Drain => self.advance(Course::Draining),
            Action::PausePolling | Action::ResumePolling => {}
        }
        Ok(())
    }

    /// Where the process is.
    pub fn course(&self) -> Course {
        *self.course.borrow()
    }

    /// Notes where the process is now; it never goes back.
    pub fn advance(&self, course: Course) {
        self.course.send_if_modified(|current| {
            let later = course > *current;
            *current = course.max(*current);
            later
        });
    }

    /// Tells of each change of the course.
    pub fn watch(&self) -> watch::Receiver<Course> {
        self.course.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        [Action::PausePolling, Action::ResumePolling, Action::Restart("poller".into()), Action::Drain]
    }

    fn board(name: &'static str, phase: Phase) -> Board {
        let board = Board::default();
        board.list(name).phase(phase);
        board
    }

    #[test]
    fn while_it_serves_everything_may_be_ordered_but_the_restart_of_who_is_not_at_work() {
        for phase in PHASES {
            let actors = board("poller", phase).statuses();
            for action in actions() {
                let at_work = !matches!(phase, Phase::Restarting | Phase::Draining | Phase::Finished | Phase::Failed);
                let refused = !at_work && matches!(action, Action::Restart(_));
                let expected = if refused { Err(Refusal::NotAtWork("poller".into())) } else { Ok(()) };
                assert_eq!(permit(&action, Course::Serving, &actors), expected, "{action:?} while {phase:?}");
            }
        }
    }

    #[test]
    fn nothing_but_its_end_may_be_ordered_of_a_process_that_ends() {
        let actors = board("poller", Phase::Running).statuses();
        for action in actions() {
            let expected = if action == Action::Drain { Ok(()) } else { Err(Refusal::Ending) };
            assert_eq!(permit(&action, Course::Draining, &actors), expected, "{action:?}");
            assert_eq!(permit(&action, Course::Drained, &actors), Err(Refusal::Ending), "{action:?}");
        }
    }

    #[test]
    fn who_is_not_there_can_be_ordered_nothing() {
        let actors = board("sse-hub", Phase::Running).statuses();
        let restart = Action::Restart("poller".into());
        assert_eq!(permit(&restart, Course::Serving, &actors), Err(Refusal::NoSuchActor("poller".into())));
        for action in [Action::PausePolling, Action::ResumePolling] {
            assert_eq!(permit(&action, Course::Serving, &actors), Err(Refusal::DoesNotPoll));
        }
    }

    #[test]
    fn orders_are_noted_refused_ones_are_not_and_the_course_never_goes_back() {
        let board = board("poller", Phase::Running);
        let operations = Operations::new(board.clone(), Restarts::default());
        let before = board.journal().since(0).len();
        operations.order(&Action::PausePolling).unwrap();
        operations.order(&Action::Drain).unwrap();
        assert_eq!(operations.order(&Action::ResumePolling), Err(Refusal::Ending));
        let noted: Vec<_> = board.journal().since(0).into_iter().skip(before).collect();
        let orders: Vec<_> = noted.into_iter().map(|entry| (entry.actor, entry.change)).collect();
        let order = |action| Change::Order { action };
        assert_eq!(orders, [(Some("poller"), order("pause_polling")), (None, order("drain"))]);
        operations.advance(Course::Drained);
        operations.advance(Course::Serving);
        assert_eq!(operations.course(), Course::Drained);
    }
}
