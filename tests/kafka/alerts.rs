use std::sync::Arc;

use ::actors::detect::Alert;
use ::actors::domain::StateVector;
use ::actors::ports::Publisher;
use flight_monitor::kafka::{KafkaCluster, KafkaOptions, KafkaPublisher};
use rdkafka::Message;

use crate::support::{on_each_broker, read_one, real, run, state, topic_exists};

fn alert() -> Alert {
    let state = StateVector { squawk: Some("7700".into()), ..state(0x4b_1814) };
    Alert::starting("emergency-squawk", "emergency", Arc::new(state))
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn an_alert_is_published_as_json_with_its_aircraft_as_key() {
    on_each_broker(|cluster| async move {
        KafkaPublisher::new(cluster.clone()).publish_alerts(&[alert()]).await.unwrap();
        let options = cluster.options();
        let message = read_one(&options.bootstrap_servers, options.topic_alerts.as_deref().unwrap());
        assert_eq!(message.key(), Some(&b"4b1814"[..]));
        let value: serde_json::Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        assert_eq!(value, serde_json::to_value(alert()).unwrap());
        assert_eq!((value["squawk"].as_str(), value["meaning"].as_str()), (Some("7700"), Some("emergency")));
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_process_without_an_alerts_topic_creates_none_and_publishes_nothing() {
    run(async {
        let options = real().options().clone();
        let topic = options.topic_alerts.clone().unwrap();
        let cluster = KafkaCluster::new(KafkaOptions { topic_alerts: None, ..options });
        let publisher = KafkaPublisher::new(cluster.clone());
        publisher.publish(&[Arc::new(state(1))]).await.unwrap();
        let error = publisher.publish_alerts(&[alert(), alert()]).await.unwrap_err();
        assert_eq!(error.undelivered, [0, 1]);
        assert!(!topic_exists(&cluster.options().bootstrap_servers, &topic));
    });
}
