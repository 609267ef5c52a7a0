//! Tests the simulator over HTTP, as its clients see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests by their attribute, and not their helpers")]

mod credits;
mod faults;
mod lifecycle;
mod official_clients;
mod receiver;
mod recorded;
mod states;
mod tokens;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use simulator::{Clock, ManualClock, Options, Simulator};
use ureq::Agent;
use ureq::http::Response;

/// A Monday, 12:00:07 UTC.
const NOON: i64 = 1_754_308_807;

/// A simulator whose clock is stopped at noon.
struct Sky {
    simulator: Simulator,
    clock: ManualClock,
    agent: Agent,
}

/// A response, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

impl Sky {
    fn start(options: Options) -> Self {
        let clock = ManualClock::new(NOON);
        let simulator = simulator::start(Options { clock: Clock::Manual(clock.clone()), ..options }).unwrap();
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20)));
        Self { simulator, clock, agent: config.build().new_agent() }
    }

    fn of(aircraft: usize) -> Self {
        Self::start(Options { aircraft, ..Options::default() })
    }

    /// Requests states anonymously, with a query such as `?extended=1`.
    fn states(&self, query: &str) -> Answer {
        self.try_states(query).unwrap()
    }

    fn try_states(&self, query: &str) -> Result<Answer, ureq::Error> {
        Answer::read(self.agent.get(format!("{}/states/all{query}", self.simulator.base_url())).call()?)
    }

    /// Requests states with a token.
    fn states_with(&self, token: &str, query: &str) -> Answer {
        let url = format!("{}/states/all{query}", self.simulator.base_url());
        Answer::read(self.agent.get(url).header("Authorization", format!("Bearer {token}")).call().unwrap()).unwrap()
    }

    /// Requests a token; a simulator without credentials issues one to any client.
    fn token_answer(&self, form: &[(&str, &str)]) -> Answer {
        let form = form.iter().copied();
        Answer::read(self.agent.post(self.simulator.auth_url()).send_form(form).unwrap()).unwrap()
    }

    fn token(&self) -> String {
        let answer = self.token_answer(&[
            ("grant_type", "client_credentials"),
            ("client_id", "me"),
            ("client_secret", "it is me"),
        ]);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    fn read(mut response: Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let body = response.body_mut().with_config().limit(100 << 20).read_to_string()?;
        Ok(Self { status: response.status().as_u16(), headers, body })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the rows; none if `states` is null.
    fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()["states"].as_array().cloned().unwrap_or_default()
    }
}
