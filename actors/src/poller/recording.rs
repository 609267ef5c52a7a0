use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;

use super::actor::Poller;
use super::ledger::{EndedPoll, Ledger};
use super::poll_sums::PollSums;
use crate::domain::{PollOutcome, PollRecord, UnixMillis};
use crate::messages::PublishPolls;
use crate::metrics::count;

impl Poller {
    /// Records a poll. The next one was scheduled before.
    pub(super) fn record_poll(&mut self, poll: EndedPoll, ctx: &mut Context<Self>) {
        let pause = self.due.saturating_duration_since(Instant::now());
        // A poll holds until the next one would have been due, even if polling ends.
        let record = self.ledger.record(poll, self.source.cadence().pause, UnixMillis::now().plus(pause));
        let continues = !self.is_paused() && !self.work.is_draining();
        let complete = self.ledger.sums.add(record, continues && pause < PollSums::FREQUENT);
        self.send_records(complete, ctx);
    }

    /// Records that polling is paused, and that it still is at intervals. Returns the timer.
    pub(super) fn record_pause(&mut self, ctx: &mut Context<Self>) -> SpawnHandle {
        let paused = EndedPoll::without_response(PollOutcome::Paused, UnixMillis::now(), Duration::ZERO);
        let next = UnixMillis::now().plus(Ledger::PAUSED_INTERVAL);
        let record = self.ledger.record(paused, self.source.cadence().pause, next);
        let complete = self.ledger.sums.add(record, false);
        self.send_records(complete, ctx);
        ctx.run_later(Ledger::PAUSED_INTERVAL, |poller, ctx| {
            if poller.is_paused() && !poller.work.is_draining() {
                poller.wait(ctx);
            }
        })
    }

    /// Sends the polls that wait to be summed up.
    pub(super) fn finish_records(&mut self, ctx: &mut Context<Self>) {
        let left = self.ledger.sums.finish();
        self.send_records(left, ctx);
    }

    /// Sends records to the KafkaProducer, after those that wait.
    pub(super) fn send_records(&mut self, records: impl IntoIterator<Item = PollRecord>, ctx: &mut Context<Self>) {
        let dropped = self.ledger.queue.push(records);
        if dropped > 0 {
            count(&self.metrics.poll_records, "dropped", dropped as u64);
        }
        let records = self.ledger.queue.take();
        if records.is_empty() {
            return;
        }
        let (producer, operation) = (self.ledger.settings.producer.clone(), self.work.begin());
        let send = async move { producer.send(PublishPolls(records)).await };
        ctx.spawn(send.into_actor(self).map(move |sent, poller, ctx| {
            if sent.is_ok() {
                poller.ledger.queue.delivered();
                poller.send_records(None, ctx);
                drop(operation);
                return;
            }
            let everything: Vec<_> = (0..poller.ledger.queue.len()).collect();
            let (_, pause) = poller.ledger.queue.failed(&everything);
            let work = poller.work.clone();
            let wait = async move {
                tokio::select! {
                    () = tokio::time::sleep(pause) => true,
                    () = work.deadline_passed() => false,
                }
            };
            ctx.spawn(wait.into_actor(poller).map(move |in_time, poller, ctx| {
                if in_time {
                    poller.ledger.queue.resume();
                    poller.send_records(None, ctx);
                }
                drop(operation);
            }));
        }));
    }
}
