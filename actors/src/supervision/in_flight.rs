use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::time::Instant;

/// What an actor has under way, and the request to finish it.
#[derive(Debug, Default)]
pub(crate) struct Work {
    under_way: Cell<usize>,
    deadline: Cell<Option<Instant>>,
    changed: Notify,
}

/// One piece of work: it is over when this is dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct InFlight(Rc<Work>);

impl Work {
    /// Begins a piece of work.
    pub(crate) fn begin(self: &Rc<Self>) -> InFlight {
        self.under_way.set(self.under_way.get() + 1);
        InFlight(self.clone())
    }

    /// Asks for an end until `deadline`.
    pub(crate) fn drain(&self, deadline: Instant) {
        self.deadline.set(Some(deadline));
        self.changed.notify_waiters();
    }

    /// Whether an end was asked for.
    pub(crate) fn draining(&self) -> bool {
        self.deadline.get().is_some()
    }

    /// Resolves once an end was asked for.
    pub(crate) async fn asked_to_drain(&self) {
        while !self.draining() {
            self.changed.notified().await;
        }
    }

    /// Resolves once an end was asked for and its deadline is over.
    pub(crate) async fn overdue(&self) {
        self.asked_to_drain().await;
        if let Some(deadline) = self.deadline.get() {
            tokio::time::sleep_until(deadline).await;
        }
    }

    /// Resolves once nothing is under way (`true`), or the deadline is over (`false`).
    pub(crate) async fn idle(&self) -> bool {
        tokio::select! {
            biased;
            () = async { while self.under_way.get() > 0 { self.changed.notified().await } } => true,
            () = self.overdue() => false,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn draining_ends_with_the_work_or_at_its_deadline() {
        let work = Rc::new(Work::default());
        work.drain(Instant::now() + Duration::from_secs(5));
        assert!(work.idle().await, "nothing is under way");

        let under_way = work.begin();
        let ((), idle) = tokio::join!(
            async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(under_way);
            },
            work.idle()
        );
        assert!(idle);

        let _stuck = work.begin();
        assert!(!work.idle().await);
    }
}
