mod subscription;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actors::batch::LogId;
use actors::ports::{StartAt, Subscription, SubscriptionError, SubscriptionEvent};
use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset};
use tokio::time::{Instant, sleep};

use super::alerts::{GroupShare, SharedGroup};
use super::batch_assembler::{BatchAssembler, Record, ResumePoint, TakeOutcome};
use super::blocking::blocking;
use super::client::{Client, subscription_error};
use super::cluster::KafkaCluster;
use super::codec::{self, DecodeRecord};
use super::end_watch::EndWatch;
use super::membership::Membership;
use super::options::REQUEST_TIMEOUT;
use super::silence::SilenceWatch;
use super::topics::partitions_of;

/// Subscribes to `kafka.topic_raw`, `kafka.topic_polls` or `kafka.topic_alerts`.
pub struct KafkaSubscription {
    cluster: KafkaCluster,
    topic: Arc<str>,
    decode: DecodeRecord,
    membership: Membership,
    /// Connects the subscription with transactions that commit its offsets.
    group: Option<Arc<GroupShare>>,
    client: RefCell<Option<Arc<Client>>>,
    assembler: RefCell<BatchAssembler>,
    /// Reported by the client, but not returned yet.
    events: RefCell<VecDeque<SubscriptionEvent>>,
    held: Cell<bool>,
    failed: Cell<Option<Instant>>,
    partitions_checked_at: Cell<Option<Instant>>,
    /// Set if the client has to be replaced: its topic was deleted, or it receives nothing although there are records.
    must_replace: Cell<bool>,
    silence: SilenceWatch,
    ends: EndWatch,
}

impl KafkaSubscription {
    /// The partitions are paused if no batch was requested for this long. Pausing earlier would discard prefetched
    /// records for nothing.
    const PAUSE_AFTER: Duration = Duration::from_secs(1);
    /// How often a subscription to [`Membership::Everything`] checks for added partitions.
    const PARTITION_CHECK_INTERVAL: Duration = Duration::from_secs(30);
    const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
    /// While brokers are unavailable, librdkafka queues dozens of errors ahead of the next records. Errors that follow
    /// a reported one within this time are redundant; a caller that backed off at each of them would lag far behind.
    const REPEATED_FAILURE_WINDOW: Duration = Duration::from_secs(5);

    /// Creates a subscription to the state vectors, which connects on the first `next`.
    pub fn new(cluster: KafkaCluster, membership: Membership) -> Self {
        let topic = cluster.options().topic_raw.clone();
        Self::of(cluster, topic, codec::decode_state_record, membership)
    }

    /// Creates a subscription to the state vectors whose offsets are committed by transactions.
    pub fn with_transactions(cluster: KafkaCluster, membership: Membership, group: &SharedGroup) -> Self {
        Self { group: Some(group.0.clone()), ..Self::new(cluster, membership) }
    }

    /// Creates a subscription to the records of polls, on this topic.
    pub fn to_polls(cluster: KafkaCluster, topic: Arc<str>, membership: Membership) -> Self {
        Self::of(cluster, topic, codec::decode_poll_record, membership)
    }

    /// Creates a subscription to all alerts, on this topic, from which the active ones follow.
    pub fn to_alerts(cluster: KafkaCluster, topic: Arc<str>) -> Self {
        Self::of(cluster, topic, codec::decode_alert_record, Membership::Everything).compacted()
    }

    /// Creates a subscription to the alerts on this topic that are to be stored.
    pub fn to_alert_history(cluster: KafkaCluster, topic: Arc<str>, membership: Membership) -> Self {
        Self::of(cluster, topic, codec::decode_alert_history_record, membership).compacted()
    }

    /// Reads a topic that is compacted or written by transactions, whose offsets have gaps.
    fn compacted(self) -> Self {
        Self { assembler: RefCell::new(BatchAssembler::of_compacted()), ..self }
    }

    fn of(cluster: KafkaCluster, topic: Arc<str>, decode: DecodeRecord, membership: Membership) -> Self {
        Self {
            cluster,
            topic,
            decode,
            membership,
            group: None,
            client: RefCell::new(None),
            assembler: RefCell::default(),
            events: RefCell::default(),
            held: Cell::new(false),
            failed: Cell::new(None),
            partitions_checked_at: Cell::new(None),
            must_replace: Cell::new(false),
            silence: SilenceWatch::default(),
            ends: EndWatch::default(),
        }
    }

