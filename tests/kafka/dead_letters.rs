use ::actors::batch::DeadLetter;
use ::actors::ports::Publisher;
use flight_monitor::kafka::KafkaPublisher;
use rdkafka::Message;
use rdkafka::message::Headers;

use crate::support::{on_each_broker, read_one, real, run};

fn letter(offset: i64, value: Option<Vec<u8>>) -> DeadLetter {
    DeadLetter {
        topic: "telemetry.raw".into(),
        partition: 4,
        offset,
        timestamp: 1_700_000_000_123,
        key: Some("4b1814".into()),
        value: value.map(Into::into),
        reason: "expected value at line 1 column 1".into(),
    }
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_dead_letter_carries_its_value_origin_and_reason() {
    on_each_broker(|cluster| async move {
        let options = cluster.options();
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish_dead_letters(&[letter(77, Some(b"garb\xffage".to_vec()))]).await.unwrap();
        let message = read_one(&options.bootstrap_servers, &options.topic_dead_letter);
        assert_eq!(message.payload(), Some(&b"garb\xffage"[..]));
        assert_eq!(message.key(), Some(&b"4b1814"[..]));
        assert_eq!(message.timestamp().to_millis(), Some(1_700_000_000_123));
        let headers = message.headers().unwrap();
        let headers: Vec<_> =
            headers.iter().map(|header| (header.key, std::str::from_utf8(header.value.unwrap()).unwrap())).collect();
        assert_eq!(
            headers,
            [
                ("source.topic", "telemetry.raw"),
                ("source.partition", "4"),
                ("source.offset", "77"),
                ("reason", "expected value at line 1 column 1"),
            ]
        );
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_tombstone_stays_a_tombstone() {
    on_each_broker(|cluster| async move {
        let options = cluster.options();
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish_dead_letters(&[letter(1, None)]).await.unwrap();
        assert_eq!(read_one(&options.bootstrap_servers, &options.topic_dead_letter).payload(), None);
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_value_as_large_as_the_broker_allows_fits_with_its_headers() {
    run(async {
        let cluster = real();
        let options = cluster.options();
        let publisher = KafkaPublisher::new(cluster.clone());
        // Kafka's default limit of 1,048,588 bytes applies to a whole batch, including about 68 bytes of batch
        // overhead.
        let value: Vec<u8> = (0..1_048_400_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        publisher.publish_dead_letters(&[letter(1, Some(value.clone()))]).await.unwrap();
        assert_eq!(read_one(&options.bootstrap_servers, &options.topic_dead_letter).payload(), Some(&value[..]));
    });
}
