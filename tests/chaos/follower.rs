//! A client that follows the live stream and keeps only the newest time of each aircraft.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::Value;
use ureq::http::Request;

use crate::support::{Key, key};

/// Reads `/sse/flights` on its own thread until the stream ends.
pub(crate) struct Follower(Arc<Mutex<Followed>>);

/// What the client has received.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// The newest `last_contact` of each aircraft.
    pub(crate) newest: HashMap<String, i64>,
    /// The newest `last_contact` of all aircraft.
    pub(crate) latest: i64,
    /// States that were not newer than the previous state of the same aircraft.
    pub(crate) backwards: Vec<Key>,
    pub(crate) states: u64,
    pub(crate) ended: bool,
}

impl Follower {
    /// Connects. The client receives everything that is streamed after this returns.
    pub(crate) fn of(address: &str) -> Self {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let request = Request::get(format!("http://{address}/sse/flights")).body(()).unwrap();
        let mut stream = BufReader::new(agent.run(request).unwrap().into_body().into_reader());
        let mut acknowledgement = String::new();
        while !acknowledgement.contains("connection_ack") {
            assert!(stream.read_line(&mut acknowledgement).unwrap() > 0, "the stream ended immediately");
        }
        let followed = Arc::<Mutex<Followed>>::default();
        let into = followed.clone();
        thread::spawn(move || {
            for line in stream.lines().map_while(Result::ok) {
                let Some(data) = line.strip_prefix("data: ") else { continue };
                // If the server is killed, its last line may be truncated.
                let Ok(event) = serde_json::from_str::<Value>(data) else { break };
                into.lock().unwrap().note(key(&event));
            }
            into.lock().unwrap().ended = true;
        });
        Self(followed)
    }

    /// Returns what the client has received so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Followed> {
        self.0.lock().unwrap()
    }
}

impl Followed {
    fn note(&mut self, (icao24, at): Key) {
        self.states += 1;
        self.latest = self.latest.max(at);
        match self.newest.insert(icao24.clone(), at) {
            Some(before) if before >= at => self.backwards.push((icao24, at)),
            _ => {}
        }
    }
}
