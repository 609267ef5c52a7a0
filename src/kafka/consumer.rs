use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actors::batch::LogId;
use actors::ports::{StartAt, Subscription, SubscriptionError, SubscriptionEvent};
use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use tokio::time::{Instant, sleep, timeout};

use super::client::{Client, blocking, refused};
use super::cluster::KafkaCluster;
use super::codec;
use super::gathering::{Gathering, Place, Record, Taken};
use super::topics::partitions_of;

/// Which partitions a subscription reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Its share, as a member of the consumer group.
    Group,
    /// All, also those that are added later, whoever else reads them.
    Everything,
}

/// Reads `kafka.topic_raw`.
pub struct KafkaSubscription {
    cluster: KafkaCluster,
    membership: Membership,
    client: RefCell<Option<Arc<Client>>>,
    gathering: RefCell<Gathering>,
    /// Reported, but not handed out yet.
    events: RefCell<VecDeque<SubscriptionEvent>>,
    held: Cell<bool>,
    failed: Cell<Option<Instant>>,
    looked_for_partitions: Cell<Option<Instant>>,
    /// Whether the client is to be left: it was told that the topic is not there, or gives nothing of what there is.
    is_gone: Cell<bool>,
    /// Since when the next record is waited for.
    idle_since: Cell<Option<Instant>>,
    /// Since when the log is known to end elsewhere than where reading has come to.
    unread_since: Cell<Option<Instant>>,
    left: Cell<Option<Instant>>,
}

impl KafkaSubscription {
    /// After so long without being asked for a batch, the partitions are paused. Pausing earlier would throw away what
    /// was fetched ahead, for nothing.
    const PAUSE_AFTER: Duration = Duration::from_secs(1);
    /// How often `Membership::Everything` looks for added partitions.
    const LOOK_FOR_PARTITIONS: Duration = Duration::from_secs(30);
    const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
    /// While brokers are away librdkafka queues errors by the dozen, before what is read afterwards. Those that follow
    /// a reported one within this time tell nothing new; a caller that paused at each would lag far behind.
    const ONE_FAILURE: Duration = Duration::from_secs(5);
    /// A client that waits for so long, although there is something to read, is left for a new one …
    const SILENCE: Duration = Duration::from_secs(8);
    /// … but not again within this time: a record at the end may be one that nobody is given, such as a transaction's end.
    const ONE_LEAVING: Duration = Duration::from_secs(60);

    /// A subscription; the cluster is reached with the first `next`.
    pub fn new(cluster: KafkaCluster, membership: Membership) -> Self {
        Self {
            cluster,
            membership,
            client: RefCell::new(None),
            gathering: RefCell::default(),
            events: RefCell::default(),
            held: Cell::new(false),
            failed: Cell::new(None),
            looked_for_partitions: Cell::new(None),
            is_gone: Cell::new(false),
            idle_since: Cell::new(None),
            unread_since: Cell::new(None),
            left: Cell::new(None),
        }
    }

    async fn client(&self) -> Result<Arc<Client>, SubscriptionError> {
        if let Some(client) = self.client.borrow().as_ref() {
            return Ok(client.clone());
        }
        let reached = self.cluster.reached().await.map_err(refused)?;
        // Somebody else may have waited for the same.
        let mut known = self.client.borrow_mut();
        if let Some(client) = known.as_ref() {
            return Ok(client.clone());
        }
        let client = Arc::new(Client::new(&self.cluster, &reached, self.membership)?);
        *known = Some(client.clone());
        Ok(client)
    }

    /// Where the topic was deleted: lets go of its partitions and of the client. What librdkafka knows of the topic would
    /// outlive it: one of the same name begins with the leader's epoch 0, and it ignores every epoch that is below the last
    /// one (librdkafka's issue 4898), so it would wait for ever.
    fn leave_what_is_gone(&self) {
        if !self.is_gone.replace(false) {
            return;
        }
        if let Some(client) = self.client.take() {
            // Its end waits for the broker.
            tokio::task::spawn_blocking(move || drop(client));
        }
        let mut gathering = self.gathering.borrow_mut();
        gathering.stop_all();
        let owned = gathering.owned();
        gathering.disown(&owned);
        let mut events = self.events.borrow_mut();
        events.clear();
        events.push_back(SubscriptionEvent::Revoked(owned));
        self.held.set(false);
        self.looked_for_partitions.set(None);
        self.has_moved();
    }

