//! A list in a file.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use actors::ports::StateSource;
use flight_monitor::sources::{PollInterval, SourceSettings};

use crate::recorded::bytes;
use crate::source::{connect, failure, settings};

fn source(path: &Path) -> Rc<dyn StateSource> {
    connect("readsb", &settings(path.to_str().unwrap()))
}

/// Replaces the file as readsb does.
fn replace(path: &Path, contents: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, contents).unwrap();
    fs::rename(new, path).unwrap();
}

#[actix_web::test]
async fn a_file_is_read_again_when_it_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aircraft.json");
    fs::write(&path, bytes("readsb.json")).unwrap();
    // The file, and the folder that contains it.
    for source in [source(&path), source(folder.path())] {
        replace(&path, &bytes("readsb.json"));
        assert_eq!(source.fetch().await.unwrap().snapshot.states.len(), 7);
        let unchanged = source.fetch().await.unwrap();
        assert_eq!((unchanged.snapshot.states.len(), unchanged.aircraft), (0, Some(7)));
        replace(&path, &bytes("adsbfi-2024-02-24-21.json"));
        assert_eq!(source.fetch().await.unwrap().snapshot.states.len(), 21);
        // Another file with the same list.
        replace(&path, &bytes("adsbfi-2024-02-24-21.json"));
        assert_eq!(source.fetch().await.unwrap().aircraft, Some(21));
    }
}

#[actix_web::test]
async fn a_poll_returns_as_soon_as_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aircraft.json");
    fs::write(&path, bytes("readsb.json")).unwrap();
    let settings = SourceSettings { poll_interval: PollInterval::Auto, ..settings(path.to_str().unwrap()) };
    let source = connect("readsb", &settings);
    source.fetch().await.unwrap();
    let (changed, ()) = futures_util::join!(source.fetch(), async {
        actix_rt::time::sleep(Duration::from_millis(100)).await;
        replace(&path, &bytes("adsbfi-2024-02-24-21.json"));
    });
    assert_eq!(changed.unwrap().snapshot.states.len(), 21);
}

#[actix_web::test]
async fn a_file_that_is_being_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aircraft.json");
    let whole = bytes("readsb.json");
    fs::write(&path, &whole[..2_000]).unwrap();
    let source = source(&path);
    let (fetched, ()) = futures_util::join!(source.fetch(), async {
        actix_rt::time::sleep(Duration::from_millis(20)).await;
        fs::write(&path, &whole).unwrap();
    });
    assert_eq!(fetched.unwrap().snapshot.states.len(), 7);
}

#[actix_web::test]
async fn each_failure_is_classified_and_recovered_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aircraft.json");
    let source = source(&path);
    let fails = async |kind: &str, says: &str| {
        let (found, text) = failure(&*source).await;
        assert_eq!((found, text.contains(says)), (kind, true), "expected {kind}: {says:?}, not {found}: {text:?}");
        assert!(text.contains("aircraft.json"), "{text}");
    };
    fails("unavailable", "No such file").await;
    fs::write(&path, &bytes("readsb.json")[..2_000]).unwrap();
    fails("malformed", "EOF").await;
    fs::write(&path, "").unwrap();
    fails("malformed", "EOF").await;
    fs::write(&path, "<html>").unwrap();
    fails("malformed", "expected value").await;
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fails("unavailable", "No such file").await;
    fs::create_dir(path.join("aircraft.json")).unwrap();
    fails("refused", "not a regular file").await;
    fs::remove_dir_all(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    fails("refused", "not a regular file").await;
    fs::remove_file(&path).unwrap();
    fs::File::create(&path).unwrap().set_len((64 << 20) + 1).unwrap();
    fails("malformed", "larger than 67108864 bytes").await;
    replace(&path, &bytes("readsb.json"));
    assert_eq!(source.fetch().await.unwrap().snapshot.states.len(), 7);
}

#[actix_web::test]
async fn a_file_below_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (kind, text) = failure(&*source(&file.path().join("aircraft.json"))).await;
    assert_eq!(kind, "refused", "{text}");
}

#[actix_web::test]
async fn a_changed_modification_time_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aircraft.json");
    let list = |now: u32| format!(r#"{{"now":{now},"aircraft":[]}}"#);
    fs::write(&path, list(1_700_000_000)).unwrap();
    let source = source(&path);
    assert_eq!(source.fetch().await.unwrap().aircraft, None);
    fs::write(&path, list(1_700_000_001)).unwrap();
    fs::File::open(&path).unwrap().set_modified(SystemTime::now() + Duration::from_secs(1)).unwrap();
    assert_eq!(source.fetch().await.unwrap().snapshot.time.0, 1_700_000_001);
}
