use std::time::Duration;

use ::actors::ports::{Publisher, StartAt};
use flight_monitor::kafka::{KafkaCluster, KafkaOptions, KafkaPublisher, KafkaSubscription, Membership};

use crate::support::{on_each_broker, read, run, start, states};

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn acknowledged_states_are_read_exactly_once() {
    on_each_broker(|cluster| async move {
        let publisher = KafkaPublisher::new(cluster.clone());
        let subscription = KafkaSubscription::new(cluster.clone(), Membership::Everything);
        publisher.publish(&states(5_000)).await.unwrap();
        start(&subscription, StartAt::Beginning).await;
        let mut seen = read(&subscription, 5_000).await;
        seen.sort_unstable();
        assert_eq!(seen, (0..5_000).collect::<Vec<_>>());
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn an_empty_batch_is_delivered_immediately() {
    on_each_broker(|cluster| async move {
        KafkaPublisher::new(cluster.clone()).publish(&[]).await.unwrap();
    });
}

#[test]
fn an_unreachable_broker_fails_the_whole_batch_within_the_timeout() {
    run(async {
        let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let cluster = KafkaCluster::new(KafkaOptions { bootstrap_servers: nowhere, ..KafkaOptions::default() });
        let publish = async { KafkaPublisher::new(cluster).publish(&states(3)).await.unwrap_err() };
        let error = tokio::time::timeout(Duration::from_secs(30), publish).await.unwrap();
        assert_eq!(error.undelivered, [0, 1, 2]);
    });
}