    /// Something has come, or was handed out.
    fn has_moved(&self) {
        self.idle_since.set(None);
        self.unread_since.set(None);
    }

    /// Leaves a client that gives nothing although the log has `ends` other than where reading had come to: after a
    /// rebalance nobody is told that the topic was deleted and made anew meanwhile.
    fn doubt_silence(&self, reached: &BTreeMap<i32, i64>, ends: &[(i32, i64)]) {
        let waits = |since: Option<Instant>, long: Duration| since.is_some_and(|since| since.elapsed() >= long);
        let is_idle = waits(self.idle_since.get(), Duration::from_secs(1));
        let left: Vec<_> = ends.iter().filter_map(|(partition, end)| Some(end - reached.get(partition)?)).collect();
        if !is_idle || left.iter().all(|&left| left == 0) {
            self.unread_since.set(None);
            return;
        }
        if self.unread_since.get().is_none() {
            self.unread_since.set(Some(Instant::now()));
        }
        // What ends before the place that reading has come to is another log.
        let is_another = left.iter().any(|&left| left < 0);
        let has_left = self.left.get().is_some_and(|at| at.elapsed() < Self::ONE_LEAVING);
        if (is_another || waits(self.unread_since.get(), Self::SILENCE)) && !has_left {
            log::warn!("Kafka has records that are not given to this consumer: it is replaced");
            self.left.set(Some(Instant::now()));
            self.is_gone.set(true);
        }
    }

    /// Takes over the partitions that are not owned yet.
    async fn look_for_partitions(&self, client: &Arc<Client>) -> Result<(), SubscriptionError> {
        let due = self.looked_for_partitions.get().is_none_or(|at| at.elapsed() >= Self::LOOK_FOR_PARTITIONS);
        if self.membership == Membership::Group || !due {
            return Ok(());
        }
        let (question, topic) = (client.clone(), self.cluster.options().topic_raw.clone());
        let partitions =
            blocking(move || partitions_of(question.consumer.client(), &topic, KafkaCluster::TIMEOUT)).await;
        let partitions = partitions.map_err(|error| client.failed("failed to find the partitions", &error))?;
        let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
        let added: Vec<_> = (0..count).filter(|&partition| !self.gathering.borrow().owns(partition)).collect();
        if !added.is_empty() {
            let mut list = client.list(&added);
            list.set_all_offsets(Offset::Beginning).map_err(refused)?;
            client.consumer.incremental_assign(&list).map_err(refused)?;
            client.consumer.pause(&list).map_err(refused)?;
            self.gathering.borrow_mut().own(&added);
            self.events.borrow_mut().push_back(SubscriptionEvent::Assigned(added));
        }
        self.looked_for_partitions.set(Some(Instant::now()));
        Ok(())
    }

    /// Takes over what the rebalance callback reported.
    fn note_rebalances(&self, client: &Client) {
        for event in client.consumer.context().take() {
            match &event {
                SubscriptionEvent::Assigned(partitions) => self.gathering.borrow_mut().own(partitions),
                SubscriptionEvent::Revoked(partitions) => self.gathering.borrow_mut().disown(partitions),
                SubscriptionEvent::Batch(_) => {}
            }
            self.events.borrow_mut().push_back(event);
        }
    }

