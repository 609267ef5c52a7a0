use std::collections::BTreeMap;
use std::time::Duration;

use ::actors::batch::PartitionBatch;
use ::actors::domain::UnixTime;
use ::actors::ports::{Publisher, StartAt, Subscription, SubscriptionEvent};
use flight_monitor::kafka::{KafkaCluster, KafkaPublisher, KafkaSubscription, Membership, codec};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use tokio::time::timeout;

use crate::support::{TEST_TIMEOUT, next, on_each_broker, read, real, run, start, state, states};

/// Reads `count` states, and returns the last part of a batch of each partition.
async fn last_parts(subscription: &KafkaSubscription, count: usize) -> BTreeMap<i32, PartitionBatch> {
    let mut last = BTreeMap::new();
    let mut seen = 0;
    while seen < count {
        if let SubscriptionEvent::Batch(batch) = next(subscription).await {
            seen += batch.states();
            last.extend(batch.parts.into_iter().map(|part| (part.partition, part)));
        }
    }
    last
}

/// Reads `count` states, and returns the position of each partition after them: the next offset and the last timestamp.
async fn positions(subscription: &KafkaSubscription, count: usize) -> Vec<(i32, StartAt)> {
    let position =
        |part: PartitionBatch| StartAt::Resume { next_offset: part.next_offset, last_timestamp: part.last_timestamp };
    let parts = last_parts(subscription, count).await;
    parts.into_iter().map(|(partition, part)| (partition, position(part))).collect()
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn reading_resumes_after_the_last_stored_record() {
    on_each_broker(|cluster| async move {
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish(&states(300)).await.unwrap();
        let first = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        start(&first, StartAt::Beginning).await;
        let positions = positions(&first, 300).await;
        first.close().await;

        publisher.publish(&states(50)).await.unwrap();
        let second = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        assert!(matches!(next(&second).await, SubscriptionEvent::Assigned(_)));
        second.start(&positions).await.unwrap();
        let mut seen = read(&second, 50).await;
        seen.sort_unstable();
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_recreated_topic_is_read_from_its_beginning() {
    on_each_broker(|cluster| async move {
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish(&states(60)).await.unwrap();
        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        // This position lies beyond the end of the log, and the next one has another timestamp, as positions of a
        // deleted topic would.
        start(&subscription, StartAt::Resume { next_offset: 1_000, last_timestamp: 5 }).await;
        assert_eq!(read(&subscription, 60).await.len(), 60);
        subscription.reset();
        start(&subscription, StartAt::Resume { next_offset: 2, last_timestamp: 5 }).await;
        assert_eq!(read(&subscription, 60).await.len(), 60);
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn seeking_back_rereads_records_and_a_reset_reassigns_all_partitions() {
    on_each_broker(|cluster| async move {
        KafkaPublisher::new(cluster.clone()).publish(&states(100)).await.unwrap();
        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        let partitions = start(&subscription, StartAt::Beginning).await;
        read(&subscription, 100).await;
        let beginning: Vec<_> = partitions.iter().map(|&partition| (partition, StartAt::Beginning)).collect();
        subscription.start(&beginning).await.unwrap();
        assert_eq!(read(&subscription, 100).await.len(), 100);
        subscription.reset();
        assert_eq!(next(&subscription).await, SubscriptionEvent::Assigned(partitions));
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_held_subscription_delivers_nothing_and_loses_nothing() {
    on_each_broker(|cluster| async move {
        let publisher = KafkaPublisher::new(cluster.clone());
        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        publisher.publish(&states(10)).await.unwrap();
        start(&subscription, StartAt::Beginning).await;
        read(&subscription, 10).await;
        let held = tokio::time::timeout(Duration::from_secs(2), subscription.hold());
        let more = states(1_000);
        let (held, published) = tokio::join!(held, publisher.publish(&more));
        published.unwrap();
        assert!(held.is_err(), "held: {held:?}");
        assert_eq!(read(&subscription, 1_000).await.len(), 1_000);
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn reading_starts_at_a_time() {
    on_each_broker(|cluster| async move {
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish(&states(30)).await.unwrap();
        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        start(&subscription, StartAt::Time(UnixTime::now().minus(Duration::from_secs(300)))).await;
        assert_eq!(read(&subscription, 30).await.len(), 30);
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn reading_from_a_time_skips_older_records() {
    run(async {
        let cluster = real();
        let publisher = KafkaPublisher::new(cluster.clone());
        // Creates the topic.
        publisher.publish(&[]).await.unwrap();
        write_at(&cluster, UnixTime::now().minus(Duration::from_secs(3600)), 100..190);
        publisher.publish(&states(30)).await.unwrap();
        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        start(&subscription, StartAt::Time(UnixTime::now().minus(Duration::from_secs(300)))).await;
        let mut seen = read(&subscription, 30).await;
        seen.sort_unstable();
        assert_eq!(seen, (0..30).collect::<Vec<_>>());
        subscription.reset();
        start(&subscription, StartAt::Time(UnixTime::now().minus(Duration::from_secs(7200)))).await;
        assert_eq!(read(&subscription, 120).await.len(), 120);
    });
}

/// Writes states with the timestamp of another time.
fn write_at(cluster: &KafkaCluster, time: UnixTime, numbers: std::ops::Range<i64>) {
    let options = cluster.options();
    let producer: ThreadedProducer<DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", &options.bootstrap_servers).create().unwrap();
    for number in numbers {
        let (key, mut value) = (number.to_string(), Vec::new());
        codec::encode(&state(number), &mut value);
        let record = BaseRecord::to(&options.topic_raw).key(&key).payload(&value).timestamp(time.0 * 1000);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(TEST_TIMEOUT).unwrap();
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn reading_from_a_time_after_the_last_record_waits_for_the_next_one() {
    run(async {
        let cluster = real();
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish(&states(30)).await.unwrap();
        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        start(&subscription, StartAt::Time(UnixTime(UnixTime::now().0 + 3600))).await;
        publisher.publish(&states(5)).await.unwrap();
        let mut seen = read(&subscription, 5).await;
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn offsets_without_a_record_are_not_counted_as_unread() {
    run(async {
        let cluster = real();
        KafkaPublisher::new(cluster.clone()).publish(&states(30)).await.unwrap();
        let options = cluster.options();
        let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
            .set("bootstrap.servers", &options.bootstrap_servers)
            .set("transactional.id", &options.group_id)
            .create()
            .unwrap();
        producer.init_transactions(TEST_TIMEOUT).unwrap();
        let in_transaction = |number: i64| {
            producer.begin_transaction().unwrap();
            let (key, mut value) = (number.to_string(), Vec::new());
            codec::encode(&state(number), &mut value);
            let record = BaseRecord::to(&options.topic_raw).partition(0).key(&key).payload(&value);
            producer.send(record).map_err(|(error, _)| error).unwrap();
            producer.flush(TEST_TIMEOUT).unwrap();
        };
        in_transaction(30);
        producer.commit_transaction(TEST_TIMEOUT).unwrap();
        in_transaction(31);
        producer.abort_transaction(TEST_TIMEOUT).unwrap();

        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        start(&subscription, StartAt::Beginning).await;
        let reached: Vec<_> = last_parts(&subscription, 31)
            .await
            .into_iter()
            .map(|(partition, part)| (partition, part.next_offset))
            .collect();
        loop {
            let event = timeout(Duration::from_millis(200), subscription.next()).await;
            assert!(event.is_err(), "{event:?}");
            if subscription.end_offsets().await.unwrap() == reached {
                break;
            }
        }
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn group_members_share_the_partitions_and_take_over_from_each_other() {
    run(async {
        let cluster = real();
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish(&states(90)).await.unwrap();
        let first = KafkaSubscription::new(cluster.clone(), Membership::STORE);
        assert_eq!(start(&first, StartAt::Beginning).await.len(), 3);
        read(&first, 90).await;

        let second = KafkaSubscription::new(cluster.clone(), Membership::STORE);
        let (mut of_first, mut of_second) = (vec![0, 1, 2], Vec::new());
        while of_first.len() + of_second.len() != 3 || of_second.is_empty() {
            tokio::select! {
                event = next(&first) => match event {
                    SubscriptionEvent::Assigned(partitions) => of_first = partitions,
                    SubscriptionEvent::Revoked(_) => of_first.clear(),
                    SubscriptionEvent::Batch(batch) => panic!("read before the start: {batch:?}"),
                },
                event = next(&second) => match event {
                    SubscriptionEvent::Assigned(partitions) => of_second = partitions,
                    SubscriptionEvent::Revoked(_) => of_second.clear(),
                    SubscriptionEvent::Batch(batch) => panic!("read before the start: {batch:?}"),
                },
            }
        }
        first.close().await;
        loop {
            if let SubscriptionEvent::Assigned(partitions) = next(&second).await
                && partitions.len() == 3
            {
                break;
            }
        }
        second.close().await;
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_topic_recreated_while_it_is_read_is_read_from_its_beginning() {
    run(async {
        let cluster = real();
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish(&states(300)).await.unwrap();
        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        start(&subscription, StartAt::Beginning).await;
        read(&subscription, 300).await;

        let options = cluster.options();
        let admin: AdminClient<_> =
            ClientConfig::new().set("bootstrap.servers", &options.bootstrap_servers).create().unwrap();
        admin.delete_topics(&[&options.topic_raw], &AdminOptions::new()).await.unwrap();
        // Publishing while the topic does not exist may have to be retried, as the actor does. Each attempt lasts until
        // the client gives up on its messages.
        let more = states(20);
        while publisher.publish(&more).await.is_err() {}
        // The subscription may notice by itself that its topic is gone. It then assigns the partitions again, and the
        // reader has to set the start positions, as the actors do.
        let mut seen = 0;
        while seen < more.len() {
            match next(&subscription).await {
                SubscriptionEvent::Batch(batch) => seen += batch.iter().count(),
                SubscriptionEvent::Assigned(partitions) => {
                    let starts: Vec<_> = partitions.iter().map(|&partition| (partition, StartAt::Beginning)).collect();
                    subscription.start(&starts).await.unwrap();
                }
                SubscriptionEvent::Revoked(_) => {}
            }
        }
    });
}