    async fn client(&self) -> Result<Arc<Client>, SubscriptionError> {
        if let Some(client) = self.client.borrow().as_ref() {
            return Ok(client.clone());
        }
        let reached = self.cluster.reached().await.map_err(subscription_error)?;
        // Another call may have created the client in the meantime.
        let mut known = self.client.borrow_mut();
        if let Some(client) = known.as_ref() {
            return Ok(client.clone());
        }
        let client = Arc::new(Client::new(&self.cluster, &reached, self.topic.clone(), self.membership)?);
        if let Some(group) = &self.group {
            group.set_client(&client);
        }
        *known = Some(client.clone());
        Ok(client)
    }

    /// Notes the generation of the group that belongs to an event which is about to be returned. If others follow it,
    /// it is outdated already.
    fn hand_over(&self, client: &Client, event: SubscriptionEvent) -> SubscriptionEvent {
        if let (Some(group), false) = (&self.group, matches!(event, SubscriptionEvent::Batch(_))) {
            let rebalances = client.consumer.context();
            let is_last = self.events.borrow().is_empty() && rebalances.is_empty();
            group.set_generation(rebalances.generation().filter(|_| is_last));
        }
        event
    }

    /// Drops the client and its partitions after the topic was deleted. librdkafka would not recognise a topic that is
    /// recreated under the same name: the leader epoch starts at 0 again, and librdkafka ignores every epoch below the
    /// last one it saw (librdkafka issue 4898), so it would wait forever.
    fn replace_client(&self) {
        if !self.must_replace.replace(false) {
            return;
        }
        if let Some(group) = &self.group {
            group.set_generation(None);
        }
        if let Some(client) = self.client.take() {
            // Dropping the client blocks until the broker answers.
            tokio::task::spawn_blocking(move || drop(client));
        }
        let mut assembler = self.assembler.borrow_mut();
        assembler.stop_all();
        let owned = assembler.owned();
        assembler.disown(&owned);
        let mut events = self.events.borrow_mut();
        events.clear();
        events.push_back(SubscriptionEvent::Revoked(owned));
        self.held.set(false);
        self.partitions_checked_at.set(None);
        self.silence.end();
    }

    /// Takes ownership of partitions that were added to the topic.
    async fn add_new_partitions(&self, client: &Arc<Client>) -> Result<(), SubscriptionError> {
        let due = self.partitions_checked_at.get().is_none_or(|at| at.elapsed() >= Self::PARTITION_CHECK_INTERVAL);
        if self.membership != Membership::Everything || !due {
            return Ok(());
        }
        let (handle, topic) = (client.clone(), self.topic.clone());
        let partitions = blocking(move || partitions_of(handle.consumer.client(), &topic, REQUEST_TIMEOUT)).await;
        let partitions = partitions.map_err(|error| client.failed("failed to fetch the partitions", &error))?;
        let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
        let added: Vec<_> = (0..count).filter(|&partition| !self.assembler.borrow().owns(partition)).collect();
        if !added.is_empty() {
            let mut list = client.list(&added);
            list.set_all_offsets(Offset::Beginning).map_err(subscription_error)?;
            client.consumer.incremental_assign(&list).map_err(subscription_error)?;
            client.consumer.pause(&list).map_err(subscription_error)?;
            self.assembler.borrow_mut().own(&added);
            self.events.borrow_mut().push_back(SubscriptionEvent::Assigned(added));
        }
        self.partitions_checked_at.set(Some(Instant::now()));
        Ok(())
    }

    /// Applies the rebalances that the callback reported.
    fn note_rebalances(&self, client: &Client) {
        for event in client.consumer.context().take() {
            match &event {
                SubscriptionEvent::Assigned(partitions) => self.assembler.borrow_mut().own(partitions),
                SubscriptionEvent::Revoked(partitions) => self.assembler.borrow_mut().disown(partitions),
                SubscriptionEvent::Batch(_) => {}
            }
            self.events.borrow_mut().push_back(event);
        }
    }

