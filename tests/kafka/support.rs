use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ::actors::domain::{StateVector, StateVectorParts};
use ::actors::ports::{StartAt, Subscription, SubscriptionEvent};
use flight_monitor::kafka::{EmbeddedBroker, KafkaCluster, KafkaOptions, KafkaSubscription};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::OwnedMessage;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::time::timeout;

/// The timeout of every wait in these tests.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(40);

/// An embedded broker, stopped on drop.
struct Embedded {
    cluster: KafkaCluster,
    _broker: EmbeddedBroker,
}

/// Runs a test against the embedded broker and a real one.
pub(crate) fn on_each_broker<F: Future<Output = ()>>(test: impl Fn(KafkaCluster) -> F) {
    run(async {
        let embedded = embedded();
        test(embedded.cluster.clone()).await;
        test(real()).await;
    });
}

/// Runs a test on a single thread, as the actors run.
pub(crate) fn run(test: impl Future<Output = ()>) {
    actix_rt::System::new().block_on(async { timeout(4 * TEST_TIMEOUT, test).await.expect("the test timed out") });
}

fn options(bootstrap_servers: String) -> KafkaOptions {
    static TESTS: AtomicU32 = AtomicU32::new(0);
    let name = format!("test-{}-{}", std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed));
    KafkaOptions {
        bootstrap_servers,
        topic_raw: format!("{name}.raw").into(),
        topic_dead_letter: format!("{name}.dead-letter").into(),
        topic_alerts: Some(format!("{name}.alerts").into()),
        topic_polls: Some(format!("{name}.polls").into()),
        partitions: 3,
        group_id: name,
        ..KafkaOptions::default()
    }
}

fn embedded() -> Embedded {
    let mut options = options(String::new());
    let [alerts, polls] = [&options.topic_alerts, &options.topic_polls].map(|topic| topic.as_deref().unwrap());
    let topics = [(&*options.topic_raw, 3), (&*options.topic_dead_letter, 1), (alerts, 3), (polls, 1)];
    let broker = EmbeddedBroker::start(&topics).unwrap();
    options.bootstrap_servers = broker.bootstrap_servers();
    options.embedded_id = Some("embedded".into());
    Embedded { cluster: KafkaCluster::new(options), _broker: broker }
}

/// Returns a cluster on the real broker, with topics of its own.
pub(crate) fn real() -> KafkaCluster {
    let servers = std::env::var("TEST_KAFKA").expect("TEST_KAFKA is not set: run the tests by `make test`");
    KafkaCluster::new(options(servers))
}

/// Returns `count` states of different aircraft.
pub(crate) fn states(count: i64) -> Vec<Arc<StateVector>> {
    (0..count).map(|number| Arc::new(state(number))).collect()
}

pub(crate) fn state(number: i64) -> StateVector {
    let icao24 = format!("{number:06x}").into();
    let parts = StateVectorParts { icao24, last_contact: Some(number), ..StateVectorParts::default() };
    parts.try_into().unwrap()
}

/// Reads the first record of a topic.
pub(crate) fn read_one(servers: &str, topic: &str) -> OwnedMessage {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "reader")
        .set("fetch.message.max.bytes", "5000000")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    let metadata = consumer.fetch_metadata(Some(topic), TEST_TIMEOUT).unwrap();
    for partition in metadata.topics()[0].partitions() {
        list.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let message = consumer.poll(TEST_TIMEOUT).expect("timed out waiting for a record").unwrap();
    message.detach()
}

/// Returns whether the topic exists.
pub(crate) fn topic_exists(servers: &str, topic: &str) -> bool {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", servers).set("group.id", "reader").create().unwrap();
    let metadata = consumer.fetch_metadata(None, TEST_TIMEOUT).unwrap();
    metadata.topics().iter().any(|known| known.name() == topic)
}

/// Waits for an assignment, starts all its partitions at `at`, and returns them.
pub(crate) async fn start(subscription: &KafkaSubscription, at: StartAt) -> Vec<i32> {
    match next(subscription).await {
        SubscriptionEvent::Assigned(partitions) => {
            let starts: Vec<_> = partitions.iter().map(|&partition| (partition, at)).collect();
            subscription.start(&starts).await.unwrap();
            partitions
        }
        other => panic!("expected an assignment, got {other:?}"),
    }
}

/// Waits for the next event. Queries the end offsets every second, as the actors do for the lag, because that is how a
/// subscription notices that its topic was deleted and recreated.
pub(crate) async fn next(subscription: &KafkaSubscription) -> SubscriptionEvent {
    let query = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            // The result does not matter, and the query fails while Kafka is unavailable.
            let _ = subscription.end_offsets().await;
        }
    };
    let wait = async {
        loop {
            // Errors are transient here, such as when the broker has just started or the coordinator is still being
            // looked up.
            if let Ok(event) = subscription.next().await {
                return event;
            }
        }
    };
    let wait = async {
        tokio::select! {
            event = wait => event,
            () = query => unreachable!("the loop never ends"),
        }
    };
    timeout(TEST_TIMEOUT, wait).await.expect("timed out waiting for an event")
}

/// Reads until `count` states have arrived, and returns their `last_contact`, in order within each partition.
pub(crate) async fn read(subscription: &KafkaSubscription, count: usize) -> Vec<i64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        if let SubscriptionEvent::Batch(batch) = next(subscription).await {
            seen.extend(batch.iter().map(|state| state.last_contact.0));
        }
    }
    seen
}
