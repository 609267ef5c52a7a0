//! The system under test, and how each fault strikes and is mended.

use std::time::{Duration, Instant, SystemTime};

use simulator::{Changes, ClientCredentials, Fault as SkyFault, FaultKind, Options, Target};
use url::Url;

use crate::faults::{Area, Fault};
use crate::follower::Follower;
use crate::ledger::Ledger;
use crate::node::Node;
use crate::plan::{Plan, Round};
use crate::postgres::Postgres;
use crate::report::{Recovery, Report, Restart};
use crate::support::{Condition, Database, Proxy, Service, Setup, Sky, Topic, eventually, sleep};

/// The processes and the services they depend on.
pub(crate) struct World {
    pub(crate) sky: Sky,
    kafka: Service,
    kafka_proxy: Proxy,
    postgres: Service,
    pub(crate) postgres_proxy: Proxy,
    pub(crate) database: Database,
    sql: Postgres,
    setup: Setup,
    collector: Node,
    storer: [Node; 2],
    viewer: Node,
    pub(crate) follower: Follower,
    pub(crate) ledger: Ledger,
    pub(crate) partitions: i32,
    pub(crate) garbage: u64,
    /// The periods, from and to, in which polls may have been lost.
    pub(crate) excused: Vec<(i64, i64)>,
    began: Instant,
    pub(crate) report: Report,
}

fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Returns the current time in the unit of the source, seconds.
fn unix_now() -> i64 {
    unix_millis() / 1000
}

impl World {
    /// With more aircraft than this, only a part of the rows is compared with their messages. That every message is
    /// stored exactly once is checked for all aircraft.
    const MAX_COMPARED_FULLY: usize = 1_000;
    /// Partitions of the topic when it is created.
    pub(crate) const PARTITIONS: i32 = 3;

    /// Starts everything, and waits until it works.
    pub(crate) fn new(plan: &Plan) -> Self {
        let sky = Sky {
            simulator: simulator::start(Options {
                aircraft: plan.aircraft,
                // The other fifth is unchanged. A collector that restarted has lost its memory of them and publishes
                // them again.
                changes: if plan.calm { Changes::All } else { Changes::Exactly(plan.aircraft * 4 / 5) },
                credentials: Some(ClientCredentials { id: "tests".to_owned(), secret: Sky::CLIENT_SECRET.to_owned() }),
                remember_served: Some(20_000_000),
                ..Options::default()
            })
            .unwrap(),
        };
        let kafka_proxy = Proxy::without_server();
        let kafka = Service::kafka_with(&format!(
            "advertised.listeners=PLAINTEXT://127.0.0.1:{}\nbroker.session.timeout.ms=3000",
            kafka_proxy.port
        ));
        kafka_proxy.forward_to(&kafka.address);
        let postgres = Service::durable_postgres("-c max_connections=40");
        let database = Database::postgres_on(&postgres.address);
        let mut url = Url::parse(&database.url()).unwrap();
        let postgres_proxy = Proxy::in_front_of(&format!("127.0.0.1:{}", url.port().unwrap()));
        url.set_port(Some(postgres_proxy.port)).unwrap();
        let setup = Setup::embedded()
            .on_kafka(&format!("127.0.0.1:{}", kafka_proxy.port))
            .set("DATABASE_URL", url.as_str())
            .polling_at_the_usual_pace(&sky);
        // The source's time has a resolution of one second.
        let setup = if plan.calm { setup } else { setup.failpoints("poll-pause=return(1000)") };
        let storer = ["storer-1", "storer-2"].map(|name| Node::start(name, &setup, "store"));
        let viewer = Node::start("viewer", &setup, "live");
        let collector = Node::start("collector", &setup, "collect");
        let follower = Follower::of(&viewer.app().address);
        let mut world = Self {
            sql: Postgres::at(&database.url()),
            sky,
            kafka,
            kafka_proxy,
            postgres,
            postgres_proxy,
            database,
            setup,
            collector,
            storer,
            viewer,
            follower,
            ledger: Ledger::new(plan.calm || plan.aircraft > Self::MAX_COMPARED_FULLY),
            partitions: Self::PARTITIONS,
            garbage: 0,
            excused: Vec::new(),
            began: Instant::now(),
            report: Report::default(),
        };
        let started = world.recover("the start");
        world.report.recovered("the start".to_owned(), started);
        world
    }

