//! From a state on Kafka to its alert on Kafka and at a webhook.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use bench::client::pause;
use bench::feed::{Sky, World, now};
use bench::report::{Line, Sample, milliseconds};
use bench::server::Server;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;

const AIRCRAFT: usize = 10_000;
const GOAL_CPU: f64 = 0.25;
const GOAL_KAFKA: Duration = Duration::from_millis(200);
const GOAL_WEBHOOK: Duration = Duration::from_millis(400);

/// The first states raise the alerts of all aircraft that are inside a fence already.
const WARM_UP: usize = 4;

/// An alert that has begun: the poll's time of the state by which it began, and when it arrived, in microseconds.
struct Seen {
    observed_at: i64,
    at: u64,
}

pub(crate) fn measure(rules: &Value, quick: bool) -> anyhow::Result<Vec<Line>> {
    let polls = if quick { 4 } else { 36 };
    let kafka = std::env::var("TEST_KAFKA").context("TEST_KAFKA is not set: use `make bench-detect`")?;
    let name = format!("bench_{}_detect", std::process::id());
    let (raw, alerts) = (format!("{name}.raw"), format!("{name}.alerts"));
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rules.json");
    std::fs::write(&file, rules.to_string())?;
    let webhook = Webhook::start()?;
    let settings = [
        ("KAFKA_BOOTSTRAP_SERVERS", kafka.clone()),
        ("KAFKA_TOPIC_RAW", raw.clone()),
        ("KAFKA_TOPIC_ALERTS", alerts.clone()),
        ("KAFKA_TOPIC_DEAD_LETTER", format!("{name}.dead-letter")),
        ("KAFKA_GROUP_ID", name),
        ("DETECT_RULES_FILES", file.display().to_string()),
        ("NOTIFY_BENCH_KIND", "webhook".to_owned()),
        ("NOTIFY_BENCH_URL", format!("http://{}/", webhook.address)),
        ("NOTIFY_BENCH_ALLOW_PRIVATE", "true".to_owned()),
    ];
    let server = Server::start(&["--roles", "detect"], &settings)?;
    let world = World::start(&kafka, &raw, Sky::of(AIRCRAFT)?)?;
    let mut published = HashMap::new();
    let next = |published: &mut HashMap<i64, u64>| -> anyhow::Result<()> {
        let poll = world.next()?;
        published.insert(poll.observed_at, poll.at);
        Ok(())
    };
    for _ in 0..WARM_UP {
        next(&mut published)?;
    }
    let reader = AlertsReader::start(&kafka, &alerts)?;
    published.clear();
    let (cpu, started) = (server.cpu()?, Instant::now());
    for _ in 0..polls {
        next(&mut published)?;
    }
    pause(World::EVERY);
    let share = (server.cpu()? - cpu).as_secs_f64() / started.elapsed().as_secs_f64();
    let (on_kafka, at_webhook) = (reader.end()?, webhook.end()?);
    world.stop()?;
    server.stop()?;

    let line = |what: &str, goal: Duration, seen: &[Seen]| {
        let delays = seen.iter().filter_map(|seen| {
            let published = published.get(&seen.observed_at)?;
            Some(Duration::from_micros(seen.at.saturating_sub(*published)))
        });
        let sample = Sample::of(delays);
        let p99 = sample.quantile(0.99);
        let goal_text = format!("p99 ≤ {}", milliseconds(goal));
        Line::new(format!("{AIRCRAFT} states every 5 s: published → {what}"), goal_text, sample.summary(), p99 <= goal)
    };
    let rate = AIRCRAFT as f64 / World::EVERY.as_secs_f64();
    Ok(vec![
        line("alert on Kafka", GOAL_KAFKA, &on_kafka),
        line("alert at the webhook", GOAL_WEBHOOK, &at_webhook),
        Line::new(
            format!("CPU of the process with the role detect, {rate} states a second"),
            "≤ 25 % of a core",
            format!("{:.1} %", share * 100.0),
            share <= GOAL_CPU,
        ),
    ])
}

/// Returns an alert that begins; `None` for the end of one.
fn seen(alert: &[u8], at: u64) -> Option<Seen> {
    let alert: Value = serde_json::from_slice(alert).ok()?;
    let observed_at = alert["state"]["observed_at"].as_i64()?;
    alert["ended"].is_null().then_some(Seen { observed_at, at })
}

/// Reads the topic of alerts from its present end on.
struct AlertsReader {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Vec<Seen>>>,
}

impl AlertsReader {
    fn start(kafka: &str, topic: &str) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", kafka)
            .set("group.id", "bench")
            .set("fetch.wait.max.ms", "100")
            .set("isolation.level", "read_committed")
            .create()?;
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10))?;
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            list.add_partition_offset(topic, partition.id(), Offset::End)?;
        }
        consumer.assign(&list)?;
        let ending = Arc::<AtomicBool>::default();
        let stop = ending.clone();
        let thread = thread::Builder::new().name("alerts".to_owned()).spawn(move || {
            let mut all = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                    all.extend(message?.payload().and_then(|alert| seen(alert, now())));
                }
            }
            Ok(all)
        })?;
        Ok(Self { ending, thread })
    }

    fn end(self) -> anyhow::Result<Vec<Seen>> {
        self.ending.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the reader of the alerts panicked"))?
    }
}

/// An endpoint that accepts everything at once.
struct Webhook {
    address: SocketAddr,
    ending: Arc<AtomicBool>,
    received: mpsc::Receiver<(Vec<u8>, u64)>,
}

impl Webhook {
    fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (ending, (sender, received)) = (Arc::<AtomicBool>::default(), mpsc::channel());
        let stop = ending.clone();
        thread::Builder::new().name("webhook".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten().take_while(|_| !stop.load(Ordering::Relaxed)) {
                let sender = sender.clone();
                // The thread ends when the server closes the connection.
                thread::spawn(move || accept(stream, &sender));
            }
        })?;
        Ok(Self { address, ending, received })
    }

    fn end(self) -> anyhow::Result<Vec<Seen>> {
        self.ending.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts connections.
        drop(TcpStream::connect(self.address)?);
        Ok(self.received.try_iter().filter_map(|(body, at)| seen(&body, at)).collect())
    }
}

/// Accepts the requests of a connection until it is closed.
fn accept(stream: TcpStream, received: &Sender<(Vec<u8>, u64)>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let at = now();
        reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        received.send((body, at)).context("the measurement has ended")?;
    }
}
