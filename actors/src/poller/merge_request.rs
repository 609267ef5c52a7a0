use std::rc::Rc;

use actix::Recipient;

use crate::messages::{MergeStates, Merged};
use crate::supervision::Vitals;
use crate::supervision::backoff::Backoff;
use crate::supervision::in_flight::InFlightWork;

/// Passes a snapshot to the Merger, and retries until the Merger accepts it, since it may be restarting.
pub(super) async fn send_with_retries(
    merge: MergeStates,
    merger: Recipient<MergeStates>,
    work: Rc<InFlightWork>,
    vitals: Vitals,
) -> Option<Merged> {
    let mut backoff = Backoff::for_service();
    loop {
        match merger.send(merge.clone()).await {
            Ok(merged) => return merged.ok(),
            Err(error) => {
                log::warn!(
                    actor = vitals.name(), states = merge.snapshot.states.len();
                    "the Merger did not accept the states, retrying: {error}"
                );
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = work.deadline_passed() => return None,
        }
    }
}
