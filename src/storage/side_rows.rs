use actors::batch::{Batch, SideRecord};
use actors::detect::Alert;
use actors::domain::PollRecord;
use actors::ports::StoreError;

/// The records of a batch that are not state vectors, in the parts that passed.
#[derive(Debug)]
pub(super) struct SideRows<'a> {
    pub(super) polls: Vec<&'a PollRecord>,
    pub(super) alerts: Vec<&'a Alert>,
}

impl<'a> SideRows<'a> {
    /// Selects the records of the parts for which `passed` is set.
    pub(super) fn of(batch: &'a Batch, passed: &[bool]) -> Self {
        let parts = || batch.parts.iter().zip(passed).filter(|(_, passed)| **passed).map(|(part, _)| part);
        Self {
            polls: parts().flat_map(|part| &part.polls).collect(),
            alerts: parts().flat_map(|part| &part.alerts).collect(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.polls.len() + self.alerts.len()
    }
}

/// Returns the error for a record of polls that the database rejects.
pub(super) fn rejected_poll(poll: &PollRecord, reason: String) -> StoreError {
    StoreError::RejectedRecord { record: Box::new(SideRecord::Poll(poll.clone())), reason }
}

/// Returns the error for an alert that the database rejects.
pub(super) fn rejected_alert(alert: &Alert, reason: String) -> StoreError {
    StoreError::RejectedRecord { record: Box::new(SideRecord::Alert(alert.clone())), reason }
}
