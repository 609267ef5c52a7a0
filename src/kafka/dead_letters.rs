use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::batch::DeadLetter;
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::client::blocking;
use super::cluster::KafkaCluster;
use super::properties::refusal;

/// The dead letters, as they lie in their topic. How far they were resent is what the group `…-dead-letters` has
/// committed, beside the store's own group.
#[derive(Clone)]
pub struct DeadLetterBox {
    consumer: Arc<BaseConsumer<Patient>>,
    topic: Arc<str>,
}

/// Takes the end of a partition for what it is.
struct Patient;

impl ClientContext for Patient {
    fn error(&self, error: KafkaError, reason: &str) {
        // One that comes when nobody reads any more ends up here.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            log::warn!(error:%; "librdkafka: {reason}");
        }
    }
}

impl ConsumerContext for Patient {}

/// A dead letter and its own place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLetter {
    /// The partition of the dead-letter topic that it lies in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// The letter, with the place that it came from.
    pub letter: DeadLetter,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// With the oldest letter that is still there.
    Beginning,
    /// Behind the last one that was resent.
    Resent,
}

/// One partition's part of what is to be read.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Offset,
    end: i64,
}

impl DeadLetterBox {
    /// A broker that says nothing for this long has gone.
    const SILENCE: Duration = Duration::from_secs(30);
    /// Letters that wait for whoever reads them; each is at most as large as a message may be.
    const AHEAD: usize = 16;

    /// Reaches the cluster.
    ///
    /// # Errors
    /// There is none, or it refuses, in librdkafka's words.
    pub async fn open(cluster: &KafkaCluster) -> Result<Self, String> {
        cluster.reached().await?;
        let mut config = cluster.client_config(&[("queued.max.messages.kbytes", "16384")]);
        config
            .set("group.id", format!("{}-dead-letters", cluster.options().group_id))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true");
        let consumer = config.create_with_context(Patient).map_err(|error| refusal(&error))?;
        Ok(Self { consumer: Arc::new(consumer), topic: cluster.options().topic_dead_letter.clone() })
    }

    /// Reads what is there at this moment, partition by partition in order. An error is the last thing that comes.
    pub fn read(&self, from: ReadFrom) -> mpsc::Receiver<Result<FoundLetter, String>> {
        let (sender, receiver) = mpsc::channel(Self::AHEAD);
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = this.read_into(from, &sender) {
                // Whoever read them may have heard enough.
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }

    /// Remembers that everything before these offsets was dealt with.
    ///
    /// # Errors
    /// The broker did not take it.
    pub async fn commit(&self, next_offsets: &BTreeMap<i32, i64>) -> Result<(), String> {
        let mut list = TopicPartitionList::new();
        for (&partition, &offset) in next_offsets {
            list.add_partition_offset(&self.topic, partition, Offset::Offset(offset))
                .map_err(|error| error.to_string())?;
        }
        let consumer = self.consumer.clone();
        blocking(move || consumer.commit(&list, CommitMode::Sync)).await.map_err(|error| error.to_string())
    }

    fn read_into(&self, from: ReadFrom, sender: &mpsc::Sender<Result<FoundLetter, String>>) -> Result<(), String> {
        let mut left = self.stretches(from).map_err(|error| error.to_string())?;
        self.assign(&left).map_err(|error| error.to_string())?;
        let mut heard = Instant::now();
        while !left.is_empty() {
            match self.consumer.poll(Duration::from_secs(1)) {
                None if heard.elapsed() > Self::SILENCE => return Err("Kafka: no answer".into()),
                None => continue,
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    left.remove(&partition);
                }
                Some(Err(error)) => return Err(format!("Kafka: {error}")),
                Some(Ok(message)) => {
                    let Some(stretch) = left.get(&message.partition()) else { continue };
                    let (partition, next, end) = (message.partition(), message.offset() + 1, stretch.end);
                    // What came after the start may be what was resent from here.
                    if next <= end && sender.blocking_send(Ok(found(&message))).is_err() {
                        return Ok(());
                    }
                    if next >= end {
                        left.remove(&partition);
                    }
                }
            }
            heard = Instant::now();
        }
        Ok(())
    }

    /// The partitions that have something to read.
    fn stretches(&self, from: ReadFrom) -> Result<BTreeMap<i32, Stretch>, KafkaError> {
        let timeout = KafkaCluster::TIMEOUT;
        let metadata = self.consumer.fetch_metadata(Some(&self.topic), timeout)?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions()).map(|partition| partition.id());
        let mut list = TopicPartitionList::new();
        let mut stretches = BTreeMap::new();
        for partition in partitions {
            let (low, end) = self.consumer.fetch_watermarks(&self.topic, partition, timeout)?;
            if low < end {
                list.add_partition(&self.topic, partition);
                stretches.insert(partition, Stretch { from: Offset::Beginning, end });
            }
        }
        if from == ReadFrom::Resent && !stretches.is_empty() {
            for element in self.consumer.committed_offsets(list, timeout)?.elements() {
                if let (Offset::Offset(offset), Some(stretch)) =
                    (element.offset(), stretches.get_mut(&element.partition()))
                {
                    stretch.from = Offset::Offset(offset);
                }
            }
            // One whose topic was made anew has an end before what was committed: it is read from its beginning.
            stretches.values_mut().filter(|stretch| stretch.is_beyond()).for_each(|s| s.from = Offset::Beginning);
            stretches.retain(|_, stretch| stretch.from != Offset::Offset(stretch.end));
        }
        Ok(stretches)
    }

    fn assign(&self, stretches: &BTreeMap<i32, Stretch>) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for (&partition, stretch) in stretches {
            list.add_partition_offset(&self.topic, partition, stretch.from)?;
        }
        self.consumer.assign(&list)
    }
}

impl Stretch {
    fn is_beyond(&self) -> bool {
        matches!(self.from, Offset::Offset(offset) if offset > self.end)
    }
}

/// The letter as it was written by [`KafkaPublisher`](super::KafkaPublisher); what others wrote lacks some headers.
fn found(message: &BorrowedMessage<'_>) -> FoundLetter {
    let header = |name: &str| {
        let headers = message.headers()?;
        let value = headers.iter().find(|header| header.key == name)?.value?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let number = |name: &str| header(name).and_then(|text| text.parse().ok());
    FoundLetter {
        partition: message.partition(),
        offset: message.offset(),
        letter: DeadLetter {
            topic: header("source.topic").unwrap_or_default().into(),
            partition: number("source.partition").and_then(|number: i64| number.try_into().ok()).unwrap_or(-1),
            offset: number("source.offset").unwrap_or(-1),
            timestamp: message.timestamp().to_millis().unwrap_or(-1),
            key: message.key().map(Bytes::copy_from_slice),
            value: message.payload().map(Bytes::copy_from_slice),
            reason: header("reason").unwrap_or_default(),
        },
    }
}
