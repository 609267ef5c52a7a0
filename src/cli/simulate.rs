use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{duration, simulated_speed};
use crate::config::Secret;

/// `simulate`: the OpenSky simulator alone.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  flight-monitor simulate --aircraft 8000 --speed 10
  flight-monitor simulate --aircraft 10000 --all-change
  flight-monitor simulate --recorded monday-1.json monday-2.json
  OPENSKY_BASE_URL=http://127.0.0.1:8082/api \\
  OPENSKY_AUTH_URL=http://127.0.0.1:8082/auth/realms/opensky-network/protocol/openid-connect/token \\
  flight-monitor serve

Faults on request; the first that matches is applied (GET lists the pending ones, DELETE removes them):
  curl -d '{\"target\":\"states\",\"kind\":\"status\",\"status\":503,\"times\":3}' \\
       -H 'Content-Type: application/json' http://127.0.0.1:8082/_faults
  target    states, token
  kind      status, html, hang, reset, truncate, drip, empty, wrong_types, null_states, bad_rows
  also      headers, times (by default until it is removed), probability")]
pub struct SimulateArgs {
    /// The address to listen on
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8082")]
    pub address: SocketAddr,

    /// Number of aircraft
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub aircraft: u32,

    /// The same seed gives the same flights
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Speed of the aircraft relative to real time
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = simulated_speed)]
    pub speed: f64,

    /// Change every aircraft at each poll, for measurements: none appears, disappears or falls silent
    #[arg(long, conflicts_with = "recorded")]
    pub all_change: bool,

    /// Respond with these recordings, in turn, instead of simulated flights
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub recorded: Vec<PathBuf>,

    /// Keep the recorded times instead of moving them to the present
    #[arg(long, requires = "recorded")]
    pub original_times: bool,

    /// The required client id; by default every client is accepted
    #[arg(long, value_name = "ID", requires = "client_secret")]
    pub client_id: Option<String>,

    /// The required client secret, not a real one
    #[arg(long, value_name = "SECRET", requires = "client_id", value_parser = |text: &str| Ok::<_, std::convert::Infallible>(Secret::new(text)))]
    pub client_secret: Option<Secret>,

    /// Lifetime of an access token
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration)]
    pub token_life: Duration,

    /// Credits of a client per day
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub daily_credits: u32,

    /// Credits of a client per hour, as for OpenSky's licensed users (14400), instead of daily ones
    #[arg(long, value_name = "N", conflicts_with = "daily_credits")]
    pub hourly_credits: Option<u32>,
}
