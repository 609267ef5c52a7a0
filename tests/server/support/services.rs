use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{unique_name, variable};

/// A service for one test, which may break it. Dropping this stops it.
pub(crate) struct Service {
    script: PathBuf,
    folder: PathBuf,
    /// Passed to the script at each start.
    options: &'static [&'static str],
    environment: Vec<(&'static str, String)>,
    /// The service's address: bootstrap servers, or a URL.
    pub(crate) address: String,
}

impl Service {
    /// Starts an empty PostgreSQL, which may lose committed data in a crash.
    pub(crate) fn postgres() -> Self {
        Self::start("postgres.sh", &["--fast"], &[])
    }

    /// Starts an empty PostgreSQL with these options, which keeps committed data through a crash.
    pub(crate) fn durable_postgres(options: &'static str) -> Self {
        Self::start("postgres.sh", &[], &[("POSTGRES_OPTIONS", options.to_owned())])
    }

    /// Starts a PgBouncer in front of this PostgreSQL.
    pub(crate) fn pgbouncer(server: &str, pool_mode: &str) -> Self {
        let server = url::Url::parse(server).unwrap();
        let server = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
        Self::start("pgbouncer.sh", &[], &[("PGBOUNCER_SERVER", server), ("PGBOUNCER_POOL_MODE", pool_mode.to_owned())])
    }

    /// Starts an MQTT broker that requires this login, `name:password`.
    pub(crate) fn mosquitto(login: &str) -> Self {
        Self::start("mosquitto.sh", &[], &[("MOSQUITTO_USER", login.to_owned())])
    }

    /// Sets an environment variable for the next start.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
    }

    /// Starts an empty Kafka.
    pub(crate) fn kafka() -> Self {
        Self::kafka_with("")
    }

    /// Starts an empty Kafka with these properties.
    pub(crate) fn kafka_with(properties: &str) -> Self {
        Self::start("kafka.sh", &[], &[("KAFKA_PROPERTIES", properties.to_owned())])
    }

    /// Starts an empty Kafka with SASL and ACLs, and a second listener whose advertised name does not resolve.
    pub(crate) fn secured_kafka() -> Self {
        Self::start("kafka.sh", &["--secured"], &[])
    }

    /// Grants a user of a secured Kafka the permissions in `acl`, which are options of Kafka's `AclCommand`.
    pub(crate) fn allow(&self, user: &str, acl: &[&str]) {
        let status = Command::new(&self.script).arg("allow").arg(&self.folder).arg(user).args(acl).status().unwrap();
        assert!(status.success(), "allow {user} {acl:?}: {status}");
    }

    /// Returns the address of the listener of a secured Kafka that needs no login and advertises `nowhere.invalid`.
    pub(crate) fn unresolvable_address(&self) -> String {
        let port = std::fs::read_to_string(self.folder.join("misled.port")).unwrap();
        format!("127.0.0.1:{}", port.trim())
    }

    fn start(script: &str, options: &'static [&'static str], environment: &[(&'static str, String)]) -> Self {
        let script = PathBuf::from(variable("TEST_SERVICES")).join(script);
        let folder = PathBuf::from(variable("TEST_SERVICES_RUN")).join(unique_name());
        let mut service = Self { script, folder, options, environment: environment.to_vec(), address: String::new() };
        service.address = service.call("start", options);
        service
    }

    fn call(&self, word: &str, options: &[&str]) -> String {
        let mut command = Command::new(&self.script);
        command.arg(word).args(options).arg(&self.folder).stdin(Stdio::null()).stderr(Stdio::inherit());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{word} {}: {}", self.folder.display(), output.status);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Stops it cleanly and keeps its data.
    pub(crate) fn stop(&self) {
        self.call("stop", &[]);
    }

    /// Starts it on the same port with the same data.
    pub(crate) fn start_again(&self) {
        self.call("start", self.options);
    }

    /// Kills it without a shutdown.
    pub(crate) fn crash(&self) {
        self.call("crash", &[]);
    }

    /// Suspends it: its connections stay open and it does not respond.
    pub(crate) fn pause(&self) {
        self.call("pause", &[]);
    }

    /// Ends a pause.
    pub(crate) fn resume(&self) {
        self.call("resume", &[]);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let mut command = Command::new(&self.script);
        // Best effort: `make test` stops services that are still running at the end.
        let _ = command.arg("stop").arg(&self.folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
