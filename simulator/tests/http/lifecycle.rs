use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use simulator::{AfterLast, Fault, FaultKind, Options, SimulatorError, SkySource, Target};

use crate::Sky;

#[test]
fn its_urls_have_openskys_paths() {
    let simulator = simulator::start(Options { aircraft: 1, ..Options::default() }).unwrap();
    let address = simulator.address();
    assert_ne!(address.port(), 0);
    assert_eq!(simulator.base_url(), format!("http://{address}/api"));
    assert_eq!(
        simulator.auth_url(),
        format!("http://{address}/auth/realms/opensky-network/protocol/openid-connect/token")
    );
}

#[test]
fn stopping_frees_its_address() {
    let sky = Sky::of(5);
    sky.states("");
    let address = sky.simulator.address();
    sky.simulator.stop();
    assert!(TcpStream::connect(address).is_err());
    let again = simulator::start(Options { address, aircraft: 5, ..Options::default() }).unwrap();
    assert_eq!(again.address(), address);
}

#[test]
fn it_stops_while_a_request_hangs() {
    let sky = Sky::of(5);
    sky.simulator.faults().add(Fault::new(Target::States, FaultKind::Hang)).unwrap();
    let (url, agent) = (format!("{}/states/all", sky.simulator.base_url()), sky.agent.clone());
    let hanging = std::thread::spawn(move || agent.get(url).call().is_err());
    while sky.simulator.faults().injected() == 0 {
        std::thread::yield_now();
    }
    let started_at = Instant::now();
    drop(sky);
    assert!(started_at.elapsed() < Duration::from_secs(5), "{:?}", started_at.elapsed());
    assert!(hanging.join().unwrap());
}

#[test]
fn it_runs_inside_an_actix_system() {
    actix_web::rt::System::new().block_on(async {
        let sky = Sky::of(5);
        let stopped = actix_web::rt::task::spawn_blocking(move || {
            let status = sky.states("").status;
            sky.simulator.stop();
            status
        });
        assert_eq!(stopped.await.unwrap(), 200);
    });
}

#[test]
fn invalid_options_are_rejected() {
    for options in [
        Options { aircraft: 100_001, ..Options::default() },
        Options { speed: 0.0, ..Options::default() },
        Options { speed: f64::NAN, ..Options::default() },
        Options { emergencies: 1.5, ..Options::default() },
        Options {
            source: SkySource::Recorded { files: Vec::new(), shift_times: true, after_last: AfterLast::Cycle },
            ..Options::default()
        },
    ] {
        assert!(matches!(simulator::start(options), Err(SimulatorError::Options(_))));
    }
}

#[test]
fn the_error_names_an_address_that_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = taken.local_addr().unwrap();
    let error = simulator::start(Options { address, aircraft: 1, ..Options::default() }).unwrap_err();
    assert!(matches!(error, SimulatorError::Listen { .. }) && error.to_string().contains(&address.to_string()));
}
