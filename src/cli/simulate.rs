use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{duration, simulated_speed};
use crate::config::Secret;

/// `simulate`: the OpenSky stand-in alone.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor simulate --aircraft 8000 --speed 10
  flight-monitor simulate --aircraft 10000 --all-change
  flight-monitor simulate --recorded monday-1.json monday-2.json
  OPENSKY_BASE_URL=http://127.0.0.1:8082/api \\
  OPENSKY_AUTH_URL=http://127.0.0.1:8082/auth/realms/opensky-network/protocol/openid-connect/token \\
  flight-monitor serve

Faults on request, of which the first that fits strikes (GET lists those that wait, DELETE ends them):
  curl -d '{\"target\":\"states\",\"kind\":\"status\",\"status\":503,\"times\":3}' \\
       -H 'Content-Type: application/json' http://127.0.0.1:8082/_faults
  target    states, token
  kind      status, html, hang, reset, truncate, drip, empty, wrong_types, null_states, bad_rows
  also      headers, times (without it until it is ended), probability")]
pub struct SimulateArgs {
    /// The address to listen on
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8082")]
    pub address: SocketAddr,

    /// How many aircraft fly
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub aircraft: u32,

    /// The same seed gives the same flights
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How many times faster than in reality they fly
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = simulated_speed)]
    pub speed: f64,

    /// Have news of every aircraft at each poll, for measurements: none falls silent, begins or ends
    #[arg(long, conflicts_with = "recorded")]
    pub all_change: bool,

    /// Answer with these recorded responses, in turn, in place of invented flights
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub recorded: Vec<PathBuf>,

    /// Leave the recorded responses' times as they are, and do not move them to the present
    #[arg(long, requires = "recorded")]
    pub original_times: bool,

    /// The client id to ask for; without one every client is let in
    #[arg(long, value_name = "ID", requires = "client_secret")]
    pub client_id: Option<String>,

    /// The client secret to ask for, an invented one
    #[arg(long, value_name = "SECRET", requires = "client_id", value_parser = |text: &str| Ok::<_, std::convert::Infallible>(Secret::new(text)))]
    pub client_secret: Option<Secret>,

    /// How long an access token is good for
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub token_life: Duration,

    /// How many credits a client has a day
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub daily_credits: u32,

    /// How many credits a client has an hour, as OpenSky's licensed users do (14400), in place of daily ones
    #[arg(long, value_name = "N", conflicts_with = "daily_credits")]
    pub hourly_credits: Option<u32>,
}
