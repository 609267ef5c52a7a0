use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::log::Log;
use super::{Database, Sky, TestApp, Topic, unique_name, variable};

pub(crate) const ADMIN_TOKEN: &str = "the-token-of-these-tests";

/// Environment, arguments and working directory to start the program with. It inherits no other variables.
#[derive(Clone)]
pub(crate) struct Setup {
    directory: Arc<TempDir>,
    environment: BTreeMap<String, String>,
    arguments: Vec<String>,
    /// Limit of open files; `None` inherits the limit of the test process.
    open_files: Option<u32>,
}

/// A finished run of the program.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// The lines of its standard error, which is the log.
    pub(crate) log: Vec<String>,
    /// Its standard output.
    pub(crate) output: String,
}

impl Setup {
    /// Returns a setup with a minimal environment.
    pub(crate) fn bare() -> Self {
        let setup = Self {
            directory: Arc::new(tempfile::tempdir().unwrap()),
            environment: BTreeMap::new(),
            arguments: Vec::new(),
            open_files: None,
        };
        setup.set("RUST_BACKTRACE", "0")
    }

    /// Returns the setup of a server with the embedded broker and SQLite.
    pub(crate) fn embedded() -> Self {
        Self::bare().set("HTTP_PORT", "0").set("ADMIN_TOKEN", ADMIN_TOKEN)
    }

    /// Returns the setup of a server with real Kafka and PostgreSQL, and its own topics, consumer group and database.
    pub(crate) fn real() -> Self {
        Self::embedded().on_kafka(&variable("TEST_KAFKA")).on(&Database::postgres())
    }

    /// Uses this Kafka, with its own topics and consumer group.
    pub(crate) fn on_kafka(self, servers: &str) -> Self {
        let name = unique_name();
        self.set("KAFKA_BOOTSTRAP_SERVERS", servers)
            .set("KAFKA_TOPIC_RAW", &format!("{name}.raw"))
            .set("KAFKA_TOPIC_DEAD_LETTER", &format!("{name}.dead-letter"))
            .set("KAFKA_TOPIC_ALERTS", &format!("{name}.alerts"))
            .set("KAFKA_TOPIC_POLLS", &format!("{name}.polls"))
            .set("KAFKA_GROUP_ID", &name)
            .set("KAFKA_PARTITIONS", "3")
    }

    /// Uses this database.
    pub(crate) fn on(self, database: &Database) -> Self {
        self.set("DATABASE_URL", &database.url())
    }

    /// Makes the server poll this sky every 300 ms instead of every few seconds.
    pub(crate) fn watching(self, sky: &Sky) -> Self {
        self.polling_at_the_usual_pace(sky).failpoints("poll-pause=return(300)")
    }

    /// Makes the server poll this sky only as often as OpenSky permits.
    pub(crate) fn polling_at_the_usual_pace(self, sky: &Sky) -> Self {
        self.set("OPENSKY_BASE_URL", &sky.simulator.base_url())
            .set("OPENSKY_AUTH_URL", &sky.simulator.auth_url())
            .set("OPENSKY_CLIENT_ID", "tests")
            .set("OPENSKY_CLIENT_SECRET", Sky::CLIENT_SECRET)
            .set("OPENSKY_POLL_INTERVAL", "1s")
    }

    /// Sets an environment variable.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds failpoints.
    pub(crate) fn failpoints(mut self, points: &str) -> Self {
        let all = self.environment.entry("FAILPOINTS".to_owned()).or_default();
        *all = [all, points].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(";");
        self
    }

    /// Replaces the arguments.
    pub(crate) fn arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments = arguments.into_iter().map(str::to_owned).collect();
        self
    }

    /// Limits the number of open files.
    pub(crate) fn open_files(mut self, limit: u32) -> Self {
        self.open_files = Some(limit);
        self
    }

    /// Returns the program's working directory.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns whether the server uses a real Kafka, which tests can read.
    pub(crate) fn has_kafka(&self) -> bool {
        self.environment.contains_key("KAFKA_BOOTSTRAP_SERVERS")
    }

    /// Returns the topic of the state vectors.
    pub(crate) fn topic(&self) -> Topic {
        Topic::of(self.variable("KAFKA_BOOTSTRAP_SERVERS"), self.variable("KAFKA_TOPIC_RAW"))
    }

    /// Returns the topic of the dead letters.
    pub(crate) fn dead_letters(&self) -> Topic {
        Topic::of(self.variable("KAFKA_BOOTSTRAP_SERVERS"), self.variable("KAFKA_TOPIC_DEAD_LETTER"))
    }

    /// Returns the topic of the alerts.
    pub(crate) fn alerts(&self) -> Topic {
        Topic::of(self.variable("KAFKA_BOOTSTRAP_SERVERS"), self.variable("KAFKA_TOPIC_ALERTS"))
    }

    /// Returns the topic of the polls.
    pub(crate) fn polls(&self) -> Topic {
        Topic::of(self.variable("KAFKA_BOOTSTRAP_SERVERS"), self.variable("KAFKA_TOPIC_POLLS"))
    }

    /// Returns the consumer group of the role `store`.
    pub(crate) fn group(&self) -> &str {
        self.variable("KAFKA_GROUP_ID")
    }

    /// Returns the configured database, by default the embedded SQLite file.
    pub(crate) fn database(&self) -> Database {
        match self.environment.get("DATABASE_URL") {
            Some(url) => Database::at(url),
            None => Database::Sqlite(self.directory().join("data/flight-monitor.db")),
        }
    }

    fn variable(&self, name: &str) -> &str {
        self.environment.get(name).map_or_else(|| panic!("{name} is not set up"), String::as_str)
    }

    /// Returns the command that starts the program.
    pub(crate) fn command(&self) -> Command {
        // `TEST_PROGRAM` overrides the build under test.
        let program = std::env::var_os("TEST_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_flight-monitor").into());
        let mut command = match self.open_files {
            None => Command::new(program),
            Some(limit) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")]).arg(program);
                shell
            }
        };
        command
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.directory())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts a server and waits until it listens.
    pub(crate) fn start(&self) -> TestApp {
        TestApp::start(self)
    }

    /// Runs the program and waits for it to end.
    pub(crate) fn run(&self) -> Ended {
        let mut app = self.spawn();
        let code = app.wait_exit();
        Ended { code, log: app.log.wait_for_end(), output: app.output.wait_for_end().join("\n") }
    }

    /// Starts the program without waiting for it to listen.
    pub(crate) fn spawn(&self) -> TestApp {
        let mut child = self.command().spawn().unwrap();
        let (log, output) = (Log::of(child.stderr.take().unwrap()), Log::of(child.stdout.take().unwrap()));
        TestApp::of(child, log, output, self.directory.clone())
    }
}

impl Ended {
    /// Returns the last line of the log, or an empty string. Ignores what librdkafka's own threads log, which may follow
    /// the program's last line.
    pub(crate) fn last_line(&self) -> &str {
        self.log.iter().rfind(|line| !line.contains(" librdkafka ")).map_or("", String::as_str)
    }
}
