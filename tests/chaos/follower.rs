//! A client of the stream that stays, and remembers little.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::Value;
use ureq::http::Request;

use crate::support::{Key, key};

/// Reads `/sse/flights` on a thread of its own until it ends.
pub(crate) struct Follower(Arc<Mutex<Followed>>);

/// What it has seen.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// The newest state of each aircraft.
    pub(crate) newest: HashMap<String, i64>,
    /// The newest `last_contact` of all.
    pub(crate) latest: i64,
    /// States that were not newer than the one before of their aircraft.
    pub(crate) backwards: Vec<Key>,
    pub(crate) states: u64,
    pub(crate) ended: bool,
}

impl Follower {
    /// Connects; what is shown from now on will be seen.
    pub(crate) fn of(address: &str) -> Self {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let request = Request::get(format!("http://{address}/sse/flights")).body(()).unwrap();
        let mut stream = BufReader::new(agent.run(request).unwrap().into_body().into_reader());
        let mut acknowledgement = String::new();
        while !acknowledgement.contains("connection_ack") {
            assert!(stream.read_line(&mut acknowledgement).unwrap() > 0, "the stream ended at once");
        }
        let followed = Arc::<Mutex<Followed>>::default();
        let into = followed.clone();
        thread::spawn(move || {
            for line in stream.lines().map_while(Result::ok) {
                let Some(data) = line.strip_prefix("data: ") else { continue };
                // The last line of a killed server may be cut short.
                let Ok(event) = serde_json::from_str::<Value>(data) else { break };
                into.lock().unwrap().note(key(&event));
            }
            into.lock().unwrap().ended = true;
        });
        Self(followed)
    }

    /// What it has seen until now.
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