    /// Everything that is at hand, then whatever comes next; an event, a full batch or an error ends it.
    async fn gather(&self, client: &Arc<Client>) -> Result<SubscriptionEvent, SubscriptionError> {
        let mut stream = client.consumer.stream();
        loop {
            if let Some(event) = self.events.borrow_mut().pop_front() {
                self.has_moved();
                return Ok(event);
            }
            if self.gathering.borrow().is_full() {
                return Ok(SubscriptionEvent::Batch(self.gathering.borrow_mut().finish(&client.log)));
            }
            let next = match stream.next().now_or_never() {
                Some(next) => next,
                None => {
                    self.note_rebalances(client);
                    if !self.events.borrow().is_empty() {
                        continue;
                    }
                    if !self.gathering.borrow().is_empty() {
                        return Ok(SubscriptionEvent::Batch(self.gathering.borrow_mut().finish(&client.log)));
                    }
                    tokio::select! {
                        next = stream.next() => next,
                        // A rebalance that brought no message wakes nobody.
                        () = sleep(Duration::from_millis(100)) => {
                            self.idle_since.set(self.idle_since.get().or_else(|| Some(Instant::now())));
                            self.look_for_partitions(client).await?;
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
        self.has_moved();
        let record = Record {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis().unwrap_or_default(),
            key: message.key(),
            value: message.payload(),
        };
        let taken = self.gathering.borrow_mut().take(&client.log, record, codec::decode);
        match taken {
            Taken::Yes => Ok(()),
            Taken::OtherLog => self.start_over(&client.log, record.partition).await,
            Taken::Doubtful(place) => self.settle(client, record.partition, place).await,
        }
    }

    async fn start_over(&self, log: &LogId, partition: i32) -> Result<(), SubscriptionError> {
        log::error!(topic:% = log.topic, partition; "this is not the log that was stored from: the topic was made anew and is read from its beginning");
        self.start(&[(partition, StartAt::Beginning)]).await.map(drop)
    }

    /// Reading did not arrive at its place: the log itself says whether it can.
    async fn settle(&self, client: &Arc<Client>, partition: i32, place: Place) -> Result<(), SubscriptionError> {
        let (question, topic) = (client.clone(), client.log.topic.clone());
        let watermarks =
            blocking(move || question.consumer.fetch_watermarks(&topic, partition, KafkaCluster::TIMEOUT)).await;
        let (low, high) = watermarks.map_err(|error| client.failed("failed to find the offsets", &error))?;
        if high < place.next_offset {
            return self.start_over(&client.log, partition).await;
        }
        let gone = low >= place.next_offset;
        let offset = if gone { low } else { place.next_offset - 1 };
        client.seek(BTreeMap::from([(partition, Offset::Offset(offset))]), |_| true).await?;
        let mut gathering = self.gathering.borrow_mut();
        if gone {
            gathering.expect(partition, place);
        } else {
            gathering.check_again(partition, place);
        }
        Ok(())
    }

    fn note_error(&self, client: &Client, error: &KafkaError) -> Result<(), SubscriptionError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::PartitionEOF) => Ok(()),
            // librdkafka goes on by `auto.offset.reset`; the offsets tell what is missing.
            Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset) => {
                log::warn!(error:%; "reading goes on at the oldest record");
                Ok(())
            }
            Some(
                RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopicOrPartition,
            ) => {
                self.is_gone.set(true);
                Err(client.failed("failed to read", error))
            }
            _ if self.failed.get().is_some_and(|at| at.elapsed() < Self::ONE_FAILURE) => {
                log::debug!(error:%; "and another failure");
                Ok(())
            }
            _ => {
                self.failed.set(Some(Instant::now()));
                Err(match self.membership {
                    Membership::Everything => client.failed("failed to read", error),
                    Membership::Group => {
                        let what = format!("failed to read as a member of group {}", self.cluster.options().group_id);
                        client.failed(&what, error)
                    }
                })
            }
        }
    }

    fn resume(&self, client: &Client) -> Result<(), SubscriptionError> {
        if self.held.replace(false) {
            let list = client.list(&self.gathering.borrow().started());
            client.consumer.resume(&list).map_err(refused)?;
        }
        Ok(())
    }
}

impl Subscription for KafkaSubscription {
    async fn next(&self) -> Result<SubscriptionEvent, SubscriptionError> {
        self.leave_what_is_gone();
        let client = self.client().await?;
        self.look_for_partitions(&client).await?;
        self.resume(&client)?;
        self.gather(&client).await
    }

    async fn hold(&self) -> Result<SubscriptionEvent, SubscriptionError> {
        self.leave_what_is_gone();
        self.has_moved();
        let client = self.client().await?;
        if !self.held.get() {
            sleep(Self::PAUSE_AFTER).await;
            let list = client.list(&self.gathering.borrow().started());
            client.consumer.pause(&list).map_err(refused)?;
            self.held.set(true);
        }
        let mut stream = client.consumer.stream();
        loop {
            self.note_rebalances(&client);
            if let Some(event) = self.events.borrow_mut().pop_front() {
                return Ok(event);
            }
            tokio::select! {
                next = stream.next() => match next {
                    // Fetched before the pause: kept, for there is an end to those.
                    Some(Ok(message)) => self.take(&client, &message).await?,
                    Some(Err(error)) => self.note_error(&client, &error)?,
                    None => {}
                },
                () = sleep(Duration::from_millis(100)) => {}
            }
        }
    }

