//! The ways in which a receiver tells its aircraft.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use bench::database::Database;
use bench::server::Server;
use simulator::{Beast, Changes, Receiver, Sbs, Simulator};

/// A kind of source, and where the simulator serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    List,
    Sbs,
    Beast,
}

impl Door {
    pub(crate) const ALL: [Self; 3] = [Self::List, Self::Sbs, Self::Beast];

    /// Returns the name of the kind of source.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::List => "readsb",
            Self::Sbs => "sbs",
            Self::Beast => "beast",
        }
    }

    /// Returns the address for the setting `url` of a source.
    pub(crate) fn url(self, sky: &Simulator) -> anyhow::Result<String> {
        Ok(match self {
            Self::List => sky.aircraft_url(),
            Self::Sbs | Self::Beast => self.port(sky)?.to_string(),
        })
    }

    /// Returns the port that serves the messages of SBS and Beast.
    pub(crate) fn port(self, sky: &Simulator) -> anyhow::Result<SocketAddr> {
        match self {
            Self::List => Some(sky.address()),
            Self::Sbs => sky.sbs_address(),
            Self::Beast => sky.beast_address(),
        }
        .context("the port is closed")
    }
}

/// Starts a sky whose receiver hears every aircraft. `message_rate` is a fraction of the real rate of messages.
pub(crate) fn sky(aircraft: usize, message_rate: f64) -> anyhow::Result<Simulator> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(simulator::start(simulator::Options {
        aircraft,
        changes: Changes::All,
        receiver: Receiver { range_km: None, message_rate, ..Receiver::default() },
        sbs: Some(Sbs { address, utc_offset: 0 }),
        beast: Some(Beast { address, gps_clock: false }),
        ..simulator::Options::default()
    })?)
}

/// A server that polls these sources, with its database.
pub(crate) struct Merging {
    pub(crate) server: Server,
    pub(crate) database: Database,
}

impl Merging {
    /// Starts it. Each source has a kind and a `url`.
    pub(crate) fn start(name: &str, sources: &[(&str, String)]) -> anyhow::Result<Self> {
        let kafka = std::env::var("TEST_KAFKA").context("TEST_KAFKA is not set: use `make bench-sources`")?;
        let name = format!("bench_{}_{name}", std::process::id());
        let database = Database::create(&name)?;
        let mut settings = vec![
            ("OPENSKY_ENABLED".to_owned(), "false".to_owned()),
            ("KAFKA_BOOTSTRAP_SERVERS".to_owned(), kafka),
            ("KAFKA_TOPIC_RAW".to_owned(), format!("{name}.raw")),
            ("KAFKA_TOPIC_DEAD_LETTER".to_owned(), format!("{name}.dead-letter")),
            ("KAFKA_GROUP_ID".to_owned(), name),
            ("DATABASE_URL".to_owned(), database.url.to_string()),
        ];
        for (number, (kind, url)) in sources.iter().enumerate() {
            settings.push((format!("SOURCES_S{number}_KIND"), (*kind).to_owned()));
            settings.push((format!("SOURCES_S{number}_URL"), url.clone()));
        }
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        Ok(Self { server: Server::start(&[], &settings)?, database })
    }

    /// Returns the value of a counter, summed over its labels.
    pub(crate) fn counter(&self, name: &str) -> anyhow::Result<f64> {
        let mut response = ureq::get(format!("http://{}/metrics", self.server.address)).call()?;
        let text = response.body_mut().read_to_string()?;
        let samples = text.lines().filter_map(|line| {
            let (sample, value) = line.rsplit_once(' ')?;
            let (family, _) = sample.split_once('{').unwrap_or((sample, ""));
            (family.strip_prefix("flight_monitor_")? == name).then(|| value.parse::<f64>().ok())?
        });
        Ok(samples.sum())
    }
}
