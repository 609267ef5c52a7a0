use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Counts the operations of an actor that are in flight, and notifies them of a drain.
#[derive(Debug, Default)]
pub(crate) struct InFlightWork {
    operations: Cell<usize>,
    /// The deadline of a drain, once requested.
    deadline: Cell<Option<Instant>>,
    changed: Notify,
}

/// An operation in flight. Dropping it ends the operation, even during a panic.
#[derive(Debug)]
pub(crate) struct InFlight(Rc<InFlightWork>);

impl InFlightWork {
    /// Starts an operation.
    pub(crate) fn begin(self: &Rc<Self>) -> InFlight {
        self.operations.set(self.operations.get() + 1);
        InFlight(self.clone())
    }

    /// Requests the actor to drain by `deadline`.
    pub(crate) fn drain(&self, deadline: Instant) {
        self.deadline.set(Some(deadline));
        self.changed.notify_waiters();
    }

    /// Whether a drain was requested.
    pub(crate) fn is_draining(&self) -> bool {
        self.deadline.get().is_some()
    }

    /// Resolves once a drain is requested.
    pub(crate) async fn drain_requested(&self) {
        while !self.is_draining() {
            self.changed.notified().await;
        }
    }

    /// Resolves once the deadline of a drain has passed.
    pub(crate) async fn deadline_passed(&self) {
        self.drain_requested().await;
        if let Some(deadline) = self.deadline.get() {
            tokio::time::sleep_until(deadline).await;
        }
    }

    /// Resolves once no operation is in flight (`true`) or the deadline of a drain has passed (`false`).
    pub(crate) async fn idle(&self) -> bool {
        tokio::select! {
            biased;
            () = async { while self.operations.get() > 0 { self.changed.notified().await } } => true,
            () = self.deadline_passed() => false,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.operations.set(self.0.operations.get() - 1);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drain_ends_with_the_last_operation_or_at_its_deadline() {
        let work = Rc::new(InFlightWork::default());
        work.drain(Instant::now() + Duration::from_secs(5));
        assert!(work.idle().await, "nothing is in flight");

        let operation = work.begin();
        let ((), idle) = tokio::join!(
            async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(operation);
            },
            work.idle()
        );
        assert!(idle);

        let _stuck = work.begin();
        assert!(!work.idle().await);
    }
}