    async fn start(&self, starts: &[(i32, StartAt)]) -> Result<Vec<(i32, i64)>, SubscriptionError> {
        self.has_moved();
        let client = self.client().await?;
        let starts: Vec<_> = starts.iter().copied().filter(|(p, _)| self.gathering.borrow().owns(*p)).collect();
        if starts.is_empty() {
            return Ok(Vec::new());
        }
        let offsets = client.offsets(&starts).await?;
        client.seek(offsets.clone(), |partition| self.gathering.borrow().owns(partition)).await?;
        let mut started = Vec::with_capacity(starts.len());
        let mut begun = Vec::with_capacity(starts.len());
        for (partition, at) in starts {
            if self.gathering.borrow().owns(partition) {
                self.gathering.borrow_mut().start(partition, at, self.cluster.is_embedded());
                started.push(partition);
                let offset = match offsets.get(&partition) {
                    Some(&Offset::Offset(offset)) => offset,
                    _ => 0,
                };
                begun.push((partition, offset));
            }
        }
        client.consumer.resume(&client.list(&started)).map_err(refused)?;
        Ok(begun)
    }

    fn reset(&self) {
        let mut gathering = self.gathering.borrow_mut();
        gathering.stop_all();
        let mut events = self.events.borrow_mut();
        events.clear();
        let owned = gathering.owned();
        if let Some(client) = self.client.borrow().as_ref()
            && !owned.is_empty()
        {
            if let Err(error) = client.consumer.pause(&client.list(&owned)) {
                log::warn!(error:%; "the partitions could not be paused");
            }
            events.push_back(SubscriptionEvent::Assigned(owned));
        }
    }

    fn commit(&self, next_offsets: &[(i32, i64)]) {
        let client = self.client.borrow();
        let Some(client) = client.as_ref().filter(|_| self.membership == Membership::Group) else { return };
        let mut list = TopicPartitionList::with_capacity(next_offsets.len());
        let added = next_offsets.iter().try_for_each(|&(partition, offset)| {
            list.add_partition_offset(&client.log.topic, partition, Offset::Offset(offset))
        });
        if let Err(error) = added.and_then(|()| client.consumer.commit(&list, CommitMode::Async)) {
            log::debug!(error:%; "offsets not committed; the database has them");
        }
    }

    async fn end_offsets(&self) -> Result<Vec<(i32, i64)>, SubscriptionError> {
        let client = self.client().await?;
        let (owned, topic) = (self.gathering.borrow().owned(), self.cluster.options().topic_raw.clone());
        // Before the question: meanwhile reading may go on beyond its answer.
        let reached = self.gathering.borrow().reached();
        let asking = client.clone();
        let ends = blocking(move || {
            let end = |partition| {
                let (_, end) = asking.consumer.fetch_watermarks(&topic, partition, KafkaCluster::TIMEOUT)?;
                Ok((partition, end))
            };
            owned.into_iter().map(end).collect::<Result<Vec<_>, _>>()
        })
        .await;
        let ends = ends.map_err(|error| client.failed("failed to find the end", &error))?;
        self.doubt_silence(&reached, &ends);
        Ok(ends)
    }

    async fn close(&self) {
        let Some(client) = self.client.take() else { return };
        let closed = async {
            // A question that is still under way keeps the client.
            while Arc::strong_count(&client) > 1 {
                sleep(Duration::from_millis(5)).await;
            }
            // Leaving the group waits for the broker.
            tokio::task::spawn_blocking(move || drop(client)).await
        };
        if timeout(Self::CLOSE_TIMEOUT, closed).await.is_err() {
            log::warn!("the consumer group was not left in time");
        }
    }

    fn log(&self) -> LogId {
        match self.client.borrow().as_ref() {
            Some(client) => client.log.clone(),
            None => LogId { cluster: "".into(), topic: self.cluster.options().topic_raw.clone() },
        }
    }
}