    pub(crate) fn topic(&self) -> Topic {
        self.setup.topic()
    }

    pub(crate) fn dead_letters(&self) -> Topic {
        self.setup.dead_letters()
    }

    pub(crate) fn storers(&self) -> impl Iterator<Item = &Node> {
        self.storer.iter()
    }

    pub(crate) fn nodes(&mut self) -> impl Iterator<Item = &mut Node> {
        self.storer.iter_mut().chain([&mut self.collector, &mut self.viewer])
    }

    pub(crate) fn viewer(&self) -> &Node {
        &self.viewer
    }

    /// Reads the new records of the topic into the ledger.
    pub(crate) fn read_topic(&mut self) {
        self.ledger.read(&self.setup.topic());
    }

    /// Injects the faults of a round, mends them, and waits for the recovery.
    pub(crate) fn run_round(&mut self, round: &Round) {
        let name = round.faults.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(" + ");
        let name = if name.is_empty() { "none".to_owned() } else { name };
        eprintln!("chaos: {:5.0} s {name}, {:.1} s", self.began.elapsed().as_secs_f64(), round.outage.as_secs_f64());
        // A poll has the time of the second in which it was answered, or a slightly later one.
        let since = unix_now() - 5;
        for (index, &fault) in round.faults.iter().enumerate() {
            if index > 0 {
                sleep(round.apart);
            }
            self.strike(fault, round);
        }
        if round.faults.is_empty() || round.faults.iter().any(|fault| fault.area() != Area::Alone) {
            self.endure(round);
        }
        for &fault in round.faults.iter().rev() {
            self.mend(fault);
        }
        if round.faults.iter().any(|fault| fault.may_lose_polls()) {
            self.excused.push((since, unix_now() + 5));
        }
        let recovery = self.recover(&name);
        self.report.recovered(name, recovery);
        if round.faults.is_empty() {
            // Reads the log after each round, so that the final checks of a long run do not take long.
            self.read_topic();
        }
        self.nodes().for_each(Node::record_resources);
    }

    /// Waits for the rest of the outage. While only the database is broken, the live stream must keep working.
    fn endure(&mut self, round: &Round) {
        let began = Instant::now();
        if !round.faults.is_empty() && round.faults.iter().all(|fault| fault.area() == Area::Database) {
            let now = unix_now();
            eventually("the live stream continues without the database", || {
                (self.follower.seen().latest > now + 1).then_some(())
            });
        }
        sleep(round.outage.saturating_sub(began.elapsed()));
    }

    /// Waits until states published from now on reach the database and the client.
    pub(crate) fn recover(&mut self, round: &str) -> Recovery {
        for node in self.nodes() {
            assert!(node.app().is_running(), "{} has exited", node.name);
        }
        let (began, now) = (Instant::now(), unix_now());
        let (mut stored, mut shown) = (None, None);
        let (partitions, mark) = (self.partitions, unix_millis());
        let behind = format!(
            "SELECT 'behind' AS text, {partitions} - count(*) AS number FROM ingest_position
            WHERE topic NOT LIKE '%.polls' AND topic NOT LIKE '%.alerts'
                AND partition < {partitions} AND last_timestamp > {mark}"
        );
        eventually(&format!("recovery from {round}"), || {
            // The client may notice the end of its stream only now.
            if self.follower.seen().ended {
                self.follower = Follower::of(&self.viewer.app().address);
            }
            if stored.is_none() && self.database.pairs("", &behind).iter().any(|(_, behind)| *behind == 0) {
                stored = Some(began.elapsed());
            }
            if shown.is_none() && self.follower.seen().latest > now {
                shown = Some(began.elapsed());
            }
            Some(Recovery { stored: stored?, shown: shown? })
        })
    }

    /// Answers every poll with an error from now on, and waits until everything that was published is stored.
    pub(crate) fn settle(&mut self) {
        self.sky.fail_polls();
        self.collector.app().wait_actor("kafka-producer", "everything is published", |a| a["observation"]["held"] == 0);
        self.read_topic();
        eventually("everything on Kafka is stored", || {
            let positions = self.database.positions();
            self.ledger.ends().iter().all(|(partition, end)| positions.get(partition) == Some(end)).then_some(())
        });
    }

