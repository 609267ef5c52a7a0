use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actors::batch::DeadLetter;
use actors::domain::UnixTime;
use actors::ports::{AlertQueue, Publisher, QueueEvent, QueuedAlert, StartAt, SubscriptionError, SubscriptionEvent};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use tokio::time::{Instant, sleep, timeout};

use super::blocking::blocking;
use super::client::{Client, subscription_error};
use super::cluster::KafkaCluster;
use super::membership::Membership;
use super::options::REQUEST_TIMEOUT;
use super::producer::KafkaPublisher;

/// Reads `kafka.topic_alerts` as a member of the consumer group of an endpoint, from the group's committed offsets.
///
/// A partition for which the group has committed nothing starts with the alerts that were published since this process
/// started: a new endpoint does not receive old alerts, and a partition that was added to the topic is read from its
/// beginning. With the embedded broker, everything is newer than the process.
pub struct KafkaAlertQueue {
    cluster: KafkaCluster,
    topic: Arc<str>,
    membership: Membership,
    /// When the process started.
    since: UnixTime,
    publisher: KafkaPublisher,
    client: RefCell<Option<Arc<Client>>>,
    owned: Rc<RefCell<BTreeSet<i32>>>,
    /// Assigned partitions that are not started yet.
    assigned: RefCell<BTreeSet<i32>>,
    /// Starts assigned partitions. Kept here, because `next` can be cancelled at any time.
    starting: RefCell<Option<LocalBoxFuture<'static, Started>>>,
    /// Reported by the client, but not returned yet.
    events: RefCell<VecDeque<QueueEvent>>,
    /// The offsets that were committed last, for the end.
    committed: RefCell<BTreeMap<i32, i64>>,
    failed: Cell<Option<Instant>>,
    must_replace: Cell<bool>,
}

/// The partitions that were to be started, and whether they were.
type Started = (Vec<i32>, Result<(), SubscriptionError>);

impl KafkaAlertQueue {
    const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
    /// Errors that follow a reported one within this time are redundant.
    const REPEATED_FAILURE_WINDOW: Duration = Duration::from_secs(5);

    /// Creates a queue, which joins the group with the first call of `next`.
    pub fn new(cluster: KafkaCluster, topic: Arc<str>, membership: Membership, since: UnixTime) -> Self {
        Self {
            publisher: KafkaPublisher::new(cluster.clone()),
            cluster,
            topic,
            membership,
            since,
            client: RefCell::default(),
            owned: Rc::default(),
            assigned: RefCell::default(),
            starting: RefCell::default(),
            events: RefCell::default(),
            committed: RefCell::default(),
            failed: Cell::default(),
            must_replace: Cell::default(),
        }
    }

    async fn client(&self) -> Result<Arc<Client>, SubscriptionError> {
        if self.must_replace.replace(false) {
            self.reset();
        }
        if let Some(client) = self.client.borrow().as_ref() {
            return Ok(client.clone());
        }
        let reached = self.cluster.reached().await.map_err(subscription_error)?;
        let client = Arc::new(Client::new(&self.cluster, &reached, self.topic.clone(), self.membership)?);
        Ok(self.client.borrow_mut().get_or_insert(client).clone())
    }

    /// Applies the rebalances that the callback reported.
    fn note_rebalances(&self, client: &Client) {
        for event in client.consumer.context().take() {
            match event {
                SubscriptionEvent::Assigned(partitions) => {
                    self.owned.borrow_mut().extend(&partitions);
                    self.assigned.borrow_mut().extend(partitions);
                }
                SubscriptionEvent::Revoked(partitions) => self.disown(&partitions),
                SubscriptionEvent::Batch(_) => {}
            }
        }
    }

    fn disown(&self, partitions: &[i32]) {
        for partition in partitions {
            self.owned.borrow_mut().remove(partition);
            self.assigned.borrow_mut().remove(partition);
            self.committed.borrow_mut().remove(partition);
        }
        self.events.borrow_mut().push_back(QueueEvent::Revoked(partitions.to_vec()));
    }

