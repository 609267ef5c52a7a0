//! State vectors from polls of the simulated OpenSky.

use std::collections::HashMap;
use std::io::Read;
use std::time::Duration;

use actors::domain::{Icao24, StateVector, UnixTime};
use anyhow::Context;
use flight_monitor::sources::opensky::wire::parse_states;
use simulator::{Clock, DailyCredits, ManualClock, Simulator};

/// A simulated sky whose clock advances from poll to poll.
pub(crate) struct Sky {
    simulator: Simulator,
    clock: ManualClock,
    from: i64,
    every: Duration,
    /// The header of an account, which gets every second; anonymous requests get every tenth.
    authorization: String,
}

impl Sky {
    /// Starts a sky with about `aircraft` aircraft, polled at the interval `every`. Its clock starts two hours ago, on
    /// a full hour.
    pub(crate) fn start(aircraft: usize, every: Duration) -> anyhow::Result<Self> {
        let hour = UnixTime::now().0.div_euclid(3600) * 3600;
        let from = hour - 2 * 3600;
        let clock = ManualClock::new(from);
        let simulator = simulator::start(simulator::Options {
            aircraft,
            clock: Clock::Manual(clock.clone()),
            daily_credits: DailyCredits { anonymous: u32::MAX, account: u32::MAX },
            token_life: Duration::from_secs(7 * 86_400),
            ..simulator::Options::default()
        })?;
        let account = [("grant_type", "client_credentials"), ("client_id", "bench"), ("client_secret", "bench")];
        let token: serde_json::Value = ureq::post(simulator.auth_url()).send_form(account)?.body_mut().read_json()?;
        let token = token["access_token"].as_str().context("the simulator returned no token")?;
        Ok(Self { authorization: format!("Bearer {token}"), simulator, clock, from, every })
    }

    /// Returns the state vectors that changed from poll to poll, which are the ones to publish.
    pub(crate) fn polls(&self) -> impl Iterator<Item = anyhow::Result<Vec<StateVector>>> {
        let mut newest: HashMap<Icao24, UnixTime> = HashMap::new();
        (0..).map(move |poll: i64| {
            self.clock.set(self.from + poll * self.every.as_secs().cast_signed());
            let mut body = Vec::new();
            let url = format!("{}/states/all?extended=1", self.simulator.base_url());
            ureq::get(&url)
                .header("Authorization", &self.authorization)
                .call()?
                .into_body()
                .into_reader()
                .read_to_end(&mut body)?;
            let mut states = parse_states(&body)?.states;
            states.retain(|state| {
                // The simulator may return an earlier flight of an aircraft.
                let known = newest.entry(state.icao24).or_insert(UnixTime(i64::MIN));
                let is_news = state.last_contact > *known;
                *known = state.last_contact.max(*known);
                is_news
            });
            Ok(states)
        })
    }
}
