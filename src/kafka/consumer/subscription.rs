use std::sync::Arc;
use std::time::Duration;

use actors::batch::LogId;
use actors::ports::{StartAt, Subscription, SubscriptionError, SubscriptionEvent};
use futures_util::StreamExt;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::{sleep, timeout};

use super::KafkaSubscription;
use crate::kafka::blocking::blocking;
use crate::kafka::client::subscription_error;
use crate::kafka::membership::Membership;
use crate::kafka::options::REQUEST_TIMEOUT;

impl Subscription for KafkaSubscription {
    async fn next(&self) -> Result<SubscriptionEvent, SubscriptionError> {
        self.replace_client();
        let client = self.client().await?;
        self.add_new_partitions(&client).await?;
        self.resume(&client)?;
        let event = self.assemble(&client).await?;
        Ok(self.hand_over(&client, event))
    }

    async fn hold(&self) -> Result<SubscriptionEvent, SubscriptionError> {
        self.replace_client();
        self.silence.end();
        let client = self.client().await?;
        if !self.held.get() {
            sleep(Self::PAUSE_AFTER).await;
            let list = client.list(&self.assembler.borrow().started());
            client.consumer.pause(&list).map_err(subscription_error)?;
            self.held.set(true);
        }
        let mut stream = client.consumer.stream();
        loop {
            self.note_rebalances(&client);
            let event = self.events.borrow_mut().pop_front();
            if let Some(event) = event {
                return Ok(self.hand_over(&client, event));
            }
            tokio::select! {
                next = stream.next() => match next {
                    // Fetched before the pause. Kept, because there are only a limited number of them.
                    Some(Ok(message)) => self.take(&client, &message).await?,
                    Some(Err(error)) => self.note_error(&client, &error)?,
                    None => {}
                },
                () = sleep(Duration::from_millis(100)) => {}
            }
        }
    }

    async fn start(&self, starts: &[(i32, StartAt)]) -> Result<Vec<(i32, i64)>, SubscriptionError> {
        self.silence.end();
        let client = self.client().await?;
        let starts: Vec<_> = starts.iter().copied().filter(|(p, _)| self.assembler.borrow().owns(*p)).collect();
        if starts.is_empty() {
            return Ok(Vec::new());
        }
        let offsets = client.offsets(&starts).await?;
        client.seek(offsets.clone(), |partition| self.assembler.borrow().owns(partition)).await?;
        let mut started = Vec::with_capacity(starts.len());
        let mut begun = Vec::with_capacity(starts.len());
        for (partition, at) in starts {
            if self.assembler.borrow().owns(partition) {
                self.assembler.borrow_mut().start(partition, at, self.cluster.is_embedded());
                started.push(partition);
                let offset = match offsets.get(&partition) {
                    Some(&Offset::Offset(offset)) => offset,
                    _ => 0,
                };
                self.ends.start(partition, offset);
                begun.push((partition, offset));
            }
        }
        client.consumer.resume(&client.list(&started)).map_err(subscription_error)?;
        Ok(begun)
    }

    fn reset(&self) {
        let mut assembler = self.assembler.borrow_mut();
        assembler.stop_all();
        let mut events = self.events.borrow_mut();
        events.clear();
        let owned = assembler.owned();
        if let Some(client) = self.client.borrow().as_ref()
            && !owned.is_empty()
        {
            if let Err(error) = client.consumer.pause(&client.list(&owned)) {
                log::warn!(error:%; "failed to pause the partitions");
            }
            events.push_back(SubscriptionEvent::Assigned(owned));
        }
    }

    fn commit(&self, next_offsets: &[(i32, i64)]) {
        let client = self.client.borrow();
        let Some(client) = client.as_ref().filter(|_| self.membership != Membership::Everything) else { return };
        let mut list = TopicPartitionList::with_capacity(next_offsets.len());
        let added = next_offsets.iter().try_for_each(|&(partition, offset)| {
            list.add_partition_offset(&client.log.topic, partition, Offset::Offset(offset))
        });
        if let Err(error) = added.and_then(|()| client.consumer.commit(&list, CommitMode::Async)) {
            log::debug!(error:%; "failed to commit offsets; the database has them");
        }
    }

    async fn end_offsets(&self) -> Result<Vec<(i32, i64)>, SubscriptionError> {
        let client = self.client().await?;
        let (owned, topic) = (self.assembler.borrow().owned(), self.topic.clone());
        // Read before the request, because the position may move past the result while the request is in flight.
        let (reached, read_to_end) = (self.assembler.borrow().reached(), self.ends.read_to_end());
        let handle = client.clone();
        let ends = blocking(move || {
            let end = |partition| {
                let (_, end) = handle.consumer.fetch_watermarks(&topic, partition, REQUEST_TIMEOUT)?;
                Ok((partition, end))
            };
            owned.into_iter().map(end).collect::<Result<Vec<_>, _>>()
        })
        .await;
        let mut ends = ends.map_err(|error| client.failed("failed to fetch the end offsets", &error))?;
        self.ends.correct(&read_to_end, &reached, &mut ends);
        if self.silence.is_suspicious(&reached, &ends) {
            log::warn!("Kafka has records that this consumer does not receive; replacing the consumer");
            self.must_replace.set(true);
        }
        Ok(ends)
    }

    async fn close(&self) {
        let Some(client) = self.client.take() else { return };
        let closed = async {
            // A request in flight still holds a reference to the client.
            while Arc::strong_count(&client) > 1 {
                sleep(Duration::from_millis(5)).await;
            }
            // Leaving the group blocks until the broker answers.
            tokio::task::spawn_blocking(move || drop(client)).await
        };
        if timeout(Self::CLOSE_TIMEOUT, closed).await.is_err() {
            log::warn!("failed to leave the consumer group in time");
        }
    }

    fn log(&self) -> LogId {
        match self.client.borrow().as_ref() {
            Some(client) => client.log.clone(),
            None => LogId { cluster: "".into(), topic: self.topic.clone() },
        }
    }
}