    /// Starts the assigned partitions, one assignment after another.
    async fn start_assigned(&self, client: &Arc<Client>) -> Result<(), SubscriptionError> {
        if self.starting.borrow().is_none() {
            let partitions: Vec<_> = std::mem::take(&mut *self.assigned.borrow_mut()).into_iter().collect();
            if partitions.is_empty() {
                return Ok(());
            }
            let (client, owned, since) = (client.clone(), self.owned.clone(), self.since);
            let start = async move {
                let started = start(&client, &partitions, &owned, since).await;
                (partitions, started)
            };
            *self.starting.borrow_mut() = Some(start.boxed_local());
        }
        let (partitions, result) = poll_fn(|cx| match self.starting.borrow_mut().as_mut() {
            Some(starting) => starting.poll_unpin(cx),
            None => std::task::Poll::Ready((Vec::new(), Ok(()))),
        })
        .await;
        self.starting.take();
        let still_owned = |partition: &i32| self.owned.borrow().contains(partition);
        let partitions: Vec<_> = partitions.into_iter().filter(still_owned).collect();
        match result {
            Ok(()) => {
                self.events.borrow_mut().push_back(QueueEvent::Assigned(partitions));
                Ok(())
            }
            Err(error) => {
                self.assigned.borrow_mut().extend(partitions);
                Err(error)
            }
        }
    }

    fn read(&self, message: &BorrowedMessage<'_>) -> Option<QueueEvent> {
        let partition = message.partition();
        self.owned.borrow().contains(&partition).then(|| {
            QueueEvent::Record(QueuedAlert {
                topic: self.topic.clone(),
                partition,
                offset: message.offset(),
                timestamp: message.timestamp().to_millis().unwrap_or_default(),
                key: message.key().map(Bytes::copy_from_slice),
                value: message.payload().map(Bytes::copy_from_slice),
            })
        })
    }

    fn note_error(&self, client: &Client, error: &KafkaError) -> Result<(), SubscriptionError> {
        use RDKafkaErrorCode::{AutoOffsetReset, OffsetOutOfRange};
        use RDKafkaErrorCode::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
        if matches!(error, KafkaError::PartitionEOF(_)) {
            return Ok(());
        }
        match error.rdkafka_error_code() {
            Some(OffsetOutOfRange | AutoOffsetReset) => {
                log::warn!(error:%; "alerts were deleted before they were delivered; continuing at the oldest one");
                Ok(())
            }
            Some(UnknownTopic | UnknownPartition | UnknownTopicOrPartition) => {
                self.must_replace.set(true);
                Err(client.failed("failed to read", error))
            }
            _ if self.failed.get().is_some_and(|at| at.elapsed() < Self::REPEATED_FAILURE_WINDOW) => Ok(()),
            _ => {
                self.failed.set(Some(Instant::now()));
                Err(client.failed("failed to read as a member of the endpoint's group", error))
            }
        }
    }
}

/// Finds where to start these partitions, commits that for those that have no committed offset, and starts them.
async fn start(
    client: &Arc<Client>,
    partitions: &[i32],
    owned: &RefCell<BTreeSet<i32>>,
    since: UnixTime,
) -> Result<(), SubscriptionError> {
    let (handle, list) = (client.clone(), client.list(partitions));
    let committed = blocking(move || handle.consumer.committed_offsets(list, REQUEST_TIMEOUT)).await;
    let committed = committed.map_err(|error| client.failed("failed to fetch the committed offsets", &error))?;
    let mut offsets = BTreeMap::new();
    let mut new = Vec::new();
    for element in committed.elements() {
        match element.offset() {
            Offset::Offset(offset) => drop(offsets.insert(element.partition(), Offset::Offset(offset))),
            _ => new.push((element.partition(), StartAt::Time(since))),
        }
    }
    if !new.is_empty() {
        let found = client.offsets(&new).await?;
        let mut list = TopicPartitionList::new();
        for (&partition, &offset) in &found {
            if matches!(offset, Offset::Offset(_)) {
                list.add_partition_offset(&client.log.topic, partition, offset).map_err(subscription_error)?;
            }
        }
        // Otherwise, an endpoint without a first alert would skip those that arrive while the process is restarted.
        if list.count() > 0 {
            let handle = client.clone();
            let done = blocking(move || handle.consumer.commit(&list, CommitMode::Sync)).await;
            done.map_err(|error| client.failed("failed to commit the first offsets", &error))?;
        }
        offsets.extend(found);
    }
    client.seek(offsets, |partition| owned.borrow().contains(&partition)).await?;
    let owned: Vec<_> = partitions.iter().copied().filter(|partition| owned.borrow().contains(partition)).collect();
    client.consumer.resume(&client.list(&owned)).map_err(subscription_error)
}

