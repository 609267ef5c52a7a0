//! Feeds the server with state vectors through Kafka.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actors::domain::{StateVector, StateVectorParts};
use actors::ports::Publisher;
use anyhow::Context;
use flight_monitor::kafka::{KafkaCluster, KafkaOptions, KafkaPublisher};
use flight_monitor::sources::opensky::wire::parse_states;
use simulator::{Changes, DailyCredits, Simulator};
use tokio::runtime::Runtime;

/// Returns the current time in microseconds of Unix time.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// Publishes to a topic like the collecting role.
pub struct Feed {
    publisher: KafkaPublisher,
    runtime: Runtime,
}

impl Feed {
    pub fn connect(kafka: &str, topic: &str) -> anyhow::Result<Self> {
        let cluster = KafkaCluster::new(KafkaOptions {
            bootstrap_servers: kafka.to_owned(),
            topic_raw: topic.into(),
            topic_dead_letter: format!("{topic}.dead-letter").into(),
            group_id: topic.to_owned(),
            ..KafkaOptions::default()
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { publisher: KafkaPublisher::new(cluster), runtime })
    }

    /// Publishes `states`, waits for Kafka's acknowledgement, and returns when publishing started.
    pub fn publish(&self, states: &[Arc<StateVector>]) -> anyhow::Result<u64> {
        let at = now();
        self.runtime.block_on(self.publisher.publish(states))?;
        Ok(at)
    }
}

/// Simulated aircraft, all of which change between any two polls.
pub struct Sky(Simulator);

impl Sky {
    pub fn of(aircraft: usize) -> anyhow::Result<Self> {
        Ok(Self(simulator::start(simulator::Options {
            aircraft,
            changes: Changes::All,
            daily_credits: DailyCredits { anonymous: 10_000_000, ..DailyCredits::default() },
            ..simulator::Options::default()
        })?))
    }

    /// Returns the current states.
    pub fn look(&self) -> anyhow::Result<Vec<Arc<StateVector>>> {
        let mut answer = ureq::get(format!("{}/states/all?extended=1", self.0.base_url())).call()?;
        let body = answer.body_mut().with_config().limit(256 << 20).read_to_vec()?;
        Ok(parse_states(&body)?.states.into_iter().map(Arc::new).collect())
    }
}

/// A poll whose states were published to Kafka.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The poll's time, which its states carry.
    pub observed_at: i64,
    /// When publishing started, in microseconds of Unix time.
    pub at: u64,
}

/// Publishes a sky's states at an interval.
pub struct World {
    published: Receiver<anyhow::Result<Published>>,
    /// Dropping it stops the publishing.
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl World {
    /// The shortest interval at which OpenSky has new states.
    pub const EVERY: Duration = Duration::from_secs(5);

    /// Publishes a sky's states every five seconds.
    pub fn start(kafka: &str, topic: &str, sky: Sky) -> anyhow::Result<Self> {
        Self::start_every(Self::EVERY, kafka, topic, sky)
    }

    /// Publishes a sky's states at this interval.
    pub fn start_every(interval: Duration, kafka: &str, topic: &str, sky: Sky) -> anyhow::Result<Self> {
        let feed = Feed::connect(kafka, topic)?;
        let (end, ended) = mpsc::channel();
        let (sender, published) = mpsc::channel();
        let thread = thread::Builder::new().name("world".to_owned()).spawn(move || {
            let mut due = Instant::now();
            loop {
                // Fetch the states in advance, so that the simulator's work is not part of the measured time.
                let states = sky.look();
                match ended.recv_timeout(due.saturating_duration_since(Instant::now())) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
                due += interval;
                let outcome = states.and_then(|states| {
                    let observed_at =
                        states.first().and_then(|state| state.observed_at).context("the simulated sky is empty")?.0;
                    Ok(Published { observed_at, at: feed.publish(&states)? })
                });
                if sender.send(outcome).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { published, end, thread })
    }

    /// Waits until the next poll's states are in Kafka.
    pub fn next(&self) -> anyhow::Result<Published> {
        // Skip polls that have already been published.
        while self.published.try_recv().is_ok() {}
        self.published.recv_timeout(Duration::from_secs(30)).context("publishing has stopped")?
    }

    pub fn stop(self) -> anyhow::Result<()> {
        drop(self.end);
        drop(self.published);
        self.thread.join().map_err(|_| anyhow::anyhow!("the feeding thread panicked"))
    }
}

/// Creates a state with few fields, of the `number`-th aircraft.
pub fn small_state(number: usize, last_contact: i64) -> anyhow::Result<StateVector> {
    let parts = StateVectorParts {
        icao24: format!("{:06x}", 0x40_0000 + number).into(),
        lat: Some(47.0 + number as f64 / 10_000.0),
        lon: Some(8.5),
        last_contact: Some(last_contact),
        observed_at: Some(last_contact),
        ..StateVectorParts::default()
    };
    Ok(StateVector::try_from(parts)?)
}
