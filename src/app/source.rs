use std::path::Path;
use std::time::Duration;

use actors::domain::BoundingBox;
use actors::poller::poll_plan::{self, Account, PollPlan};
use anyhow::Context;
use rustls::pki_types::CertificateDer;
use simulator::Simulator;

use crate::cli::FlightSource;
use crate::config::{PollInterval, Role, Settings, show_duration};
use crate::http::Traffic;
use crate::sources::http::Network;
use crate::sources::opensky::{Credentials, CredentialsError, OpenSkyOptions};

/// Where the flights come from, and how often to ask.
pub(super) struct LiveSource {
    pub(super) options: OpenSkyOptions,
    pub(super) plan: PollPlan,
    /// In words, for the banner.
    pub(super) description: String,
    /// Which requests go through which proxy, in words.
    pub(super) proxies: Vec<String>,
    simulator: Option<Simulator>,
}

impl LiveSource {
    pub(super) fn of(settings: &Settings, source: &FlightSource) -> anyhow::Result<Self> {
        let simulated = match source {
            FlightSource::OpenSky => return Self::opensky(settings),
            FlightSource::Demo { aircraft } => {
                simulator::Options { aircraft: *aircraft as usize, ..simulator::Options::default() }
            }
            FlightSource::Recorded(files) => simulator::Options {
                source: simulator::Source::Recorded {
                    files: files.clone(),
                    shift_times: true,
                    after_last: simulator::AfterLast::Cycle,
                },
                ..simulator::Options::default()
            },
        };
        let description = match source {
            FlightSource::Recorded(files) => {
                format!("{} recorded responses, with their times moved to the present", files.len())
            }
            _ => format!("DEMONSTRATION: {} simulated aircraft", simulated.aircraft),
        };
        let simulator = simulator::start(simulated).context("the simulator did not start")?;
        let options = OpenSkyOptions {
            base_url: simulator.base_url().parse()?,
            auth_url: simulator.auth_url().parse()?,
            // The simulator lets every client in: the paths are the real ones all the same.
            credentials: Some(Credentials::new("demonstration", "demonstration")?),
            bounding_box: settings.opensky.bounding_box,
            request_timeout: settings.opensky.request_timeout,
            extended: true,
            // The simulator runs in this process.
            network: Network::default(),
        };
        let plan = plan(settings, Account::Registered);
        Ok(Self { options, plan, description, proxies: Vec::new(), simulator: Some(simulator) })
    }

    fn opensky(settings: &Settings) -> anyhow::Result<Self> {
        let opensky = &settings.opensky;
        let credentials = match &opensky.client {
            Some(client) => Some(Credentials::new(&client.id, client.secret.expose())?),
            None => match Credentials::read(&opensky.credentials_file.path) {
                Ok(credentials) => Some(credentials),
                Err(CredentialsError::Missing(_)) if !opensky.credentials_file.required => None,
                Err(error) => return Err(error).context("opensky.credentials_file"),
            },
        };
        let account = if credentials.is_some() { Account::Registered } else { Account::Anonymous };
        let plan = plan(settings, account);
        if let PollInterval::Every(interval) = opensky.poll_interval
            && interval < account.resolution()
        {
            let [asked, every] = [interval, account.resolution()].map(show_duration);
            log::warn!("opensky.poll_interval is {asked}, but the data changes every {every}: polled every {every}");
        }
        let who = match &credentials {
            Some(credentials) => format!("as {}", credentials.client_id()),
            None => "anonymously (400 credits a day)".to_owned(),
        };
        let area = opensky.bounding_box.map_or("the world".to_owned(), |bounding_box| bounding_box.to_string());
        let description = format!("{} {who}, {area}, about every {:?}", opensky.base_url, plan.expected_interval());
        let options = OpenSkyOptions {
            base_url: opensky.base_url.as_str().parse().context("opensky.base_url")?,
            auth_url: opensky.auth_url.as_str().parse().context("opensky.auth_url")?,
            credentials,
            bounding_box: opensky.bounding_box,
            request_timeout: opensky.request_timeout,
            extended: true,
            network: Network {
                proxies: settings.proxies.clone()?,
                authorities: settings.authorities.as_deref().map(authorities).transpose()?.unwrap_or_default(),
            },
        };
        Ok(Self { options, plan, description, proxies: settings.proxied()?, simulator: None })
    }

    /// Whether its flights are live, simulated or recorded.
    pub(super) fn traffic(&self) -> Traffic {
        match &self.simulator {
            None => Traffic::Live,
            Some(simulator) => match simulator.recorded_at() {
                None => Traffic::Simulated,
                Some(at) => Traffic::Recorded { at },
            },
        }
    }

    /// How long an aircraft unheard stays in the picture: as it is set, or two of the poll intervals that are expected of
    /// this process's own Poller. Where the source's answers lie farther apart, the hub sees it by itself.
    pub(super) fn aircraft_timeout(&self, settings: &Settings) -> Duration {
        let set = settings.sse.aircraft_timeout;
        if settings.server.roles.has(Role::Collect) { set.max(2 * self.plan.expected_interval()) } else { set }
    }

    /// How far back the picture is read from Kafka at the start: as long as an aircraft stays in it, which is known of
    /// the own Poller only. Another process may ask without an account, and so more seldom.
    pub(super) fn window(&self, settings: &Settings) -> Duration {
        let seldom = PollPlan { account: Account::Anonymous, ..self.plan };
        match self.aircraft_timeout(settings) {
            known if settings.server.roles.has(Role::Collect) => known,
            at_least => at_least.max(2 * seldom.expected_interval()),
        }
    }
}

fn authorities(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    crate::pem::certificates(path).map_err(|reason| {
        anyhow::anyhow!("SSL_CERT_FILE: failed to read certificates from {}: {reason}", path.display())
    })
}

fn plan(settings: &Settings, account: Account) -> PollPlan {
    let interval = match settings.opensky.poll_interval {
        PollInterval::Auto => poll_plan::PollInterval::Auto,
        PollInterval::Every(interval) => poll_plan::PollInterval::Every(interval),
    };
    let cost = settings.opensky.bounding_box.map_or(BoundingBox::WORLD_CREDITS, |bounding_box| bounding_box.credits());
    PollPlan { interval, cost, account }
}
