use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{unique_name, variable};

/// A service of a test's own, to be broken; it ends with this.
pub(crate) struct Service {
    script: PathBuf,
    folder: PathBuf,
    /// Of each start.
    options: &'static [&'static str],
    environment: Vec<(&'static str, String)>,
    /// Where it listens: bootstrap servers, or a URL.
    pub(crate) address: String,
}

impl Service {
    /// An empty PostgreSQL.
    pub(crate) fn postgres() -> Self {
        Self::start("postgres.sh", &["--fast"], &[])
    }

    /// An empty PostgreSQL that keeps what it has confirmed, whatever happens to it, with these options.
    pub(crate) fn durable_postgres(options: &'static str) -> Self {
        Self::start("postgres.sh", &[], &[("POSTGRES_OPTIONS", options.to_owned())])
    }

    /// A PgBouncer before this PostgreSQL.
    pub(crate) fn pgbouncer(server: &str, pool_mode: &str) -> Self {
        let server = url::Url::parse(server).unwrap();
        let server = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
        Self::start("pgbouncer.sh", &[], &[("PGBOUNCER_SERVER", server), ("PGBOUNCER_POOL_MODE", pool_mode.to_owned())])
    }

    /// The next start has this in its environment.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
    }

    /// An empty Kafka.
    pub(crate) fn kafka() -> Self {
        Self::kafka_with("")
    }

    /// An empty Kafka with these properties.
    pub(crate) fn kafka_with(properties: &str) -> Self {
        Self::start("kafka.sh", &[], &[("KAFKA_PROPERTIES", properties.to_owned())])
    }

    /// An empty Kafka with logins and ACLs, and a listener that advertises a name that cannot be resolved.
    pub(crate) fn secured_kafka() -> Self {
        Self::start("kafka.sh", &["--secured"], &[])
    }

    /// Permits a user of a secured Kafka what these options of Kafka's `AclCommand` say.
    pub(crate) fn allow(&self, user: &str, acl: &[&str]) {
        let status = Command::new(&self.script).arg("allow").arg(&self.folder).arg(user).args(acl).status().unwrap();
        assert!(status.success(), "allow {user} {acl:?}: {status}");
    }

    /// Where a secured Kafka needs no login, and tells its clients to go on at nowhere.invalid.
    pub(crate) fn misled_address(&self) -> String {
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

    /// In order, with its data kept.
    pub(crate) fn stop(&self) {
        self.call("stop", &[]);
    }

    /// On the same port, with the same data.
    pub(crate) fn start_again(&self) {
        self.call("start", self.options);
    }

    /// As a power cut would.
    pub(crate) fn crash(&self) {
        self.call("crash", &[]);
    }

    /// It keeps its connections and answers nobody.
    pub(crate) fn pause(&self) {
        self.call("pause", &[]);
    }

    /// The end of a pause.
    pub(crate) fn resume(&self) {
        self.call("resume", &[]);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let mut command = Command::new(&self.script);
        // What is left is ended with the tests.
        let _ = command.arg("stop").arg(&self.folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
