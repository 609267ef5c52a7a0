//! Checks that, under any schedule of panics, the address stays valid, only fatal messages are lost, and restarts
//! follow the policy.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Arbiter, AsyncContext as _, Context, Handler, Message, Supervised, System, WrapFuture as _};
use actors::supervision::{ActorName, ActorRegistry, Phase, RestartPolicy, Supervisor};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

/// The events of an actor, across all its restarts.
#[derive(Clone, Default)]
struct History(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    handled: Vec<usize>,
    panics: Vec<Instant>,
    restarts: Vec<Instant>,
}

struct Fragile(History);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panic {
    Never,
    /// Panics in the handler, so this message is lost.
    InHandler,
    /// Panics in a future of the actor, after the reply.
    InFuture,
}

#[derive(Message)]
#[rtype(result = "usize")]
struct Work(usize, Panic);

impl Actor for Fragile {
    type Context = Context<Self>;
}

impl Supervised for Fragile {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.0.0.lock().unwrap().restarts.push(Instant::now());
    }
}

impl Fragile {
    fn panic(history: &History) -> ! {
        history.0.lock().unwrap().panics.push(Instant::now());
        panic!("on request")
    }
}

impl Handler<Work> for Fragile {
    type Result = usize;

    fn handle(&mut self, Work(number, panic): Work, ctx: &mut Self::Context) -> usize {
        match panic {
            Panic::Never => {}
            Panic::InHandler => Self::panic(&self.0),
            Panic::InFuture => {
                let history = self.0.clone();
                ctx.spawn(async move { Self::panic(&history) }.into_actor(self));
            }
        }
        self.0.0.lock().unwrap().handled.push(number);
        number
    }
}

fn policies() -> impl Strategy<Value = RestartPolicy> {
    (1_usize..8, 1_u64..60, 10_u64..500, 1_u32..8).prop_map(|(max_restarts, window, first_pause, longest)| {
        let first_pause = Duration::from_millis(first_pause);
        RestartPolicy {
            max_restarts,
            window: Duration::from_secs(window),
            first_pause,
            longest_pause: first_pause * longest,
        }
    })
}

/// Generates the messages to send, each with the pause before the next one in milliseconds.
fn schedules() -> impl Strategy<Value = Vec<(Panic, u64)>> {
    let panic = prop_oneof![3 => Just(Panic::Never), 1 => Just(Panic::InHandler), 1 => Just(Panic::InFuture)];
    let pause = prop_oneof![3 => Just(0), 2 => 1_u64..500, 1 => 500_u64..20_000];
    prop::collection::vec((panic, pause), 1..50)
}

/// Returns the index of the first panic that exceeds the limit of its window.
fn first_too_many(policy: &RestartPolicy, panics: &[Instant]) -> Option<usize> {
    (0..panics.len()).find(|&last| {
        let recent = panics[..=last].iter().filter(|&&at| panics[last] - at <= policy.window).count();
        recent > policy.max_restarts
    })
}

fn run_schedule(policy: RestartPolicy, schedule: &[(Panic, u64)]) {
    // Tokio's timers have a resolution of one millisecond.
    const TICK: Duration = Duration::from_millis(2);
    let (registry, history) = (ActorRegistry::default(), History::default());
    System::new().block_on(async {
        tokio::time::pause();
        let (supervisor, mut failures) = Supervisor::new(registry.clone(), policy);
        let own = history.clone();
        let address = supervisor.start_on(&Arbiter::current(), ActorName::DbWriter, move |_| Fragile(own));
        let mut replies = Vec::new();
        for (number, &(panic, pause)) in schedule.iter().enumerate() {
            replies.push(address.send(Work(number, panic)));
            sleep(Duration::from_millis(pause)).await;
        }
        // Longer than all restart pauses together.
        sleep(Duration::from_secs(600)).await;

        let gave_up = failures.try_recv().is_ok();
        assert_eq!(registry.statuses()[0].phase == Phase::Failed, gave_up);
        assert_eq!(address.connected(), !gave_up, "the address stays valid until the supervisor gives up");
        let replies = futures_util::future::join_all(replies).await;
        let entries = history.0.lock().unwrap();
        let (panics, restarts) = (&entries.panics, &entries.restarts);
        assert_eq!(
            first_too_many(&policy, panics),
            gave_up.then(|| panics.len() - 1),
            "the supervisor gave up too early or too late"
        );
        assert_eq!(restarts.len(), panics.len() - usize::from(gave_up));
        for (panic, restart) in panics.iter().zip(restarts) {
            let pause = *restart - *panic;
            assert!(pause >= policy.first_pause.min(policy.longest_pause), "restarted too early, after {pause:?}");
            assert!(pause <= policy.longest_pause + TICK, "restarted too late, after {pause:?}");
        }
        assert!(entries.handled.is_sorted(), "messages overtook others: {:?}", entries.handled);
        for (number, (reply, (panic, _))) in replies.iter().zip(schedule).enumerate() {
            match reply {
                Ok(reply) => assert_eq!((*reply, *panic != Panic::InHandler), (number, true)),
                // Once the supervisor has given up, messages are no longer answered.
                Err(error) => assert!(*panic == Panic::InHandler || gave_up, "message {number} was lost: {error}"),
            }
        }
        let lost = replies.iter().filter(|reply| reply.is_err()).count();
        let fatal = schedule.iter().filter(|(panic, _)| *panic == Panic::InHandler).count();
        assert!(gave_up || lost == fatal, "{lost} messages were lost, but only {fatal} were fatal");
    });
}

proptest! {
    #[test]
    fn any_schedule_of_panics_follows_the_restart_policy(policy in policies(), schedule in schedules()) {
        std::panic::set_hook(Box::new(|_| {}));
        run_schedule(policy, &schedule);
    }
}
