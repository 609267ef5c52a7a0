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
struct Diary(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    handled: Vec<usize>,
    panics: Vec<Instant>,
    restarts: Vec<Instant>,
}

struct Fragile(Diary);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    None,
    /// Panics in the handler, so this message is lost.
    Now,
    /// Panics in a future of the actor, after the reply.
    Later,
}

#[derive(Message)]
#[rtype(result = "usize")]
struct Work(usize, Harm);

impl Actor for Fragile {
    type Context = Context<Self>;
}

impl Supervised for Fragile {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.0.0.lock().unwrap().restarts.push(Instant::now());
    }
}

impl Fragile {
    fn panic(diary: &Diary) -> ! {
        diary.0.lock().unwrap().panics.push(Instant::now());
        panic!("on request")
    }
}

impl Handler<Work> for Fragile {
    type Result = usize;

    fn handle(&mut self, Work(number, harm): Work, ctx: &mut Self::Context) -> usize {
        match harm {
            Harm::None => {}
            Harm::Now => Self::panic(&self.0),
            Harm::Later => {
                let diary = self.0.clone();
                ctx.spawn(async move { Self::panic(&diary) }.into_actor(self));
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
fn schedules() -> impl Strategy<Value = Vec<(Harm, u64)>> {
    let harm = prop_oneof![3 => Just(Harm::None), 1 => Just(Harm::Now), 1 => Just(Harm::Later)];
    let pause = prop_oneof![3 => Just(0), 2 => 1_u64..500, 1 => 500_u64..20_000];
    prop::collection::vec((harm, pause), 1..50)
}

/// Returns the index of the first panic that exceeds the limit of its window.
fn first_too_many(policy: &RestartPolicy, panics: &[Instant]) -> Option<usize> {
    (0..panics.len()).find(|&last| {
        let recent = panics[..=last].iter().filter(|&&at| panics[last] - at <= policy.window).count();
        recent > policy.max_restarts
    })
}

fn live_through(policy: RestartPolicy, schedule: &[(Harm, u64)]) {
    // Tokio's timers have a resolution of one millisecond.
    const TICK: Duration = Duration::from_millis(2);
    let (registry, diary) = (ActorRegistry::default(), Diary::default());
    System::new().block_on(async {
        tokio::time::pause();
        let (supervisor, mut failures) = Supervisor::new(registry.clone(), policy);
        let own = diary.clone();
        let address = supervisor.start_on(&Arbiter::current(), ActorName::DbWriter, move |_| Fragile(own));
        let mut answers = Vec::new();
        for (number, &(harm, pause)) in schedule.iter().enumerate() {
            answers.push(address.send(Work(number, harm)));
            sleep(Duration::from_millis(pause)).await;
        }
        // Longer than all restart pauses together.
        sleep(Duration::from_secs(600)).await;

        let gave_up = failures.try_recv().is_ok();
        assert_eq!(registry.statuses()[0].phase == Phase::Failed, gave_up);
        assert_eq!(address.connected(), !gave_up, "the address is the same until the end");
        let answers = futures_util::future::join_all(answers).await;
        let entries = diary.0.lock().unwrap();
        let (panics, restarts) = (&entries.panics, &entries.restarts);
        assert_eq!(
            first_too_many(&policy, panics),
            gave_up.then(|| panics.len() - 1),
            "it gave up too early or too late"
        );
        assert_eq!(restarts.len(), panics.len() - usize::from(gave_up));
        for (panic, restart) in panics.iter().zip(restarts) {
            let pause = *restart - *panic;
            assert!(pause >= policy.first_pause.min(policy.longest_pause), "restarted after {pause:?}: a storm");
            assert!(pause <= policy.longest_pause + TICK, "restarted after {pause:?} only");
        }
        assert!(entries.handled.is_sorted(), "messages overtook others: {:?}", entries.handled);
        for (number, (answer, (harm, _))) in answers.iter().zip(schedule).enumerate() {
            match answer {
                Ok(answer) => assert_eq!((*answer, *harm != Harm::Now), (number, true)),
                // Once the supervisor has given up, messages are no longer answered.
                Err(error) => assert!(*harm == Harm::Now || gave_up, "message {number} was lost: {error}"),
            }
        }
        let lost = answers.iter().filter(|answer| answer.is_err()).count();
        let fatal = schedule.iter().filter(|(harm, _)| *harm == Harm::Now).count();
        assert!(gave_up || lost == fatal, "{lost} messages were lost by {fatal} fatal ones");
    });
}

proptest! {
    #[test]
    fn whatever_panics_when(policy in policies(), schedule in schedules()) {
        std::panic::set_hook(Box::new(|_| {}));
        live_through(policy, &schedule);
    }
}
