use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{unique_name, variable};

/// A service of a test's own, to be broken; it ends with this.
pub(crate) struct Service {
    script: PathBuf,
    folder: PathBuf,
    /// Where it listens: bootstrap servers, or a URL.
    pub(crate) address: String,
}

impl Service {
    /// An empty PostgreSQL.
    pub(crate) fn postgres() -> Self {
        Self::start("postgres.sh", &["--fast"])
    }

    /// An empty Kafka.
    pub(crate) fn kafka() -> Self {
        Self::start("kafka.sh", &[])
    }

    fn start(script: &str, options: &[&str]) -> Self {
        let script = PathBuf::from(variable("TEST_SERVICES")).join(script);
        let folder = PathBuf::from(variable("TEST_SERVICES_RUN")).join(unique_name());
        let mut service = Self { script, folder, address: String::new() };
        service.address = service.call("start", options);
        service
    }

    fn call(&self, word: &str, options: &[&str]) -> String {
        let mut command = Command::new(&self.script);
        command.arg(word).args(options).arg(&self.folder).stdin(Stdio::null()).stderr(Stdio::inherit());
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
        self.call("start", &[]);
    }

    /// As a power cut would.
    pub(crate) fn crash(&self) {
        self.call("crash", &[]);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let mut command = Command::new(&self.script);
        // What is left is ended with the tests.
        let _ = command.arg("stop").arg(&self.folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
