use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use simulator::{AfterLast, Changes, ClientCredentials, Fault, FaultKind, Options, Simulator, SkySource, Target};

use super::{Key, eventually};

/// A simulated OpenSky with simulated aircraft, in the test process.
pub(crate) struct Sky {
    pub(crate) simulator: Simulator,
}

impl Sky {
    pub(crate) const CLIENT_SECRET: &str = "the-secret-of-the-sky";

    /// Starts a sky in which every aircraft changes at each poll.
    pub(crate) fn of(aircraft: usize) -> Self {
        Self::with(aircraft, aircraft)
    }

    /// Starts a sky in which `changes` of the aircraft change at each poll.
    pub(crate) fn with(aircraft: usize, changes: usize) -> Self {
        Self::of_options(Options { aircraft, changes: Changes::Exactly(changes), ..Options::default() })
    }

    /// Starts a sky whose aircraft a receiver and a community hear, too, wherever they are.
    pub(crate) fn heard_everywhere(aircraft: usize) -> Self {
        let receiver = simulator::Receiver { range_km: None, ..simulator::Receiver::default() };
        Self::of_options(Options { aircraft, receiver, ..Options::default() })
    }

    /// Starts a sky that a receiver tells by `aircraft.json`, SBS and Beast, wherever the aircraft are.
    pub(crate) fn heard_through_every_door(aircraft: usize) -> Self {
        let receiver = simulator::Receiver { range_km: None, ..simulator::Receiver::default() };
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sbs = Some(simulator::Sbs { address: any_port, utc_offset: 0 });
        let beast = Some(simulator::Beast { address: any_port, gps_clock: false });
        Self::of_options(Options { aircraft, receiver, sbs, beast, ..Options::default() })
    }

    fn of_options(options: Options) -> Self {
        let credentials = ClientCredentials { id: "tests".to_owned(), secret: Self::CLIENT_SECRET.to_owned() };
        let options = Options { credentials: Some(credentials), remember_served: Some(2_000_000), ..options };
        Self { simulator: simulator::start(options).unwrap() }
    }

    /// Starts a sky that answers each poll with these rows. Each is an ICAO address and the age of its last contact in
    /// seconds.
    pub(crate) fn of_rows(rows: &[(&str, i64)]) -> Self {
        const TIME: i64 = 1_700_000_000;
        let row = |&(icao24, age): &(&str, i64)| {
            let at = TIME - age;
            json!([icao24, null, "Nowhere", at, at, 8.5, 47.5, 3000, false, 200, 90, 0, null, 3100, null, false, 0, 0])
        };
        Self::of_answer(&json!({ "time": TIME, "states": rows.iter().map(row).collect::<Vec<_>>() }))
    }

    /// Starts a sky that answers each poll with this answer of OpenSky, its times shifted to the present.
    pub(crate) fn of_answer(answer: &Value) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), answer.to_string()).unwrap();
        let files = vec![file.path().to_owned()];
        Self::of_options(Options {
            source: SkySource::Recorded { files, shift_times: true, after_last: AfterLast::Hold },
            ..Options::default()
        })
    }

    /// Returns the number of polls that were answered with states.
    pub(crate) fn polls(&self) -> u64 {
        self.simulator.requests().states_answered
    }

    /// Waits until `more` further polls were answered with states.
    pub(crate) fn wait_polls(&self, more: u64) {
        let enough = self.polls() + more;
        eventually("the server polls", || (self.polls() >= enough).then_some(()));
    }

    /// Answers further polls with an error, and waits until one was. After that, [`Self::served`] does not change.
    pub(crate) fn fail_polls(&self) {
        self.start_failing_polls();
        let injected = self.simulator.faults().injected();
        eventually("a poll fails", || (self.simulator.faults().injected() > injected).then_some(()));
    }

    /// Answers further polls with an error, without waiting for a poll. For use before the server starts.
    pub(crate) fn start_failing_polls(&self) {
        self.fault(Fault::new(Target::States, FaultKind::Status));
    }

    /// Removes every fault.
    pub(crate) fn clear_faults(&self) {
        self.simulator.faults().clear();
    }

    /// Adds a fault.
    pub(crate) fn fault(&self, fault: Fault) {
        self.simulator.faults().add(fault).unwrap();
    }

    /// Returns every state that OpenSky served.
    pub(crate) fn served(&self) -> BTreeSet<Key> {
        self.served_by(Target::States)
    }

    /// Returns every state that a part of the simulator served.
    pub(crate) fn served_by(&self, target: Target) -> BTreeSet<Key> {
        let served = self.simulator.sent(target);
        assert_eq!(served.forgotten, 0, "the simulator remembers too few served states for this test");
        served.states.into_iter().map(|(address, at)| (format!("{address:06x}"), at)).collect()
    }
}
