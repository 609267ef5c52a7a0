use std::collections::HashMap;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::http::{HttpResponse, request};
use super::log::Log;
use super::setup::{ADMIN_TOKEN, Setup};
use super::sky::Sky;
use super::sse::SseClient;
use super::{TEST_TIMEOUT, eventually};

/// The program running as a process. Dropping this kills it; if the test failed, its log is printed.
pub(crate) struct TestApp {
    child: Mutex<Child>,
    pub(crate) log: Log,
    pub(crate) output: Log,
    /// `host:port`; empty for a command that does not listen.
    pub(crate) address: String,
    /// Keeps the working directory alive while the process runs.
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

    /// Sends a `GET` request.
    pub(crate) fn get(&self, path: &str) -> HttpResponse {
        self.ask("GET", path, &[])
    }

    /// Sends a request with any method and headers.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
        request(method, &format!("http://{}{path}", self.address), headers)
    }

    /// Connects a client to `/sse/flights` and waits for its acknowledgement.
    pub(crate) fn sse(&self) -> SseClient {
        let client = SseClient::connect(&self.address, &[]);
        client.wait("the acknowledgement", |seen| !seen.events.is_empty());
        client
    }

    /// Returns an actor's entry in `/admin/actors`.
    pub(crate) fn actor(&self, name: &str) -> Value {
        let answer = self.ask("GET", "/admin/actors", &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))]);
        let actors = answer.json();
        let actor = actors["actors"].as_array().unwrap().iter().find(|actor| actor["name"] == name);
        actor.unwrap_or_else(|| panic!("no actor {name}")).clone()
    }

    /// Waits until an actor's entry satisfies a condition, and returns the entry.
    pub(crate) fn wait_actor(&self, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{name}: {what}"), || Some(self.actor(name)).filter(&is))
    }

    /// Waits until `/health/ready` returns 200.
    pub(crate) fn wait_ready(&self) {
        eventually("the server is ready", || (self.get("/health/ready").status == 200).then_some(()));
    }

    /// Waits until `/health/ready` reports that the database refuses writes, although the server as a whole is ready.
    /// Returns the reason.
    pub(crate) fn wait_storing_refused(&self) -> String {
        self.wait_ready();
        eventually("storing is refused", || {
            let reason = self.part("db-writer")?["reason"].as_str()?.to_owned();
            reason.starts_with("database refused").then_some(reason)
        })
    }

    /// Returns a part of `/health/ready`.
    pub(crate) fn part(&self, name: &str) -> Option<Value> {
        let parts = self.get("/health/ready").json();
        parts["parts"].as_array()?.iter().find(|part| part["part"] == name).cloned()
    }

    /// Waits until the live picture contains at least `count` aircraft.
    pub(crate) fn wait_aircraft(&self, count: u64) {
        let shown = || self.get("/api/v1/flights").json()["count"].as_u64();
        eventually("aircraft are shown", || (shown() >= Some(count)).then_some(()));
    }

    /// Waits until the live picture holds each aircraft's newest served state.
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

    /// Returns the sum of a metric over all labels. `name` omits the prefix `flight_monitor_`.
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

    /// Returns one sample of `/metrics`. `name` omits the prefix and includes the labels.
    pub(crate) fn sample(&self, name: &str) -> Option<f64> {
        let (text, name) = (self.get("/metrics").text(), format!("flight_monitor_{name} "));
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id().try_into().unwrap()), signal).unwrap();
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// Returns the number of sockets the process has open.
    pub(crate) fn sockets(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap();
        let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Returns whether the process is still running.
    pub(crate) fn is_running(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_none()
    }

    /// Sends SIGKILL and waits for the process to end.
    pub(crate) fn kill_9(mut self) {
        self.signal(Signal::SIGKILL);
        self.wait_exit();
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Waits for the process to end. Returns its exit code, or `None` if a signal killed it.
    pub(crate) fn wait_exit(&mut self) -> Option<i32> {
        let status = eventually("the process ends", || self.child.lock().unwrap().try_wait().unwrap());
        status.code()
    }

    /// Sends SIGTERM and asserts a clean exit within the default shutdown timeout.
    pub(crate) fn end(mut self) {
        let began = Instant::now();
        self.terminate();
        assert_eq!(self.wait_exit(), Some(0));
        assert!(began.elapsed() < TEST_TIMEOUT.min(Duration::from_secs(26)), "it took {:?}", began.elapsed());
    }

    /// Returns the number of log lines that contain `text`.
    pub(crate) fn lines_with(&self, text: &str) -> usize {
        self.log.lines().iter().filter(|line| line.contains(text)).count()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ended = child.try_wait().ok().flatten();
        if ended.is_none() {
            // Fails if the process exits in between.
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
