use super::client::{OpenSkyClient, OpenSkyOptions};
use super::credits::Account;
use crate::sources::PollInterval;
use crate::sources::source::{Source, SourceInfo, Traffic};

/// Opens the OpenSky Network as the source.
pub fn open(options: OpenSkyOptions) -> Source {
    let resolution = options.account().resolution();
    if let PollInterval::Every(interval) = options.poll_interval
        && interval < resolution
    {
        log::warn!(
            "opensky.poll_interval is {interval:?}, but the data changes every {resolution:?}: polling every {resolution:?}"
        );
    }
    Source { info: info(&options), connect: Box::new(move || std::rc::Rc::new(OpenSkyClient::new(options))) }
}

/// Describes OpenSky as the source, with these options.
pub(in crate::sources) fn info(options: &OpenSkyOptions) -> SourceInfo {
    let expected_interval = options.plan(options.account()).expected_interval();
    let login = match &options.credentials {
        Some(credentials) => format!("as {}", credentials.client_id()),
        None => "anonymously (400 credits a day)".to_owned(),
    };
    let area = options.bounding_box.map_or("the world".to_owned(), |bounding_box| bounding_box.to_string());
    SourceInfo {
        description: format!("{} {login}, {area}, about every {expected_interval:?}", options.base_url),
        proxies: options.network.proxies.describe([options.base_url.url(), options.auth_url.url()]),
        traffic: Traffic::Live,
        expected_interval,
        max_interval: options.plan(Account::Anonymous).expected_interval(),
    }
}
