//! OpenSky's clients, installed from PyPI, against this server instead of OpenSky.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{Certificate, Http2, Setup, Sky, eventually, now};

/// pandas and pyarrow follow from pyopensky.
const PACKAGES: &[&str] = &["python-opensky==1.0.1", "pyopensky==2.18"];

/// Installs the clients once, and returns their Python.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("opensky-clients");
        let (python, installed) = (tools.join("bin/python"), tools.join("packages"));
        let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        if fs::read_to_string(&installed).ok() != Some(PACKAGES.join(" ")) {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&tools));
            run(Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(PACKAGES));
            fs::write(&installed, PACKAGES.join(" ")).unwrap();
        }
        python
    })
}

#[test]
#[ignore = "needs Python and PyPI: run it by `make test`"]
fn every_call_of_the_python_clients_is_answered() {
    let python = python();
    let sky = Sky::of(300);
    let certificate = Certificate::of(&["localhost", "opensky-network.org", "auth.opensky-network.org"]);
    let setup = certificate.on(Setup::embedded().watching(&sky));
    let app = setup.start();
    sky.wait_polls(5);
    sky.fail_polls();
    setup.database().wait_rows(&sky.served());

    let client = Http2::connect(&app.address, &certificate, 1 << 20);
    let newest: BTreeMap<_, _> = sky.served().into_iter().collect();
    let states = eventually("the newest states are shown", || {
        let answer = client.ask("/api/v1/flights").unwrap();
        let flights: Value = serde_json::from_slice(&client.read(answer).unwrap()).unwrap();
        let states = flights["states"].as_array()?.clone();
        let is_newest = |state: &Value| state["last_contact"] == newest[state["icao24"].as_str().unwrap()];
        (states.len() == newest.len() && states.iter().all(is_newest)).then_some(states)
    });
    let airborne = states.iter().find(|state| state["on_ground"] == false && state["lat"].is_f64()).unwrap();
    let icao24 = airborne["icao24"].as_str().unwrap();
    let begin = now() / 3600 * 3600 - 86_400;
    for (callsign, first_seen) in [("'SWR123'", begin + 600), ("NULL", begin + 9_000)] {
        setup.database().execute(&format!(
            "INSERT INTO flights (icao24, callsign, first_seen, last_seen, distance, states, landed) \
             VALUES ('{icao24}', {callsign}, {first_seen}, {}, 1.5, 2, 1)",
            first_seen + 3_600
        ));
    }

    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python/opensky_clients.py"))
        .args([app.address.rsplit_once(':').unwrap().1, icao24, &begin.to_string(), &(begin + 80_000).to_string()])
        .env_clear()
        .env("HOME", folder.path())
        .env("SSL_CERT_FILE", certificate.file("cert.pem"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), "every call was answered", "{errors}");
}