    /// Assembles the available records, or waits for the next one. Returns on an event, a batch or an error.
    async fn assemble(&self, client: &Arc<Client>) -> Result<SubscriptionEvent, SubscriptionError> {
        let mut stream = client.consumer.stream();
        loop {
            if let Some(event) = self.events.borrow_mut().pop_front() {
                self.silence.end();
                return Ok(event);
            }
            if self.assembler.borrow().is_full() {
                return Ok(SubscriptionEvent::Batch(self.assembler.borrow_mut().finish(&client.log)));
            }
            let next = match stream.next().now_or_never() {
                Some(next) => next,
                None => {
                    self.note_rebalances(client);
                    if !self.events.borrow().is_empty() {
                        continue;
                    }
                    if !self.assembler.borrow().is_empty() {
                        return Ok(SubscriptionEvent::Batch(self.assembler.borrow_mut().finish(&client.log)));
                    }
                    tokio::select! {
                        next = stream.next() => next,
                        // A rebalance without a message does not wake the stream.
                        () = sleep(Duration::from_millis(100)) => {
                            self.silence.begin();
                            self.add_new_partitions(client).await?;
                            None
                        }
                    }
                }
            };
            self.note_rebalances(client);
            match next {
                Some(Ok(message)) => self.take(client, &message).await?,
                Some(Err(error)) => self.note_error(client, &error)?,
                None => {}
            }
        }
    }

    async fn take(&self, client: &Arc<Client>, message: &BorrowedMessage<'_>) -> Result<(), SubscriptionError> {
        self.silence.end();
        self.ends.received(message.partition());
        let record = Record {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis().unwrap_or_default(),
            key: message.key(),
            value: message.payload(),
        };
        let taken = self.assembler.borrow_mut().take(&client.log, record, self.decode);
        match taken {
            TakeOutcome::Accepted => Ok(()),
            TakeOutcome::OtherLog => self.start_over(&client.log, record.partition).await,
            TakeOutcome::Unverified(place) => self.verify(client, record.partition, place).await,
        }
    }

    async fn start_over(&self, log: &LogId, partition: i32) -> Result<(), SubscriptionError> {
        log::error!(topic:% = log.topic, partition; "topic was recreated; re-reading from the beginning");
        self.start(&[(partition, StartAt::Beginning)]).await.map(drop)
    }

    /// Asks Kafka whether the expected record still exists, then either seeks to it again or continues after the gap.
    async fn verify(&self, client: &Arc<Client>, partition: i32, place: ResumePoint) -> Result<(), SubscriptionError> {
        let (handle, topic) = (client.clone(), client.log.topic.clone());
        let watermarks = blocking(move || handle.consumer.fetch_watermarks(&topic, partition, REQUEST_TIMEOUT)).await;
        let (low, high) = watermarks.map_err(|error| client.failed("failed to fetch the watermarks", &error))?;
        if high < place.next_offset {
            return self.start_over(&client.log, partition).await;
        }
        let gone = low >= place.next_offset;
        let offset = if gone { low } else { place.next_offset - 1 };
        client.seek(BTreeMap::from([(partition, Offset::Offset(offset))]), |_| true).await?;
        let mut assembler = self.assembler.borrow_mut();
        if gone {
            assembler.expect(partition, place);
        } else {
            assembler.check_again(partition, place);
        }
        Ok(())
    }

    fn note_error(&self, client: &Client, error: &KafkaError) -> Result<(), SubscriptionError> {
        if let KafkaError::PartitionEOF(partition) = error {
            self.ends.at_end(*partition);
            return Ok(());
        }
        match error.rdkafka_error_code() {
            // librdkafka continues as set by `auto.offset.reset`; the offsets of the next records reveal the gap.
            Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset) => {
                log::warn!(error:%; "offset out of range; continuing at the oldest record");
                Ok(())
            }
            Some(
                RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopicOrPartition,
            ) => {
                self.must_replace.set(true);
                Err(client.failed("failed to read", error))
            }
            _ if self.failed.get().is_some_and(|at| at.elapsed() < Self::REPEATED_FAILURE_WINDOW) => {
                log::debug!(error:%; "repeated failure, not reported");
                Ok(())
            }
            _ => {
                self.failed.set(Some(Instant::now()));
                Err(match self.membership {
                    Membership::Everything => client.failed("failed to read", error),
                    Membership::Group { suffix } => {
                        let group = &self.cluster.options().group_id;
                        client.failed(&format!("failed to read as a member of group {group}{suffix}"), error)
                    }
                })
            }
        }
    }

    fn resume(&self, client: &Client) -> Result<(), SubscriptionError> {
        if self.held.replace(false) {
            let list = client.list(&self.assembler.borrow().started());
            client.consumer.resume(&list).map_err(subscription_error)?;
        }
        Ok(())
    }
}
