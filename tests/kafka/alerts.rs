//! Alerts and positions in one transaction.

use std::rc::Rc;
use std::sync::Arc;

use ::actors::detect::{Alert, AlertChange, AlertKey};

use ::actors::domain::{StateVector, UnixTime};
use ::actors::enrichment::SharedFacts;
use ::actors::ports::{
    AlertLog, AlertLogError, DetectPart, DetectPosition, DetectTransaction, LogPlace, Publisher, Subscription,
    SubscriptionEvent,
};
use flight_monitor::kafka::{
    KafkaCluster, KafkaOptions, KafkaPublisher, KafkaSubscription, Membership, SharedGroup, TransactionalAlerts,
};
use rdkafka::Message;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, error::KafkaError};

use crate::support::{TEST_TIMEOUT, next, read_one, real, run, state, topic_exists};

fn alert(since: i64, ended: Option<i64>) -> Alert {
    let state = StateVector { squawk: Some("7700".into()), ..state(since) };
    let alert = Alert::starting("emergency-squawk", "emergency", Arc::new(state));
    Alert { ended: ended.map(UnixTime), ..alert }
}

fn topic(cluster: &KafkaCluster) -> Arc<str> {
    cluster.options().topic_alerts.clone().unwrap()
}

/// A member of the detecting group, and its log.
struct Member {
    subscription: Rc<KafkaSubscription>,
    log: TransactionalAlerts,
}

impl Member {
    fn new(cluster: &KafkaCluster) -> Self {
        let group = SharedGroup::default();
        Self {
            subscription: Rc::new(KafkaSubscription::with_transactions(cluster.clone(), Membership::DETECT, &group)),
            log: TransactionalAlerts::new(cluster.clone(), topic(cluster), SharedFacts::default(), &group),
        }
    }

    async fn assigned(&self) -> Vec<i32> {
        loop {
            if let SubscriptionEvent::Assigned(partitions) = next(&self.subscription).await {
                return partitions;
            }
        }
    }

    async fn commit(&self, part: DetectPart) -> Result<(), AlertLogError> {
        self.log.commit(Arc::new(DetectTransaction { parts: vec![part] })).await
    }
}

fn position(next_offset: i64) -> DetectPosition {
    let place = |next_offset| LogPlace { next_offset, last_timestamp: Some(next_offset * 100) };
    DetectPosition { next: place(next_offset), look_back: place(next_offset - 1) }
}