    fn sky_fault(&self, target: Target, kind: FaultKind, status: Option<u16>) {
        self.sky.fault(SkyFault { status, ..SkyFault::new(target, kind) });
    }

    fn panic(&mut self, actor: &'static str, is_alone: bool) {
        let node = match actor {
            "poller" | "kafka-producer" => &self.collector,
            "kafka-consumer-store" | "db-writer" => &self.storer[0],
            _ => &self.viewer,
        };
        let app = node.app();
        let before = app.actor(actor)["restarts"].as_u64();
        let began = Instant::now();
        app.panic(actor);
        app.wait_actor(actor, "restarted", |status| status["restarts"].as_u64() > before);
        let (restarted, restarted_at) = (began.elapsed(), unix_millis() as f64 / 1000.0);
        // If something else is broken too, the actor may have to wait for it.
        let at_work = is_alone.then(|| {
            app.wait_actor(actor, "working again", |status| status["last_progress"].as_f64() >= Some(restarted_at));
            began.elapsed()
        });
        self.report.restarted(actor, Restart { restarted, at_work });
    }

    fn kill_storm(&mut self, random_bits: u64) {
        for turn in 0..10_u64 {
            // The high bits of the product are random enough.
            let draw = random_bits.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_mul(2 * turn + 1) >> 40;
            sleep(Duration::from_millis(draw % 2_000));
            let node = self.nodes().nth(usize::try_from(draw / 2_000 % 4).unwrap()).unwrap();
            node.kill();
            node.start_again();
            self.report.kills += 1;
        }
    }

    fn strike(&mut self, fault: Fault, round: &Round) {
        let one = usize::try_from(round.random_bits % 2).unwrap();
        let (seconds, is_alone) = (round.outage.as_secs(), round.faults.len() == 1);
        match fault {
            Fault::KillCollector => self.collector.kill(),
            Fault::KillStorer => self.storer[one].kill(),
            Fault::KillViewer => self.viewer.kill(),
            Fault::KillStorm => self.kill_storm(round.random_bits),
            Fault::StorerDiesBeforeCommit | Fault::StorerDiesAfterCommit => {
                self.storer[one].kill();
                let before = fault == Fault::StorerDiesBeforeCommit;
                self.storer[one].die_at(if before { "store-rows-sent" } else { "store-committed" });
                self.report.kills += 1;
            }
            Fault::PanicPoller => self.panic("poller", is_alone),
            Fault::PanicProducer => self.panic("kafka-producer", is_alone),
            Fault::PanicStoreConsumer => self.panic("kafka-consumer-store", is_alone),
            Fault::PanicDbWriter => self.panic("db-writer", is_alone),
            Fault::PanicLiveConsumer => self.panic("kafka-consumer-live", is_alone),
            Fault::PanicHub => self.panic("sse-hub", is_alone),
            Fault::StopCollector => self.report.stopped(self.collector.stop()),
            Fault::StopStorer => self.report.stopped(self.storer[one].stop()),
            Fault::StopViewer => self.report.stopped(self.viewer.stop()),
            Fault::Rebalances => self.rebalance(),
            Fault::RollingUpdate => self.rolling_update(),
            Fault::PostgresStopped => self.postgres.stop(),
            Fault::PostgresKilled => self.postgres.crash(),
            Fault::PostgresPaused => self.postgres.pause(),
            Fault::PostgresCut => self.postgres_proxy.set_condition(Condition::Cut),
            Fault::PostgresReset => self.postgres_proxy.reset(),
            Fault::PostgresSilent => self.postgres_proxy.set_condition(Condition::Silent),
            Fault::PostgresSlow => self.postgres_proxy.set_condition(Condition::Slow(Duration::from_millis(300))),
            Fault::ReadOnly => self.sql.read_only(true),
            Fault::DiskFull => {
                let which = if self.sql.disk_full() {
                    "a real tmpfs"
                } else {
                    "only its error, since tmpfs cannot be mounted here"
                };
                self.report.full_disk = Some(which);
            }
            Fault::NoConnections => self.sql.exhaust_connections(),
            Fault::Cancelled => self.sql.cancel_queries(round.outage),
            Fault::Deadlock => self.deadlock(),
            Fault::KafkaStopped => self.kafka.stop(),
            Fault::KafkaKilled => self.kafka.crash(),
            Fault::KafkaPaused => self.kafka.pause(),
            Fault::KafkaCut => self.kafka_proxy.set_condition(Condition::Cut),
            Fault::KafkaReset => self.kafka_proxy.reset(),
            Fault::KafkaSilent => self.kafka_proxy.set_condition(Condition::Silent),
            Fault::KafkaSlow => self.kafka_proxy.set_condition(Condition::Slow(Duration::from_millis(200))),
            Fault::SourceStatus => {
                const STATUSES: [u16; 10] = [400, 401, 403, 404, 418, 429, 500, 502, 503, 504];
                let status = STATUSES[usize::try_from(round.random_bits % 10).unwrap()];
                self.sky_fault(Target::States, FaultKind::Status, Some(status));
            }
            Fault::SourceHangs => self.sky_fault(Target::States, FaultKind::Hang, None),
            Fault::SourceResets => self.sky_fault(Target::States, FaultKind::Reset, None),
            Fault::SourceTruncates => self.sky_fault(Target::States, FaultKind::Truncate, None),
            Fault::SourceMalformed => {
                use FaultKind::{BadRows, Drip, Empty, Html, NullStates, WrongTypes};
                for kind in [Html, Empty, WrongTypes, NullStates, BadRows, Drip] {
                    self.sky.fault(SkyFault::new(Target::States, kind).times(2).probability(0.5));
                }
            }
            Fault::TokenRefused => {
                self.sky_fault(Target::Token, FaultKind::Status, Some(401));
                self.sky.simulator.revoke_tokens();
            }
            Fault::TokensRevoked => self.sky.simulator.revoke_tokens(),
            Fault::Garbage => self.write_garbage(),
            Fault::PartitionsAdded => self.add_a_partition(),
            Fault::Retention => self.delete_unread_records(seconds),
            Fault::TopicRecreated => self.recreate_topic(),
        }
    }

