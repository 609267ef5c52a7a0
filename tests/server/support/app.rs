use std::collections::HashMap;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::http::{Answer, request};
use super::log::Log;
use super::setup::{ADMIN_TOKEN, Setup};
use super::sky::Sky;
use super::sse::SseClient;
use super::{PATIENCE, eventually};

/// The program as a process. It is killed with this, and a failing test shows its log.
pub(crate) struct TestApp {
    child: Mutex<Child>,
    pub(crate) log: Log,
    pub(crate) output: Log,
    /// `host:port`, where it is a server.
    pub(crate) address: String,
    /// Its working directory is there as long as it is.
    _directory: Arc<TempDir>,
}

impl TestApp {
    pub(crate) fn of(child: Child, log: Log, output: Log, directory: Arc<TempDir>) -> Self {
        Self { child: Mutex::new(child), log, output, address: String::new(), _directory: directory }
    }

    pub(crate) fn start(setup: &Setup) -> Self {
        let mut app = setup.spawn();
        let address = app.log.wait("its address", |line| {
            let (_, url) = line.split_once("  open      ")?;
            let (_, address) = url.split_once("://")?;
            Some(address.trim_end_matches('/').to_owned())
        });
        app.address = address.unwrap_or_else(|| panic!("the server ended before it listened"));
        app
    }

    /// `GET` of a path.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// Any request.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        request(method, &format!("http://{}{path}", self.address), headers)
    }

    /// A new client of `/sse/flights`, which has its acknowledgement.
    pub(crate) fn sse(&self) -> SseClient {
        let client = SseClient::connect(&self.address, &[]);
        client.wait("the acknowledgement", |seen| !seen.events.is_empty());
        client
    }

    /// What `/admin/actors` says of an actor.
    pub(crate) fn actor(&self, name: &str) -> Value {
        let answer = self.ask("GET", "/admin/actors", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))]);
        let actors = answer.json();
        let actor = actors["actors"].as_array().unwrap().iter().find(|actor| actor["name"] == name);
        actor.unwrap_or_else(|| panic!("no actor {name}")).clone()
    }

    /// Waits until an actor is as it should be.
    pub(crate) fn wait_actor(&self, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{name}: {what}"), || Some(self.actor(name)).filter(&is))
    }

    /// Waits until the server says that its clients can use it.
    pub(crate) fn wait_ready(&self) {
        eventually("the server is ready", || (self.get("/health/ready").status == 200).then_some(()));
    }

    /// Waits until `/health/ready` says that nothing can be stored, while the server is ready all the same; the reason.
    pub(crate) fn wait_not_stored(&self) -> String {
        self.wait_ready();
        eventually("storing is refused", || {
            let reason = self.part("db-writer")?["reason"].as_str()?.to_owned();
            reason.starts_with("database refused").then_some(reason)
        })
    }

    /// A part of `/health/ready`.
    pub(crate) fn part(&self, name: &str) -> Option<Value> {
        let parts = self.get("/health/ready").json();
        parts["parts"].as_array()?.iter().find(|part| part["part"] == name).cloned()
    }

    /// Waits until so many aircraft are in the live picture, or more.
    pub(crate) fn wait_aircraft(&self, count: u64) {
        let shown = || self.get("/api/v1/flights").json()["count"].as_u64();
        eventually("aircraft are shown", || (shown() >= Some(count)).then_some(()));
    }

    /// Waits until the live picture is the newest of all that was served.
    pub(crate) fn wait_shown(&self, sky: &Sky) {
        let newest: HashMap<_, _> = sky.served().into_iter().collect();
        eventually("the newest states are shown", || {
            let flights = self.get("/api/v1/flights").json();
            let states = flights["states"].as_array()?;
            let is_newest = |state: &Value| state["last_contact"] == newest[state["icao24"].as_str().unwrap()];
            (states.len() == newest.len() && states.iter().all(is_newest)).then_some(())
        });
    }

    /// Makes an actor panic.
    pub(crate) fn panic(&self, name: &str) {
        let path = format!("/admin/actors/{name}/panic");
        let answer = self.ask("POST", &path, &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))]);
        assert_eq!(answer.status, 202);
    }

    /// The sum over all labels of a metric, by its name without the prefix.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text();
        let of_name = |line: &&str| {
            let Some(rest) = line.strip_prefix("flight_monitor_").and_then(|rest| rest.strip_prefix(name)) else {
                return false;
            };
            rest.starts_with([' ', '{'])
        };
        text.lines().filter(of_name).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// A sample of `/metrics` by its name, without the prefix, and its labels.
    pub(crate) fn sample(&self, name: &str) -> Option<f64> {
        let (text, name) = (self.get("/metrics").text(), format!("flight_monitor_{name} "));
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id().try_into().unwrap()), signal).unwrap();
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// How many sockets it has open.
    pub(crate) fn sockets(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap();
        let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_none()
    }

    /// SIGKILL, and its end.
    pub(crate) fn kill_9(mut self) {
        self.signal(Signal::SIGKILL);
        self.wait_exit();
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Waits for its end; the exit code, `None` after a signal.
    pub(crate) fn wait_exit(&mut self) -> Option<i32> {
        let status = eventually("the process ends", || self.child.lock().unwrap().try_wait().unwrap());
        status.code()
    }

    /// SIGTERM, and a clean end within the default deadline.
    pub(crate) fn end(mut self) {
        let began = Instant::now();
        self.terminate();
        assert_eq!(self.wait_exit(), Some(0));
        assert!(began.elapsed() < PATIENCE.min(Duration::from_secs(26)), "it took {:?}", began.elapsed());
    }

    /// Lines of the log with this in them.
    pub(crate) fn lines_with(&self, text: &str) -> usize {
        self.log.lines().iter().filter(|line| line.contains(text)).count()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ended = child.try_wait().ok().flatten();
        if ended.is_none() {
            // It may end in the meantime.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let lines = self.log.lines();
            let left_out = lines.len().saturating_sub(300);
            #[expect(clippy::print_stderr, reason = "the test harness shows it with the failure")]
            {
                eprintln!("--- log of {} ({ended:?}), without its first {left_out} lines", self.address);
                lines[left_out..].iter().for_each(|line| eprintln!("{line}"));
            }
        }
    }
}
