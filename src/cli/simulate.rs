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
  flight-monitor simulate --sbs 127.0.0.1:30003 --beast 127.0.0.1:30005 --receiver 47.46,8.55
  OPENSKY_BASE_URL=http://127.0.0.1:8082/api \\
  OPENSKY_AUTH_URL=http://127.0.0.1:8082/auth/realms/opensky-network/protocol/openid-connect/token \\
  flight-monitor serve

Faults on request; the first that matches is applied (GET lists the pending ones, DELETE removes them):
  curl -d '{\"target\":\"states\",\"kind\":\"status\",\"status\":503,\"times\":3}' \\
       -H 'Content-Type: application/json' http://127.0.0.1:8082/_faults
  target    states, token, aircraft_json, v2, sbs, beast
  kind      status, html, hang, reset, refuse, truncate, drip, empty, garbage, huge, quiet, stale, wrong_types,
            null_states, bad_rows
  also      headers, times (by default until it is removed; seconds for sbs and beast), probability

A receiver hears the same aircraft: /data/aircraft.json, and with --sbs and --beast ports like readsb's 30003 and 30005.
A community hears all of them: /v2/point/LAT/LON/RADIUS, /v2/lat/LAT/lon/LON/dist/RADIUS and /v2/hex/ADDRESSES.")]
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

    /// Where the receiver stands, in degrees
    #[arg(long, value_name = "LAT,LON", default_value = "50.05,8.6", allow_hyphen_values = true, value_parser = position)]
    pub receiver: (f64, f64),

    /// Range of the receiver in km
    #[arg(long, value_name = "KM", default_value_t = 250.0, conflicts_with = "receiver_hears_all")]
    pub receiver_range: f64,

    /// Let the receiver hear every aircraft in the world, for measurements
    #[arg(long)]
    pub receiver_hears_all: bool,

    /// Fraction of ADS-B's message rates that the receiver hears, from 0.05 to 1
    #[arg(long, value_name = "FRACTION", default_value_t = 1.0)]
    pub message_rate: f64,

    /// Send the receiver's messages in SBS-1 (BaseStation) format to clients of this address
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "recorded")]
    pub sbs: Option<SocketAddr>,

    /// Hours that the local time in SBS messages is ahead of UTC
    #[arg(long, value_name = "HOURS", default_value_t = 0, requires = "sbs", allow_hyphen_values = true,
        value_parser = clap::value_parser!(i32).range(-12..=14))]
    pub sbs_utc_offset: i32,

    /// Send the receiver's messages in Beast format to clients of this address
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "recorded")]
    pub beast: Option<SocketAddr>,

    /// Use GPS time instead of a 12-MHz counter in Beast messages
    #[arg(long, requires = "beast")]
    pub beast_gps_clock: bool,

    /// Minimum time between two requests of a client to /v2
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub community_interval: Duration,

    /// Accept any number of requests to /v2
    #[arg(long, conflicts_with = "community_interval")]
    pub community_unlimited: bool,

    /// Refuse too frequent requests to /v2 without a Retry-After header
    #[arg(long)]
    pub community_no_retry_after: bool,

    /// The key that /v2 requires in the header api-auth; by default none
    #[arg(long, value_name = "KEY", value_parser = |text: &str| Ok::<_, std::convert::Infallible>(Secret::new(text)))]
    pub community_key: Option<Secret>,
}

impl SimulateArgs {
    /// Returns the options of the simulator.
    pub fn options(&self) -> simulator::Options {
        let source = if self.recorded.is_empty() {
            simulator::SkySource::Generated
        } else {
            simulator::SkySource::Recorded {
                files: self.recorded.clone(),
                shift_times: !self.original_times,
                after_last: simulator::AfterLast::Cycle,
            }
        };
        let credentials = self
            .client_id
            .as_ref()
            .zip(self.client_secret.as_ref())
            .map(|(id, secret)| simulator::ClientCredentials { id: id.clone(), secret: secret.expose().to_owned() });
        let anonymous = simulator::DailyCredits::default().anonymous;
        let (account, account_refill) = match self.hourly_credits {
            Some(credits) => (credits, simulator::Refill::Hourly),
            None => (self.daily_credits, simulator::Refill::Daily),
        };
        let (lat, lon) = self.receiver;
        simulator::Options {
            address: self.address,
            source,
            aircraft: self.aircraft as usize,
            seed: self.seed,
            speed: self.speed,
            changes: if self.all_change { simulator::Changes::All } else { simulator::Changes::Natural },
            credentials,
            token_life: self.token_life,
            daily_credits: simulator::DailyCredits { anonymous, account },
            account_refill,
            receiver: simulator::Receiver {
                lat,
                lon,
                range_km: (!self.receiver_hears_all).then_some(self.receiver_range),
                message_rate: self.message_rate,
            },
            sbs: self.sbs.map(|address| simulator::Sbs { address, utc_offset: self.sbs_utc_offset * 3_600 }),
            beast: self.beast.map(|address| simulator::Beast { address, gps_clock: self.beast_gps_clock }),
            community: simulator::Community {
                interval: (!self.community_unlimited).then_some(self.community_interval),
                retry_after: !self.community_no_retry_after,
                api_key: self.community_key.as_ref().map(|key| key.expose().to_owned()),
            },
            ..simulator::Options::default()
        }
    }
}

/// Parses a position such as `47.46,8.55`.
fn position(text: &str) -> Result<(f64, f64), String> {
    let degrees = |text: &str, limit: f64| text.trim().parse().ok().filter(|value: &f64| value.abs() <= limit);
    text.split_once(',')
        .and_then(|(lat, lon)| degrees(lat, 90.0).zip(degrees(lon, 180.0)))
        .ok_or_else(|| "expected latitude and longitude in degrees, such as 47.46,8.55".to_owned())
}