    fn mend(&mut self, fault: Fault) {
        match fault {
            Fault::PostgresStopped | Fault::PostgresKilled => self.postgres.start_again(),
            Fault::PostgresPaused => self.postgres.resume(),
            Fault::ReadOnly => self.sql.read_only(false),
            Fault::DiskFull => self.sql.free_disk(),
            Fault::NoConnections => self.sql.release_connections(),
            Fault::KafkaStopped | Fault::KafkaKilled => self.kafka.start_again(),
            Fault::KafkaPaused => self.kafka.resume(),
            _ => {}
        }
        match fault.area() {
            Area::Database => self.postgres_proxy.set_condition(Condition::Normal),
            Area::Kafka => self.kafka_proxy.set_condition(Condition::Normal),
            Area::Source => self.sky.clear_faults(),
            Area::Process | Area::Alone => {}
        }
        let killed = matches!(fault, Fault::KillCollector | Fault::KillStorer | Fault::KillViewer);
        self.report.kills += u64::from(killed);
        for node in self.nodes().filter(|node| !node.is_up()) {
            node.start_again();
        }
    }

    /// Stops a storing process cleanly and starts it again, several times.
    fn rebalance(&mut self) {
        for turn in 0..4 {
            let node = &mut self.storer[turn % 2];
            self.report.stopped(node.stop());
            node.start_again();
            self.report.rebalances += 2;
            self.sky.wait_polls(2);
        }
    }

    /// Replaces each storing process by a new one that is started before the old one is stopped.
    fn rolling_update(&mut self) {
        for index in 0..2 {
            let name = self.storer[index].name;
            let new = Node::start(name, &self.setup, "store");
            let mut old = std::mem::replace(&mut self.storer[index], new);
            self.report.stopped(old.stop());
            self.report.rebalances += 2;
            self.sky.wait_polls(1);
        }
    }

    /// Deadlocks with a storing process: the test locks the second of its two partitions first.
    fn deadlock(&mut self) {
        let share = eventually("a storing process has two partitions", || {
            self.storer.iter().find_map(|node| {
                let actor = node.app().actor("kafka-consumer-store");
                let share: Vec<i32> = serde_json::from_value(actor["observation"]["partitions"].clone()).ok()?;
                (share.len() > 1).then_some(share)
            })
        });
        self.sql.deadlock(self.topic().name(), share[0], share[1]);
    }

    /// Returns how many state vectors were reported as acknowledged by Kafka.
    pub(crate) fn acknowledged(&mut self) -> u64 {
        self.collector.acknowledged()
    }
}
