use anyhow::Context as _;

use super::client::{Feed, OpenSkyClient, OpenSkyOptions};
use super::credits::Account;
use crate::sources::PollInterval;
use crate::sources::address::SourceAddress;
use crate::sources::kind::{AddressForm, SourceKind};
use crate::sources::source::{Source, SourceInfo, SourceSettings};

/// Another server with OpenSky's REST API, such as another flight monitor. The OpenSky Network itself has a section of
/// its own.
pub(in crate::sources) static KIND: SourceKind = SourceKind {
    name: "opensky",
    about: "A server with OpenSky's REST API, without credentials",
    addresses: &[AddressForm::Http],
    example: "https://flights.example.org/api",
    priority: 0,
    open: |settings| {
        let Some(SourceAddress::Http(base_url)) = &settings.address else {
            anyhow::bail!("it has no URL");
        };
        let options = OpenSkyOptions {
            base_url: base_url.clone(),
            feed: Feed::All,
            auth_url: base_url.clone(),
            credentials: None,
            bounding_box: settings.bounding_box,
            poll_interval: settings.poll_interval,
            request_timeout: settings.request_timeout,
            extended: true,
            network: settings.network().context("failed to set up the network")?,
        };
        Ok(open(options, settings))
    },
};

/// Opens the OpenSky Network, or another server with the same API, as a source with the name and priority in `settings`.
pub fn open(options: OpenSkyOptions, settings: &SourceSettings) -> Source {
    let resolution = options.account().resolution();
    if let PollInterval::Every(interval) = options.poll_interval
        && interval < resolution
    {
        log::warn!(
            "the poll interval of {} is {interval:?}, but the data changes every {resolution:?}: polling every {resolution:?}",
            settings.name
        );
    }
    Source { info: info(&options, settings), connect: Box::new(move || std::rc::Rc::new(OpenSkyClient::new(options))) }
}

/// Describes OpenSky as a source, with these options.
pub(in crate::sources) fn info(options: &OpenSkyOptions, settings: &SourceSettings) -> SourceInfo {
    let expected_interval = options.plan(options.account()).expected_interval();
    let login = match &options.credentials {
        Some(credentials) => format!("as {}", credentials.client_id()),
        None => "anonymously (400 credits a day)".to_owned(),
    };
    let area = match (options.feed, options.bounding_box) {
        (Feed::Own, _) => "your own receivers".to_owned(),
        (Feed::All, Some(bounding_box)) => bounding_box.to_string(),
        (Feed::All, None) => "the world".to_owned(),
    };
    let description = format!("{} {login}, {area}, about every {expected_interval:?}", options.base_url);
    SourceInfo {
        area: options.bounding_box,
        proxies: options.network.proxies.describe([options.base_url.url(), options.auth_url.url()]),
        max_interval: options.plan(Account::Anonymous).expected_interval(),
        ..KIND.info(settings, description, expected_interval)
    }
}