fn part(base: Option<i64>, next_offset: i64, changes: Vec<AlertChange>) -> DetectPart {
    DetectPart { partition: 1, base, position: position(next_offset), changes, states: Vec::new() }
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn the_next_owner_finds_the_active_alerts_and_the_position() {
    run(async {
        let cluster = real();
        let member = Member::new(&cluster);
        assert_eq!(member.assigned().await, [0, 1, 2]);
        let recovered = member.log.recover(&[1]).await.unwrap();
        assert_eq!((recovered.len(), recovered[0].position, recovered[0].active.len()), (1, None, 0));
        let changes = vec![AlertChange::Alert(alert(1, None)), AlertChange::Alert(alert(2, None))];
        member.commit(part(None, 7, changes)).await.unwrap();
        let message = read_one(&cluster.options().bootstrap_servers, &topic(&cluster));
        assert_eq!((message.key(), message.partition()), (Some(&b"emergency-squawk/000001"[..]), 1));
        let value: serde_json::Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        assert_eq!(value, serde_json::to_value(alert(1, None)).unwrap());
        member.commit(part(Some(7), 9, vec![AlertChange::Alert(alert(1, Some(5)))])).await.unwrap();
        member.subscription.close().await;

        let successor = Member::new(&cluster);
        let partitions = successor.assigned().await;
        let recovered = successor.log.recover(&partitions).await.unwrap();
        assert_eq!(recovered.iter().map(|found| found.partition).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((recovered[1].position, &recovered[1].active), (Some(position(9)), &vec![alert(2, None)]));
        let ended: Vec<_> = recovered[1].ended.iter().map(|(alert, _)| AlertKey::from(alert).to_string()).collect();
        assert_eq!(ended, ["emergency-squawk/000001"]);
        let forgotten = AlertChange::Forget(AlertKey::from(&alert(1, None)));
        successor.commit(part(Some(9), 9, vec![forgotten])).await.unwrap();
        assert!(successor.log.recover(&[1]).await.unwrap()[0].ended.is_empty());
        successor.subscription.close().await;
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_member_that_lost_its_partitions_without_noticing_is_fenced() {
    run(async {
        let cluster = real();
        let (first, second) = (Member::new(&cluster), Member::new(&cluster));
        assert_eq!(first.assigned().await.len(), 3);
        first.log.recover(&[1]).await.unwrap();
        first.commit(part(None, 3, vec![AlertChange::Alert(alert(1, None))])).await.unwrap();
        // The first member has the new assignment, but has not processed it: its caller still works with the old one.
        let (_, partitions) = tokio::join!(first.subscription.hold(), async { second.assigned().await });
        assert!(partitions.len() < 3);
        let error = first.commit(part(Some(3), 5, vec![AlertChange::Alert(alert(2, None))])).await.unwrap_err();
        assert!(matches!(error, AlertLogError::Fenced(_)), "{error}");
        let recovered = second.log.recover(&[1]).await.unwrap();
        assert_eq!((recovered[0].position, recovered[0].active.len()), (Some(position(3)), 1));
        for member in [first, second] {
            member.subscription.close().await;
        }
    });
}

async fn create(cluster: &KafkaCluster, topic: &str, partitions: i32) {
    let options = cluster.options();
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &options.bootstrap_servers).create().unwrap();
    let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let created = admin.create_topics([&topic], &AdminOptions::new().operation_timeout(Some(TEST_TIMEOUT))).await;
    assert!(created.unwrap()[0].is_ok());
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_topic_with_another_number_of_partitions_is_refused() {
    run(async {
        let cluster = real();
        create(&cluster, &topic(&cluster), 2).await;
        let member = Member::new(&cluster);
        let partitions = member.assigned().await;
        let error = member.log.recover(&partitions).await.unwrap_err();
        assert!(matches!(error, AlertLogError::Refused(_)), "{error}");
        for part in ["has 2 partitions, but topic", "has 3;", "kafka.topic_alerts"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        member.subscription.close().await;
    });
}

/// Versions before the role `detect` wrote alerts without a rule, with the address as the key, to a topic that was not
/// compacted.
#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn the_topic_of_an_earlier_version_is_continued() {
    run(async {
        let cluster = real();
        create(&cluster, &topic(&cluster), 3).await;
        let servers = &cluster.options().bootstrap_servers;
        let producer: ThreadedProducer<_> = ClientConfig::new().set("bootstrap.servers", servers).create().unwrap();
        let topic = topic(&cluster);
        let old = r#"{"icao24":"000001","squawk":"7700","meaning":"emergency","since":1,"state":{"icao24":"000001","last_contact":1}}"#;
        for partition in 0..3 {
            let record = BaseRecord::<str, str>::to(&topic).partition(partition).key("000001").payload(old);
            producer.send(record).map_err(|(error, _): (KafkaError, _)| error).unwrap();
        }
        producer.flush(TEST_TIMEOUT).unwrap();
        let member = Member::new(&cluster);
        let partitions = member.assigned().await;
        let recovered = member.log.recover(&partitions).await.unwrap();
        assert!(recovered.iter().all(|found| found.position.is_none() && found.active.is_empty()));
        member.commit(part(None, 1, vec![AlertChange::Alert(alert(1, None))])).await.unwrap();
        assert_eq!(member.log.recover(&[1]).await.unwrap()[0].active, [alert(1, None)]);
        member.subscription.close().await;
    });
}

#[test]
#[ignore = "needs Kafka: run it by `make test`"]
fn a_process_without_an_alerts_topic_creates_none() {
    run(async {
        let options = real().options().clone();
        let topic = options.topic_alerts.clone().unwrap();
        let cluster = KafkaCluster::new(KafkaOptions { topic_alerts: None, ..options });
        KafkaPublisher::new(cluster.clone()).publish(&[Arc::new(state(1))]).await.unwrap();
        assert!(!topic_exists(&cluster.options().bootstrap_servers, &topic));
    });
}
