use std::time::Duration;

use anyhow::Context as _;

use crate::config::{Role, Settings};
use crate::sources::opensky::{self, OpenSkyOptions};
use crate::sources::{Source, SourceFlags, SourceInfo, SourceSettings};

/// Opens the source that the flags select, or else the OpenSky Network.
pub(super) fn open(settings: &Settings, flags: &SourceFlags) -> anyhow::Result<Source> {
    let shared = SourceSettings {
        bounding_box: settings.opensky.bounding_box,
        poll_interval: settings.opensky.poll_interval,
        request_timeout: settings.opensky.request_timeout,
        proxies: settings.proxies.clone(),
        authorities: settings.authorities.clone(),
    };
    match flags.open(&shared)? {
        Some(source) => Ok(source),
        None => Ok(opensky::open(opensky_options(settings, &shared)?)),
    }
}

fn opensky_options(settings: &Settings, shared: &SourceSettings) -> anyhow::Result<OpenSkyOptions> {
    let opensky = &settings.opensky;
    let credentials = opensky.credentials().context("opensky.credentials_file")?;
    Ok(OpenSkyOptions {
        base_url: opensky.base_url.clone(),
        auth_url: opensky.auth_url.clone(),
        credentials,
        bounding_box: shared.bounding_box,
        poll_interval: shared.poll_interval,
        request_timeout: shared.request_timeout,
        extended: true,
        network: shared.network()?,
    })
}

/// Returns how long a silent aircraft stays in the picture: the configured time, or two poll intervals of this
/// process's own Poller if that is longer. If the responses are even further apart, the hub detects that itself.
pub(super) fn aircraft_timeout(settings: &Settings, source: &SourceInfo) -> Duration {
    let configured = settings.sse.aircraft_timeout;
    if settings.server.roles.has(Role::Collect) { configured.max(2 * source.expected_interval) } else { configured }
}

/// Returns how far back the live consumer reads the log at start to build the picture: as long as an aircraft stays in
/// it. If another process polls, its interval is unknown, and is longer if that process has no account.
pub(super) fn live_window(settings: &Settings, source: &SourceInfo) -> Duration {
    let timeout = aircraft_timeout(settings, source);
    if settings.server.roles.has(Role::Collect) { timeout } else { timeout.max(2 * source.max_interval) }
}
