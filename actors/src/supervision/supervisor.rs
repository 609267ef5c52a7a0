use std::sync::{Mutex, PoisonError};

use actix::dev::channel::channel;
use actix::prelude::*;
use actix_rt::ArbiterHandle;
use tokio::sync::mpsc;

use super::guardian::{Ending, guard};
use super::restart_policy::RestartPolicy;
use super::restarts::Restarts;
use super::vitals::{Board, Vitals};

/// An actor that its supervisor gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name.
    pub actor: &'static str,
    /// The last panic's message.
    pub cause: String,
}

/// Starts actors, each on a thread of its own, and restarts each one alone when it panics.
#[derive(Debug)]
pub struct Supervisor {
    board: Board,
    policy: RestartPolicy,
    failures: mpsc::UnboundedSender<Failure>,
    restarts: Restarts,
    arbiters: Mutex<Vec<Arbiter>>,
}

impl Supervisor {
    /// How many messages an actor's mailbox holds; a `send` beyond waits.
    const MAILBOX: usize = 64;

    /// A supervisor whose actors are restarted by `policy`, unless one is started under its own; and where it reports the
    /// actors that it gives up: each at most once.
    pub fn new(board: Board, policy: RestartPolicy) -> (Self, mpsc::UnboundedReceiver<Failure>) {
        let (failures, reports) = mpsc::unbounded_channel();
        (Self { board, policy, failures, restarts: Restarts::default(), arbiters: Mutex::default() }, reports)
    }

    /// Starts an actor that is made on its own thread, and returns its address, which outlives every restart.
    pub fn start<A, F>(&self, name: &'static str, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Vitals) -> A + Send + 'static,
    {
        self.start_under(self.policy, name, make)
    }

    /// As `start`, under a policy of the actor's own.
    pub fn start_under<A, F>(&self, policy: RestartPolicy, name: &'static str, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Vitals) -> A + Send + 'static,
    {
        let arbiter = Arbiter::new();
        let address = self.launch(&arbiter.handle(), policy, name, make);
        self.arbiters.lock().unwrap_or_else(PoisonError::into_inner).push(arbiter);
        address
    }

    /// As `start`, but on a thread that is there already, beside what else runs on it.
    pub fn start_on<A, F>(&self, thread: &ArbiterHandle, name: &'static str, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Vitals) -> A + Send + 'static,
    {
        self.launch(thread, self.policy, name, make)
    }

    fn launch<A, F>(&self, thread: &ArbiterHandle, policy: RestartPolicy, name: &'static str, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Vitals) -> A + Send + 'static,
    {
        let (sender, receiver) = channel(Self::MAILBOX);
        let (failures, vitals, asked) = (self.failures.clone(), self.board.list(name), self.restarts.listen(name));
        thread.spawn_fn(move || {
            let life = Context::with_receiver(receiver).into_future(make(vitals.clone()));
            #[expect(clippy::disallowed_methods, reason = "this future is what catches the panics of all others")]
            actix_rt::spawn(async move {
                if let Ending::GaveUp(cause) = guard(life, policy, vitals, asked).await {
                    // Nobody listening means that the process is ending already.
                    let _ = failures.send(Failure { actor: name, cause });
                }
            });
        });
        Addr::new(sender)
    }

    /// By which actors can be restarted on request.
    pub fn restarts(&self) -> Restarts {
        self.restarts.clone()
    }

    /// Ends every actor's thread, drained or not.
    pub fn stop(&self) {
        for arbiter in self.arbiters.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            arbiter.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::supervision::Phase;

    #[derive(Message)]
    #[rtype(result = "u32")]
    enum Ask {
        Count,
        Panic,
        PanicLater,
    }

    /// Counts what it was asked; forgets the count when it is restarted.
    #[derive(Default)]
    struct Counter(u32);

    impl Actor for Counter {
        type Context = Context<Self>;
    }

    impl Supervised for Counter {
        fn restarting(&mut self, _: &mut Self::Context) {
            self.0 = 0;
        }
    }

    impl Handler<Ask> for Counter {
        type Result = u32;

        fn handle(&mut self, ask: Ask, ctx: &mut Self::Context) -> u32 {
            self.0 += 1;
            match ask {
                Ask::Count => {}
                Ask::Panic => panic!("asked to"),
                Ask::PanicLater => {
                    ctx.spawn(async { panic!("asked to, later") }.into_actor(self));
                }
            }
            self.0
        }
    }

    fn quick(max_restarts: usize) -> RestartPolicy {
        let pause = Duration::from_millis(1);
        RestartPolicy { max_restarts, first_pause: pause, longest_pause: pause, ..RestartPolicy::default() }
    }

    #[actix_rt::test]
    async fn a_panic_in_a_handler_loses_only_its_own_message() {
        let board = Board::default();
        let (supervisor, _reports) = Supervisor::new(board.clone(), quick(10));
        let counter = supervisor.start("counter", |_| Counter::default());
        let fatal = counter.send(Ask::Panic);
        let queued: Vec<_> = (0..10).map(|_| counter.send(Ask::Count)).collect();
        assert_eq!(fatal.await, Err(MailboxError::Closed));
        let counts: Vec<_> = futures_util::future::join_all(queued).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(counts, (1..=10).collect::<Vec<_>>(), "none of the queued messages is lost, and the state is new");
        assert_eq!(board.statuses()[0].restarts, 1);
        assert!(board.statuses()[0].last_error.as_ref().unwrap().message.contains("asked to"));
        supervisor.stop();
    }

    #[actix_rt::test]
    async fn a_panic_in_a_future_of_the_actor_is_caught_as_well() {
        let board = Board::default();
        let (supervisor, _reports) = Supervisor::new(board.clone(), quick(10));
        let counter = supervisor.start("counter", |_| Counter::default());
        counter.send(Ask::PanicLater).await.unwrap();
        while board.statuses()[0].restarts == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(counter.send(Ask::Count).await, Ok(1));
        supervisor.stop();
    }

    #[actix_rt::test]
    async fn a_restart_that_is_asked_for_keeps_the_address_and_is_no_failure() {
        let board = Board::default();
        let (supervisor, mut reports) = Supervisor::new(board.clone(), quick(3));
        let counter = supervisor.start("counter", |_| Counter::default());
        let restarts = supervisor.restarts();
        for number in 1..=10 {
            assert_eq!(counter.send(Ask::Count).await, Ok(1), "its state is new");
            assert!(restarts.ask("counter") && !restarts.ask("nobody"));
            while board.statuses()[0].restarts < number {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(board.statuses()[0].last_error, None);
        assert!(reports.try_recv().is_err());
        supervisor.stop();
    }

    #[actix_rt::test]
    async fn too_many_panics_are_reported_once_and_end_the_actor() {
        let board = Board::default();
        let (supervisor, mut reports) = Supervisor::new(board.clone(), quick(3));
        let counter = supervisor.start("counter", |_| Counter::default());
        for _ in 0..4 {
            let _ = counter.send(Ask::Panic).await;
        }
        assert_eq!(reports.recv().await, Some(Failure { actor: "counter", cause: "asked to".into() }));
        assert_eq!(board.statuses()[0].phase, Phase::Failed);
        assert_eq!(counter.send(Ask::Count).await, Err(MailboxError::Closed));
        supervisor.stop();
    }
}
