use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use actors::domain::{BoundingBox, Snapshot, UnixTime};
use actors::ports::{Cadence, CadenceReason, Fetched, SourceError, StateSource};
use anyhow::Context as _;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::timeout;

use super::file::{read, shift_times};
use crate::sources::PollInterval;
use crate::sources::address::SourceAddress;
use crate::sources::kind::{AddressForm, SourceKind};
use crate::sources::source::{Source, SourceInfo, SourceSettings, Traffic};

/// Plays recorded responses in the order of their files, with their times moved to the present. A file is read only
/// when it is due, so only one is in memory at a time.
struct RecordedSource {
    files: Vec<PathBuf>,
    next: Cell<usize>,
    bounding_box: Option<BoundingBox>,
    interval: Duration,
}

/// The resolution of OpenSky's data: a response within this time of the last one would repeat it.
const RESOLUTION: Duration = Duration::from_secs(5);

/// The timeout of reading a file, generous enough for a slow disk.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Recorded responses of OpenSky's REST API.
pub(in crate::sources) static KIND: SourceKind = SourceKind {
    name: "recorded",
    about: "Recorded responses of OpenSky's REST API, played in turn",
    addresses: &[AddressForm::File],
    example: "/data/recorded",
    priority: 0,
    open: |settings| {
        let Some(SourceAddress::File(path)) = &settings.address else {
            anyhow::bail!("it has no path");
        };
        open(files_at(path)?, settings)
    },
};

/// Returns the file at a path, or the `.json` files of the folder there, ordered by name.
fn files_at(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut files = paths.with_context(|| path.display().to_string())?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    anyhow::ensure!(!files.is_empty(), "{}: the folder has no .json file", path.display());
    Ok(files)
}

/// Opens the files as the source. All of them are read once, so that an invalid file is an error now instead of hours
/// later.
pub(super) fn open(files: Vec<PathBuf>, settings: &SourceSettings) -> anyhow::Result<Source> {
    let mut newest = UnixTime(i64::MIN);
    for file in &files {
        let snapshot = read(file).context("cannot use the recorded response")?;
        newest = newest.max(snapshot.time);
    }
    let interval = match settings.poll_interval {
        PollInterval::Auto => RESOLUTION,
        PollInterval::Every(interval) => interval.max(RESOLUTION),
    };
    let description = format!("{} recorded responses, with their times moved to the present", files.len());
    let traffic = Traffic::Recorded { at: newest.0 };
    let info = SourceInfo { traffic, ..KIND.info(settings, description, interval) };
    let bounding_box = settings.bounding_box;
    let connect = move || -> Rc<dyn StateSource> {
        Rc::new(RecordedSource { files, next: Cell::new(0), bounding_box, interval })
    };
    Ok(Source { info, connect: Box::new(connect) })
}

impl RecordedSource {
    async fn read_next(&self) -> Result<Snapshot, SourceError> {
        let index = self.next.get();
        self.next.set((index + 1) % self.files.len());
        let file = self.files[index].clone();
        let reading = tokio::task::spawn_blocking(move || read(&file));
        let unavailable = |what: String| SourceError::Unavailable(format!("{}: {what}", self.files[index].display()));
        match timeout(READ_TIMEOUT, reading).await {
            Ok(Ok(snapshot)) => snapshot.map_err(|error| SourceError::Malformed(format!("{error:#}"))),
            Ok(Err(error)) => Err(unavailable(error.to_string())),
            Err(_) => Err(unavailable(format!("not read within {READ_TIMEOUT:?}"))),
        }
    }
}

impl StateSource for RecordedSource {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        async {
            let mut snapshot = self.read_next().await?;
            if let Some(area) = self.bounding_box {
                let position = |lat: Option<f64>, lon: Option<f64>| lat.zip(lon);
                snapshot
                    .states
                    .retain(|state| position(state.lat, state.lon).is_some_and(|(lat, lon)| area.contains(lat, lon)));
            }
            let age = UnixTime::now().seconds_since(snapshot.time);
            Ok(Fetched { snapshot: shift_times(snapshot, age), ..Fetched::default() })
        }
        .boxed_local()
    }

    fn max_fetch_time(&self) -> Duration {
        READ_TIMEOUT
    }

    fn cadence(&self) -> Cadence {
        let reason = if self.interval > RESOLUTION { CadenceReason::Interval } else { CadenceReason::Resolution };
        Cadence { pause: self.interval, reason, resolution: RESOLUTION }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(bounding_box: Option<BoundingBox>) -> SourceSettings {
        SourceSettings { bounding_box, ..SourceSettings::named("recorded") }
    }

    fn recording(directory: &tempfile::TempDir, time: i64, callsign: &str) -> PathBuf {
        let path = directory.path().join(format!("{callsign}.json"));
        let row = |icao24: &str, lat: &str| {
            let before = time - 3;
            format!(
                r#"["{icao24}","{callsign}","X",{before},{before},8.5,{lat},null,false,null,null,null,null,null,null,false,0]"#
            )
        };
        let states = [row("4b1814", "47.5"), row("4b1815", "-47.5"), row("4b1816", "null")].join(",");
        std::fs::write(&path, format!(r#"{{"time":{time},"states":[{states}]}}"#)).unwrap();
        path
    }

    #[actix_rt::test]
    async fn recordings_are_played_in_turn_with_current_times() {
        let directory = tempfile::tempdir().unwrap();
        let files = vec![recording(&directory, 1_700_000_000, "ONE"), recording(&directory, 1_600_000_000, "TWO")];
        let switzerland = Some("45.8,5.9,47.9,10.6".parse().unwrap());
        let Source { info, connect } = open(files, &settings(switzerland)).unwrap();
        assert_eq!(info.traffic, Traffic::Recorded { at: 1_700_000_000 });
        let source = connect();
        for callsign in ["ONE", "TWO", "ONE"] {
            let Fetched { snapshot, credits_left, .. } = source.fetch().await.unwrap();
            assert!(UnixTime::now().seconds_since(snapshot.time) <= 2);
            let [state] = &snapshot.states[..] else { panic!("{snapshot:?}") };
            assert_eq!((state.callsign.as_deref(), credits_left), (Some(callsign), None));
            assert_eq!(snapshot.time.seconds_since(state.last_contact), 3);
            assert_eq!((state.time_position, state.observed_at), (Some(state.last_contact), Some(snapshot.time)));
        }
        assert_eq!(source.cadence().pause, Duration::from_secs(5));
    }

    #[actix_rt::test]
    async fn a_bad_recording_is_rejected_at_the_start_and_a_deleted_one_when_it_is_due() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing.json");
        let error = open(vec![missing], &settings(None)).err().unwrap();
        assert!(format!("{error:#}").contains("missing.json"), "{error:#}");

        let file = recording(&directory, 1_700_000_000, "ONE");
        let source = (open(vec![file.clone()], &settings(None)).unwrap().connect)();
        std::fs::remove_file(file).unwrap();
        let error = source.fetch().await.unwrap_err();
        assert!(error.to_string().contains("ONE.json"), "{error}");
    }
}
