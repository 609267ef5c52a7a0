//! The server under test: the release binary in the role that serves browsers.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bench::server::program;
use loadgen::Target;
use tempfile::tempdir;

use crate::group::{Group, pause};

/// `flight-monitor serve --roles live` on a real Kafka.
pub(crate) struct Hub {
    pub(crate) group: Group,
    address: SocketAddr,
}

impl Hub {
    /// Starts the server with its own topic, and waits until it is ready.
    pub(crate) fn start(kafka: &str, topic: &str) -> anyhow::Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(program()?);
        command
            .args(["serve", "--roles", "live"])
            .env_clear()
            .env("HTTP_PORT", address.port().to_string())
            .env("KAFKA_BOOTSTRAP_SERVERS", kafka)
            .env("KAFKA_TOPIC_RAW", topic)
            .env("KAFKA_TOPIC_DEAD_LETTER", format!("{topic}.dead-letter"))
            // All clients connect from a few addresses of this machine.
            .env("SSE_MAX_CLIENTS_PER_ADDRESS", "20000")
            .stdout(Stdio::null());
        let hub = Self { group: Group::start(command, tempdir()?)?, address };
        let deadline = Instant::now() + Duration::from_secs(60);
        while hub.get("/health/ready").is_err() {
            if Instant::now() > deadline {
                bail!("the server is not ready; end of its log:\n{}", hub.group.log());
            }
            pause(Duration::from_millis(50));
        }
        Ok(hub)
    }

    /// Returns one of its streams as a target.
    pub(crate) fn target(&self, path: &str) -> anyhow::Result<Target> {
        Ok(Target::new(self.address, path)?)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns a metric's value, summed over all labels.
    pub(crate) fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.get("/metrics")?;
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            if !rest.starts_with([' ', '{']) {
                return None;
            }
            rest.rsplit_once(' ')?.1.parse::<f64>().ok()
        });
        let values: Vec<_> = values.collect();
        anyhow::ensure!(!values.is_empty(), "unknown metric {name}");
        Ok(values.iter().sum())
    }

    fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut answer = ureq::get(format!("http://{}{path}", self.address)).call()?;
        answer.body_mut().read_to_string().context("no text")
    }
}
