use std::sync::{Mutex, PoisonError};

use actix::dev::channel::channel;
use actix::prelude::*;
use actix_rt::ArbiterHandle;
use tokio::sync::mpsc;

use super::guardian::{Ending, guard};
use super::name::ActorName;
use super::registry::ActorRegistry;
use super::restart_policy::RestartPolicy;
use super::restarts::Restarts;
use super::vitals::Vitals;

/// Reports that an actor failed too often and was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The actor.
    pub actor: ActorName,
    /// The message of its last panic.
    pub cause: String,
}

/// Starts each actor on its own thread, and restarts it when it panics, independently of the others.
#[derive(Debug)]
pub struct Supervisor {
    registry: ActorRegistry,
    policy: RestartPolicy,
    failures: mpsc::UnboundedSender<Failure>,
    restarts: Restarts,
    arbiters: Mutex<Vec<Arbiter>>,
}

impl Supervisor {
    /// The capacity of an actor's mailbox. When it is full, `send` waits.
    const MAILBOX: usize = 64;

    /// Creates a supervisor that restarts actors according to `policy` unless they have their own. Also returns the
    /// channel on which it reports each actor that it gives up, at most once.
    pub fn new(registry: ActorRegistry, policy: RestartPolicy) -> (Self, mpsc::UnboundedReceiver<Failure>) {
        let (failures, reports) = mpsc::unbounded_channel();
        (Self { registry, policy, failures, restarts: Restarts::default(), arbiters: Mutex::default() }, reports)
    }

    /// Builds an actor with `make` on a new thread, starts it, and returns its address, which stays valid across
    /// restarts.
    pub fn start<A, F>(&self, name: ActorName, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Vitals) -> A + Send + 'static,
    {
        self.start_with_policy(self.policy, name, make)
    }

    /// Like `start`, with a separate restart policy.
    pub fn start_with_policy<A, F>(&self, policy: RestartPolicy, name: ActorName, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Vitals) -> A + Send + 'static,
    {
        let arbiter = Arbiter::new();
        let address = self.launch(&arbiter.handle(), policy, name, make);
        self.arbiters.lock().unwrap_or_else(PoisonError::into_inner).push(arbiter);
        address
    }

    /// Like `start`, on an existing thread.
    pub fn start_on<A, F>(&self, thread: &ArbiterHandle, name: ActorName, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Vitals) -> A + Send + 'static,
    {
        self.launch(thread, self.policy, name, make)
    }

    fn launch<A, F>(&self, thread: &ArbiterHandle, policy: RestartPolicy, name: ActorName, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: FnOnce(Vitals) -> A + Send + 'static,
    {
        let (sender, receiver) = channel(Self::MAILBOX);
        let (failures, requests) = (self.failures.clone(), self.restarts.requests(&name));
        let vitals = self.registry.register(name.clone());
        thread.spawn_fn(move || {
            let context = Context::with_receiver(receiver).into_future(make(vitals.clone()));
            #[expect(clippy::disallowed_methods, reason = "this future is what catches the panics of all others")]
            actix_rt::spawn(async move {
                if let Ending::GaveUp(cause) = guard(context, policy, vitals, requests).await {
                    // Without a receiver, the process is already ending.
                    let _ = failures.send(Failure { actor: name, cause });
                }
            });
        });
        Addr::new(sender)
    }

    /// Returns a handle that restarts these actors on request.
    pub fn restarts(&self) -> Restarts {
        self.restarts.clone()
    }

    /// Stops all actor threads, whether or not the actors were drained.
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
    enum Order {
        Count,
        Panic,
        PanicLater,
    }

    /// Counts the messages since its last restart.
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

    impl Handler<Order> for Counter {
        type Result = u32;

        fn handle(&mut self, order: Order, ctx: &mut Self::Context) -> u32 {
            self.0 += 1;
            match order {
                Order::Count => {}
                Order::Panic => panic!("on request"),
                Order::PanicLater => {
                    ctx.spawn(async { panic!("on request, later") }.into_actor(self));
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
        let registry = ActorRegistry::default();
        let (supervisor, _reports) = Supervisor::new(registry.clone(), quick(10));
        let counter = supervisor.start(ActorName::DbWriter, |_| Counter::default());
        let fatal = counter.send(Order::Panic);
        let queued: Vec<_> = (0..10).map(|_| counter.send(Order::Count)).collect();
        assert_eq!(fatal.await, Err(MailboxError::Closed));
        let counts: Vec<_> = futures_util::future::join_all(queued).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(counts, (1..=10).collect::<Vec<_>>(), "none of the queued messages is lost, and the state is fresh");
        assert_eq!(registry.statuses()[0].restarts, 1);
        assert!(registry.statuses()[0].last_error.as_ref().unwrap().message.contains("on request"));
        supervisor.stop();
    }

    #[actix_rt::test]
    async fn a_panic_in_a_future_of_the_actor_is_caught_too() {
        let registry = ActorRegistry::default();
        let (supervisor, _reports) = Supervisor::new(registry.clone(), quick(10));
        let counter = supervisor.start(ActorName::DbWriter, |_| Counter::default());
        counter.send(Order::PanicLater).await.unwrap();
        while registry.statuses()[0].restarts == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(counter.send(Order::Count).await, Ok(1));
        supervisor.stop();
    }

    #[actix_rt::test]
    async fn a_requested_restart_keeps_the_address_and_is_not_a_failure() {
        let registry = ActorRegistry::default();
        let (supervisor, mut reports) = Supervisor::new(registry.clone(), quick(3));
        let counter = supervisor.start(ActorName::DbWriter, |_| Counter::default());
        let restarts = supervisor.restarts();
        for number in 1..=10 {
            assert_eq!(counter.send(Order::Count).await, Ok(1), "the state is fresh");
            assert!(restarts.request(&ActorName::DbWriter) && !restarts.request(&ActorName::SseHub));
            while registry.statuses()[0].restarts < number {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(registry.statuses()[0].last_error, None);
        assert!(reports.try_recv().is_err());
        supervisor.stop();
    }

    #[actix_rt::test]
    async fn too_many_panics_are_reported_once_and_end_the_actor() {
        let registry = ActorRegistry::default();
        let (supervisor, mut reports) = Supervisor::new(registry.clone(), quick(3));
        let counter = supervisor.start(ActorName::DbWriter, |_| Counter::default());
        for _ in 0..4 {
            let _ = counter.send(Order::Panic).await;
        }
        assert_eq!(reports.recv().await, Some(Failure { actor: ActorName::DbWriter, cause: "on request".into() }));
        assert_eq!(registry.statuses()[0].phase, Phase::Failed);
        assert_eq!(counter.send(Order::Count).await, Err(MailboxError::Closed));
        supervisor.stop();
    }
}
