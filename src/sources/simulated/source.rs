use std::rc::Rc;
use std::time::Duration;

use actors::ports::{Cadence, Fetched, SourceError, StateSource};
use actors::supervision::ConfiguredName;
use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use simulator::Simulator;

use crate::proxy::Proxies;
use crate::sources::address::SourceAddress;
use crate::sources::http::Network;
use crate::sources::opensky::{self, Credentials, Feed, OpenSkyClient, OpenSkyOptions};
use crate::sources::poll_interval::PollInterval;
use crate::sources::readsb;
use crate::sources::source::{Source, SourceInfo, SourceSettings, Traffic};

/// An OpenSky client, with the simulator that it polls.
struct SimulatedSource {
    client: OpenSkyClient,
    _simulator: Simulator,
}

/// The interval at which OpenSky is polled where a receiver is simulated, too.
const SELDOM: Duration = Duration::from_secs(60);

/// Opens a simulated OpenSky and, if requested, a receiver in the same simulated sky.
pub(super) fn open(aircraft: u32, receiver: bool, settings: &SourceSettings) -> anyhow::Result<Vec<Source>> {
    let simulator =
        simulator::start(simulator::Options { aircraft: aircraft as usize, ..simulator::Options::default() })
            .context("failed to start the simulator")?;
    let receiver = receiver.then(|| open_receiver(&simulator, settings)).transpose()?;
    let poll_interval = match settings.poll_interval {
        PollInterval::Auto if receiver.is_some() => PollInterval::Every(SELDOM),
        poll_interval => poll_interval,
    };
    let options = OpenSkyOptions {
        base_url: simulator.base_url().parse()?,
        feed: Feed::All,
        auth_url: simulator.auth_url().parse()?,
        // The simulator accepts any credentials.
        credentials: Some(Credentials::new("demonstration", "demonstration")?),
        bounding_box: settings.bounding_box,
        poll_interval,
        request_timeout: settings.request_timeout,
        extended: true,
        // The simulator runs in this process, so no proxy is involved.
        network: Network::default(),
    };
    let info = SourceInfo {
        description: format!("DEMONSTRATION: {aircraft} simulated aircraft"),
        traffic: Traffic::Simulated,
        ..opensky::info(&options, settings)
    };
    let connect = move || -> Rc<dyn StateSource> {
        Rc::new(SimulatedSource { client: OpenSkyClient::new(options), _simulator: simulator })
    };
    Ok(std::iter::once(Source { info, connect: Box::new(connect) }).chain(receiver).collect())
}

/// Opens the simulator's receiver as a source of its own. The simulator runs as long as the simulated OpenSky is used.
fn open_receiver(simulator: &Simulator, settings: &SourceSettings) -> anyhow::Result<Source> {
    let receiver = SourceSettings {
        name: ConfiguredName::new("receiver").context("the name of the receiver")?,
        address: Some(SourceAddress::Http(simulator.aircraft_url().parse()?)),
        poll_interval: PollInterval::Auto,
        proxies: Ok(Proxies::default()),
        ..settings.clone()
    };
    let mut source = (readsb::KIND.open)(&receiver)?;
    source.info.traffic = Traffic::Simulated;
    source.info.description = format!("DEMONSTRATION: a simulated receiver, {}", source.info.description);
    Ok(source)
}

impl StateSource for SimulatedSource {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        self.client.fetch()
    }

    fn max_fetch_time(&self) -> Duration {
        self.client.max_fetch_time()
    }

    fn cadence(&self) -> Cadence {
        self.client.cadence()
    }
}
