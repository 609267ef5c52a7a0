use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use actix::dev::ContextFut;
use actix::prelude::*;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::restart_policy::{RestartDecision, RestartHistory, RestartPolicy};
use super::status::Phase;
use super::vitals::Vitals;

/// How a guarded actor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The actor stopped, or its last address was dropped.
    Finished,
    /// The actor panicked too often.
    GaveUp(String),
}

/// Runs an actor until it ends. After a panic, in a handler or in one of the actor's futures, it restarts the actor on
/// the same address with the queued messages. The message that caused the panic and the actor's futures and timers are
/// lost.
///
/// A notification of `requests` restarts the actor in the same way, but immediately and without counting as a failure.
pub(super) async fn guard<A>(
    mut context: ContextFut<A, Context<A>>,
    policy: RestartPolicy,
    vitals: Vitals,
    requests: Arc<Notify>,
) -> Ending
where
    A: Actor<Context = Context<A>> + Supervised,
{
    let mut history = RestartHistory::default();
    let mut progress = None;
    loop {
        let result = tokio::select! {
            biased;
            // The actor is not being polled here, so no handler is interrupted.
            () = requests.notified() => {
                log::warn!(actor = vitals.name(); "restart requested by operator");
                vitals.phase(Phase::Restarting);
                if restart(&mut context, &vitals) {
                    continue;
                }
                return Ending::Finished;
            }
            result = run_until_exit(&mut context) => result,
        };
        let Err(cause) = result else {
            vitals.phase(Phase::Finished);
            return Ending::Finished;
        };
        vitals.error(format!("panicked: {cause}"));
        let before = std::mem::replace(&mut progress, vitals.status().last_progress);
        match history.after_failure(&policy, progress != before, Instant::now()) {
            RestartDecision::RestartAfter(pause) => {
                log::error!(actor = vitals.name(), pause:? = pause; "panicked (restarting after a pause): {cause}");
                vitals.phase(Phase::Restarting);
                sleep(pause).await;
                if !restart(&mut context, &vitals) {
                    return Ending::Finished;
                }
            }
            RestartDecision::GiveUp => {
                vitals.phase(Phase::Failed);
                // Dropping the context polls the actor once more.
                if catch_unwind(AssertUnwindSafe(|| drop(context))).is_err() {
                    log::error!(actor = vitals.name(); "panicked while being dropped");
                }
                return Ending::GaveUp(cause);
            }
        }
    }
}

/// Restarts the actor on its address. Returns `false` if its last address was dropped.
fn restart<A>(context: &mut ContextFut<A, Context<A>>, vitals: &Vitals) -> bool
where
    A: Actor<Context = Context<A>> + Supervised,
{
    // `restarting` is implemented by the actor and may panic, too.
    match catch_unwind(AssertUnwindSafe(|| context.restart())) {
        Ok(true) => vitals.restarted(),
        Ok(false) => {
            vitals.phase(Phase::Finished);
            return false;
        }
        Err(panic) => log::error!(actor = vitals.name(); "panicked while restarting: {}", message(&panic)),
    }
    true
}

/// Polls the actor until it ends (`Ok`) or panics (`Err` with the panic's message).
async fn run_until_exit<F: Future<Output = ()> + Unpin>(context: &mut F) -> Result<(), String> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut *context).poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(panic) => Poll::Ready(Err(message(&panic))),
    })
    .await
}

fn message(panic: &Box<dyn Any + Send>) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "panic without a message".to_owned(),
    }
}