impl AlertQueue for KafkaAlertQueue {
    async fn next(&self) -> Result<QueueEvent, SubscriptionError> {
        loop {
            let client = self.client().await?;
            self.note_rebalances(&client);
            if let Some(event) = self.events.borrow_mut().pop_front() {
                return Ok(event);
            }
            self.start_assigned(&client).await?;
            if !self.events.borrow().is_empty() {
                continue;
            }
            let mut stream = client.consumer.stream();
            tokio::select! {
                next = stream.next() => match next {
                    Some(Ok(message)) => {
                        // The record may belong to a partition that was revoked a moment ago.
                        self.note_rebalances(&client);
                        if let Some(record) = self.read(&message) {
                            self.events.borrow_mut().push_back(record);
                        }
                    }
                    Some(Err(error)) => self.note_error(&client, &error)?,
                    None => {}
                },
                // A rebalance without a message does not wake the stream.
                () = sleep(Duration::from_millis(100)) => {}
            }
        }
    }

    fn set_paused(&self, partition: i32, paused: bool) -> Result<(), SubscriptionError> {
        let client = self.client.borrow().clone().ok_or_else(|| subscription_error("not connected"))?;
        let list = client.list(&[partition]);
        let done = if paused { client.consumer.pause(&list) } else { client.consumer.resume(&list) };
        done.map_err(subscription_error)
    }

    fn commit(&self, partition: i32, next_offset: i64) {
        let Some(client) = self.client.borrow().clone() else { return };
        self.committed.borrow_mut().insert(partition, next_offset);
        let mut list = TopicPartitionList::with_capacity(1);
        let done = list
            .add_partition_offset(&self.topic, partition, Offset::Offset(next_offset))
            .and_then(|()| client.consumer.commit(&list, CommitMode::Async));
        if let Err(error) = done {
            log::warn!(topic:% = self.topic, partition, error:%; "failed to commit a delivered alert");
        }
    }

    async fn publish_dead_letter(&self, letter: DeadLetter) -> Result<(), SubscriptionError> {
        let published = self.publisher.publish_dead_letters(&[letter]).await;
        published.map_err(|error| subscription_error(error.reason))
    }

    fn reset(&self) {
        self.starting.take();
        self.events.borrow_mut().clear();
        self.assigned.borrow_mut().clear();
        self.committed.borrow_mut().clear();
        let owned: Vec<_> = std::mem::take(&mut *self.owned.borrow_mut()).into_iter().collect();
        self.events.borrow_mut().push_back(QueueEvent::Revoked(owned));
        if let Some(client) = self.client.take() {
            // Dropping the client blocks until the broker answers.
            tokio::task::spawn_blocking(move || drop(client));
        }
    }

    async fn close(&self) {
        self.starting.take();
        let Some(client) = self.client.take() else { return };
        let committed = std::mem::take(&mut *self.committed.borrow_mut());
        let topic = self.topic.clone();
        let closed = tokio::task::spawn_blocking(move || {
            let mut list = TopicPartitionList::with_capacity(committed.len());
            for (partition, offset) in committed {
                // Commits in flight would be lost with the client.
                if list.add_partition_offset(&topic, partition, Offset::Offset(offset)).is_err() {
                    return;
                }
            }
            if list.count() > 0
                && let Err(error) = client.consumer.commit(&list, CommitMode::Sync)
            {
                log::warn!(error:%; "failed to commit the delivered alerts");
            }
        });
        if timeout(Self::CLOSE_TIMEOUT, closed).await.is_err() {
            log::warn!("failed to leave the consumer group of an endpoint in time");
        }
    }
}
