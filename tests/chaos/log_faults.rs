//! Faults of the Kafka topic itself.

use std::collections::BTreeSet;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};

use crate::support::{Condition, Key, eventually};
use crate::world::World;

/// Partitions are added up to this number.
const MAX_PARTITIONS: i32 = 8;

impl World {
    fn admin<T>(&self, work: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let admin = self.topic().config().create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(crate::support::TEST_TIMEOUT));
        runtime.block_on(work(&admin, &options))
    }

    /// Writes unreadable records between the others.
    pub(crate) fn write_garbage(&mut self) {
        for _ in 0..5 {
            self.garbage += 1;
            let value = format!("garbage {}", self.garbage).into_bytes();
            self.topic().write(Some(0), &[(Some("garbage"), Some(value))]);
        }
    }

    /// Adds a partition, which moves some aircraft to another partition.
    pub(crate) fn add_a_partition(&mut self) {
        if self.partitions == MAX_PARTITIONS {
            return;
        }
        self.partitions += 1;
        let (name, count) = (self.topic().name().to_owned(), usize::try_from(self.partitions).unwrap());
        self.admin(async |admin, options| {
            let added = admin.create_partitions([&NewPartitions::new(&name, count)], options).await.unwrap();
            assert!(added.iter().all(Result::is_ok), "{added:?}");
        });
    }

    /// Deletes records that are not stored yet, as Kafka's retention would, while the database is unavailable. Exactly
    /// the missing rows must be counted as lost by the servers.
    pub(crate) fn delete_unread_records(&mut self, seconds: u64) {
        let counted = |world: &Self| world.storers().map(|node| lost(node.app())).sum::<u64>();
        let before = counted(self);
        self.postgres_proxy.set_condition(Condition::Cut);
        self.sky.wait_polls(seconds.max(2));
        self.read_topic();
        let mut list = TopicPartitionList::new();
        for (&partition, &end) in self.ledger.ends() {
            list.add_partition_offset(self.topic().name(), partition, Offset::Offset(end)).unwrap();
        }
        let name = self.topic().name().to_owned();
        self.admin(async |admin, options| {
            let deleted = admin.delete_records(&list, options).await.unwrap();
            assert!(deleted.elements().iter().all(|element| element.topic() == name && element.error().is_ok()));
        });
        let candidates: BTreeSet<Key> = self.ledger.keys().cloned().collect();
        self.sky.wait_polls(2);
        self.postgres_proxy.set_condition(Condition::Normal);
        self.recover("retention");
        let rows = self.database.rows();
        let missing: Vec<Key> =
            candidates.difference(&rows).filter(|key| !self.ledger.expired.contains(*key)).cloned().collect();
        let counted = counted(self) - before;
        assert_eq!(counted, missing.len() as u64, "records counted as lost and missing rows");
        self.ledger.expired.extend(missing);
    }

    /// Deletes the topic once everything in it is stored. The first process that needs the topic recreates it.
    pub(crate) fn recreate_topic(&mut self) {
        self.settle();
        let name = self.topic().name().to_owned();
        self.topic().delete();
        self.ledger.restart_from_beginning();
        self.partitions = Self::PARTITIONS;
        self.sky.clear_faults();
        eventually("the topic exists again", || {
            self.admin(async |admin, _| {
                let metadata = admin.inner().fetch_metadata(Some(&name), crate::support::TEST_TIMEOUT).ok()?;
                (metadata.topics().first()?.partitions().len() == 3).then_some(())
            })
        });
    }
}

fn lost(app: &crate::support::TestApp) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
    let lost = app.metric("lost_offsets_total") as u64;
    lost
}
