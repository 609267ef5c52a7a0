//! Runs the server once with real Kafka and PostgreSQL.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use simulator::Changes;

use crate::row_watch::RowWatch;
use crate::source::{Answer, Source};
use bench::client::{Client, Event, pause};
use bench::database::Database;
use bench::server::Server;

/// The parameters of a run.
#[derive(Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) aircraft: usize,
    /// Number of aircraft that change at each poll.
    pub(crate) changing: usize,
    pub(crate) polls: usize,
    pub(crate) clients: usize,
    /// Whether to record when rows become visible, which takes CPU time.
    pub(crate) watch_rows: bool,
}

/// The outcome of a run.
pub(crate) struct Outcome {
    pub(crate) answers: Vec<Answer>,
    /// The events of each client.
    pub(crate) events: Vec<Vec<Event>>,
    pub(crate) rows_visible: Vec<Duration>,
    pub(crate) served: Vec<(u32, i64)>,
    pub(crate) stored: Vec<(u32, i64)>,
    /// CPU time per poll, excluding idle CPU time.
    pub(crate) cpu_of_poll: Duration,
    /// CPU time per second without a poll.
    pub(crate) idle_cpu: Duration,
    pub(crate) threads: usize,
    pub(crate) resident: u64,
    pub(crate) postgres: String,
}

/// Number of warm-up polls: the first one contains every aircraft, and the broker's JVM compiles.
const WARM_UP: usize = 4;

/// Time after which a poll's work is done; CPU time after that counts as idle.
const WORK: Duration = Duration::from_millis(2500);
const IDLE: Duration = Duration::from_millis(2000);

impl Trial {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let Self { aircraft, changing, polls, clients, .. } = self;
        eprintln!("{aircraft} aircraft, {changing} changing, {polls} polls, {clients} clients …");
        let kafka = std::env::var("TEST_KAFKA").context("TEST_KAFKA is not set: use `make bench`")?;
        let name = format!("bench_{}_{aircraft}_{changing}", std::process::id());
        let database = Database::create(&name)?;
        let changes = if changing == aircraft { Changes::All } else { Changes::Exactly(changing) };
        let source = Source::start(aircraft, changes)?;
        let mut settings = source.settings();
        settings.extend([
            ("KAFKA_BOOTSTRAP_SERVERS", kafka),
            ("KAFKA_TOPIC_RAW", format!("{name}.raw")),
            ("KAFKA_TOPIC_DEAD_LETTER", format!("{name}.dead-letter")),
            ("KAFKA_GROUP_ID", name),
            ("DATABASE_URL", database.url.to_string()),
        ]);
        let server = Server::start(&[], &settings)?;
        self.measure(&server, &source, &database)
            .with_context(|| format!("end of the server's log:\n{}", server.log()))
            .and_then(|outcome| {
                server.stop()?;
                // Everything read before the shutdown is stored by now.
                Ok(Outcome { served: source.served(), stored: database.stored()?, ..outcome })
            })
    }

    fn measure(self, server: &Server, source: &Source, database: &Database) -> anyhow::Result<Outcome> {
        for _ in 0..WARM_UP {
            source.next()?;
        }
        let expected = self.aircraft + (WARM_UP - 1) * self.changing;
        let deadline = Instant::now() + Duration::from_secs(4);
        while database.rows() < i64::try_from(expected)? {
            if Instant::now() > deadline {
                bail!("{} of {expected} rows were stored", database.rows());
            }
            pause(Duration::from_millis(20));
        }
        let clients = (0..self.clients).map(|_| Client::connect(server.address)).collect::<Result<Vec<_>, _>>()?;
        let watch = self.watch_rows.then(|| RowWatch::start(database)).transpose()?;

        let mut answers = Vec::with_capacity(self.polls);
        let (mut busy, mut idle, mut working) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let (mut last_cpu, mut last_at) = (server.cpu()?, Instant::now());
        for _ in 0..self.polls {
            let answer = source.next()?;
            answers.push(answer);
            if let Some(watch) = &watch {
                watch.expect(answer, self.changing)?;
            }
            pause(WORK);
            let (cpu, at) = (server.cpu()?, Instant::now());
            busy += cpu - last_cpu;
            working += at - last_at;
            pause(IDLE);
            (last_cpu, last_at) = (server.cpu()?, Instant::now());
            idle += last_cpu - cpu;
        }
        let polls = u32::try_from(self.polls)?;
        let idle_share = idle.as_secs_f64() / (IDLE * polls).as_secs_f64();
        Ok(Outcome {
            answers,
            rows_visible: watch.map_or(Ok(Vec::new()), |watch| watch.end())?,
            threads: server.threads()?,
            resident: server.memory()?.resident,
            events: clients.into_iter().map(Client::end).collect::<Result<_, _>>()?,
            cpu_of_poll: busy.saturating_sub(working.mul_f64(idle_share)) / polls,
            idle_cpu: Duration::from_secs(1).mul_f64(idle_share),
            postgres: database.version()?,
            served: Vec::new(),
            stored: Vec::new(),
        })
    }
}

impl Outcome {
    /// Returns the time from the response to the client's event, for every event of the measured polls.
    pub(crate) fn latencies(&self) -> impl Iterator<Item = Duration> {
        self.events.iter().flatten().filter_map(|event| {
            let answer = self.answers.iter().find(|answer| answer.time == event.last_contact)?;
            Some(event.at.duration_since(answer.at))
        })
    }

    /// Returns the time from each response to the last of its events, at each client.
    pub(crate) fn last_events(&self) -> impl Iterator<Item = Duration> {
        self.events.iter().flat_map(|events| {
            self.answers.iter().map(|answer| {
                let last = events.iter().filter(|event| event.last_contact == answer.time).map(|event| event.at).max();
                last.map_or(Duration::MAX, |at| at.duration_since(answer.at))
            })
        })
    }
}
