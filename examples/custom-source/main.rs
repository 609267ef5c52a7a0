//! A server with a source of its own: a JSON file that another program replaces every second.
//!
//! ```sh
//! cargo run --example custom-source -- examples/custom-source/aircraft.json
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use actors::domain::{Snapshot, StateVector, StateVectorParts, UnixTime};
use actors::ports::{Cadence, CadenceReason, Fetched, SourceError, StateSource};
use flight_monitor::app::App;
use flight_monitor::config::{Environment, Flags, Settings};
use flight_monitor::logging;
use flight_monitor::sources::{Source, SourceInfo};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;

/// The form of the file: feet and knots, and an age instead of a time.
#[derive(Deserialize)]
struct Aircraft {
    hex: String,
    flight: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    altitude_ft: Option<f64>,
    speed_kt: Option<f64>,
    seconds_ago: i64,
}

impl Aircraft {
    /// Converts to SI units. Invalid values are rejected, one aircraft at a time.
    fn into_parts(self, written: UnixTime) -> StateVectorParts {
        let heard = written.0 - self.seconds_ago;
        StateVectorParts {
            icao24: self.hex.into(),
            callsign: self.flight.map(Into::into),
            lat: self.lat,
            lon: self.lon,
            baro_altitude: self.altitude_ft.map(|feet| feet * 0.3048),
            velocity: self.speed_kt.map(|knots| knots * 1852.0 / 3600.0),
            time_position: self.lat.map(|_| heard),
            last_contact: Some(heard),
            observed_at: Some(written.0),
            ..StateVectorParts::default()
        }
    }
}

/// The source. A Poller asks it again and again, at its cadence.
struct FileSource(PathBuf);

const INTERVAL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);

impl StateSource for FileSource {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        let file = self.0.clone();
        let read = tokio::task::spawn_blocking(move || read(&file));
        async {
            let read = tokio::time::timeout(TIMEOUT, read).await;
            let read = read.map_err(|_| SourceError::Unavailable(format!("not read within {TIMEOUT:?}")))?;
            let (text, modified) = read
                .map_err(|error| SourceError::Unavailable(error.to_string()))?
                .map_err(|error| SourceError::Unavailable(format!("{}: {error}", self.0.display())))?;
            let rows: Vec<Aircraft> = serde_json::from_slice(&text)
                .map_err(|error| SourceError::Malformed(format!("{}: {error}", self.0.display())))?;
            let time = UnixTime::from(modified);
            let mut snapshot = Snapshot { time, ..Snapshot::default() };
            for row in rows {
                match StateVector::try_from(row.into_parts(time)) {
                    Ok(state) => snapshot.states.push(state),
                    Err(error) => snapshot.bad_rows.add(error.into()),
                }
            }
            Ok(Fetched { snapshot, ..Fetched::default() })
        }
        .boxed_local()
    }

    fn max_fetch_time(&self) -> Duration {
        TIMEOUT
    }

    fn cadence(&self) -> Cadence {
        Cadence { pause: INTERVAL, reason: CadenceReason::Interval, resolution: INTERVAL }
    }
}

fn read(file: &std::path::Path) -> std::io::Result<(Vec<u8>, SystemTime)> {
    let modified = std::fs::metadata(file)?.modified()?;
    Ok((std::fs::read(file)?, modified))
}

fn source(file: PathBuf) -> anyhow::Result<Source> {
    let info = SourceInfo::custom("file", file.display().to_string(), INTERVAL)?;
    Ok(Source { info, connect: Box::new(move || Rc::new(FileSource(file))) })
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).ok_or("usage: custom-source FILE")?;
    logging::init();
    let settings = Settings::load(None, &Environment::of_process(), &Flags::none())?;
    let status = actix::System::new()
        .block_on(async { anyhow::Ok(App::start_with(settings, vec![source(file.into())?]).await?.run().await) })?;
    Ok(status.into())
}
