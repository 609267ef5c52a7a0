use std::time::Duration;

use actors::supervision::ConfiguredName;
use anyhow::Context as _;

use crate::config::{Role, Settings, SourceEntry};
use crate::sources::opensky::{self, Feed, OpenSkyOptions};
use crate::sources::{ApiKey, PollInterval, Source, SourceFlags, SourceSettings, Sources};

/// The names of the sources that the section `opensky` configures.
const OPENSKY: &str = "opensky";
const OPENSKY_OWN: &str = "opensky-own";

/// Opens the sources that the flags select, or else those that are configured.
pub(super) fn open(settings: &Settings, flags: &SourceFlags) -> anyhow::Result<Vec<Source>> {
    let selected = flags.open(&opensky_settings(settings, OPENSKY)?)?;
    if selected.is_empty() { configured(settings) } else { Ok(selected) }
}

fn configured(settings: &Settings) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    if settings.opensky.enabled {
        sources.push(open_opensky(settings, OPENSKY, Feed::All)?);
    }
    if settings.opensky.own {
        sources.push(open_opensky(settings, OPENSKY_OWN, Feed::Own)?);
    }
    for entry in &settings.sources {
        let open = || (entry.kind.open)(&source_settings(settings, entry));
        sources.push(open().with_context(|| format!("sources.{}", entry.name))?);
    }
    Ok(sources)
}

/// Returns the settings of a source that the section `opensky` configures.
fn opensky_settings(settings: &Settings, name: &str) -> anyhow::Result<SourceSettings> {
    Ok(SourceSettings {
        name: ConfiguredName::new(name).context("the name of a source")?,
        priority: None,
        address: None,
        bounding_box: settings.opensky.bounding_box,
        location: None,
        api_key: None,
        poll_interval: settings.opensky.poll_interval,
        request_timeout: settings.opensky.request_timeout,
        proxies: settings.proxies.clone(),
        authorities: settings.authorities.clone(),
    })
}

fn open_opensky(settings: &Settings, name: &str, feed: Feed) -> anyhow::Result<Source> {
    let opensky = &settings.opensky;
    let shared = opensky_settings(settings, name)?;
    let credentials = opensky.credentials().context("opensky.credentials_file")?;
    let options = OpenSkyOptions {
        base_url: opensky.base_url.clone(),
        feed,
        auth_url: opensky.auth_url.clone(),
        credentials,
        bounding_box: if feed == Feed::All { shared.bounding_box } else { None },
        poll_interval: if feed == Feed::All { shared.poll_interval } else { PollInterval::Auto },
        request_timeout: shared.request_timeout,
        extended: true,
        network: shared.network()?,
    };
    Ok(opensky::open(options, &shared))
}

fn source_settings(settings: &Settings, SourceEntry { name, settings: source, .. }: &SourceEntry) -> SourceSettings {
    let api_key =
        |key: &crate::config::Secret| ApiKey { header: source.api_key_header.clone(), key: key.expose().to_owned() };
    SourceSettings {
        name: name.clone(),
        priority: source.priority,
        address: source.url.clone(),
        bounding_box: source.bounding_box,
        location: source.location,
        api_key: source.api_key.as_ref().map(api_key),
        poll_interval: source.interval,
        request_timeout: source.timeout,
        proxies: settings.proxies.clone(),
        authorities: settings.authorities.clone(),
    }
}

/// Returns how long a silent aircraft stays in the picture: the configured time, or two poll intervals of this
/// process's slowest source if that is longer. If the responses are even further apart, the hub detects that itself.
pub(super) fn aircraft_timeout(settings: &Settings, sources: &Sources) -> Duration {
    let configured = settings.sse.aircraft_timeout;
    if settings.server.roles.has(Role::Collect) { configured.max(2 * sources.expected_interval()) } else { configured }
}

/// Returns how far back the live consumer reads the log at start to build the picture: as long as an aircraft stays in
/// it. If another process polls, its interval is unknown, and is longer if that process has no account.
pub(super) fn live_window(settings: &Settings, sources: &Sources) -> Duration {
    let timeout = aircraft_timeout(settings, sources);
    if settings.server.roles.has(Role::Collect) { timeout } else { timeout.max(2 * sources.max_interval()) }
}
