use std::rc::Rc;
use std::time::Duration;

use actors::ports::{Cadence, Fetched, SourceError, StateSource};
use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use simulator::Simulator;

use crate::sources::http::Network;
use crate::sources::opensky::{self, Credentials, Feed, OpenSkyClient, OpenSkyOptions};
use crate::sources::source::{Source, SourceInfo, SourceSettings, Traffic};

/// An OpenSky client, with the simulator that it polls.
struct SimulatedSource {
    client: OpenSkyClient,
    _simulator: Simulator,
}

pub(super) fn open(aircraft: u32, settings: &SourceSettings) -> anyhow::Result<Source> {
    let simulator =
        simulator::start(simulator::Options { aircraft: aircraft as usize, ..simulator::Options::default() })
            .context("failed to start the simulator")?;
    let options = OpenSkyOptions {
        base_url: simulator.base_url().parse()?,
        feed: Feed::All,
        auth_url: simulator.auth_url().parse()?,
        // The simulator accepts any credentials.
        credentials: Some(Credentials::new("demonstration", "demonstration")?),
        bounding_box: settings.bounding_box,
        poll_interval: settings.poll_interval,
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
    Ok(Source { info, connect: Box::new(connect) })
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
