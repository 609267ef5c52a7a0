use std::rc::Rc;

use actors::ports::StateSource;
use anyhow::Context as _;

use super::circles::MAX_RADIUS;
use super::dialect::Dialect;
use super::rotation::{CircleRotation, RotationPace};
use crate::sources::PollInterval;
use crate::sources::address::SourceAddress;
use crate::sources::http::Endpoint;
use crate::sources::kind::{AddressForm, SourceKind};
use crate::sources::readsb::{KeyHeader, PollPace, ReadsbSource, UrlReader};
use crate::sources::source::{Source, SourceInfo, SourceSettings};

/// An API with readsb's aircraft objects.
pub(in crate::sources) static KIND: SourceKind = SourceKind {
    name: "readsb-api",
    about: "The API of adsb.lol, adsb.fi or airplanes.live, or of your own readsb (--net-api-port)",
    addresses: &[AddressForm::Http],
    example: "https://api.adsb.lol/v2",
    priority: 10,
    open: |settings| {
        let Some(SourceAddress::Http(endpoint)) = settings.address.clone() else {
            anyhow::bail!("it has no URL");
        };
        open(endpoint, settings)
    },
};

fn open(endpoint: Endpoint, settings: &SourceSettings) -> anyhow::Result<Source> {
    let dialect = Dialect::of(&endpoint);
    let urls = dialect.urls(&endpoint, settings.bounding_box, settings.location)?;
    let network = settings.network().context("failed to set up the network")?;
    let key = settings.api_key.clone().map(KeyHeader::new).transpose().map_err(anyhow::Error::msg)?;
    let (own, rotation) =
        (PollPace::of_url(settings.poll_interval), RotationPace::new(settings.poll_interval, urls.len()));
    let round = if dialect.is_own() { own.interval() } else { rotation.round(urls.len()) };
    if let PollInterval::Every(interval) = settings.poll_interval
        && interval < round
    {
        log::warn!(
            "the poll interval of {} is {interval:?}, but its area takes {} requests at one a second: polling every {round:?}",
            settings.name,
            urls.len()
        );
    }
    let area = match (settings.bounding_box, settings.location) {
        (Some(area), _) => area.to_string(),
        (None, Some(_)) => format!("{MAX_RADIUS} nautical miles around the location"),
        (None, None) => "everything that it reports".to_owned(),
    };
    let description = format!("{endpoint}, {area}, every {round:?} in {} requests", urls.len());
    let proxies = network.proxies.describe([endpoint.url()]);
    let info = SourceInfo { proxies, ..KIND.info(settings, description, round) };
    let (area, timeout) = (settings.bounding_box, settings.request_timeout);
    let connect = move || -> Rc<dyn StateSource> {
        let reader = UrlReader::new(endpoint, key, timeout, network);
        match &urls[..] {
            [url] if dialect.is_own() => Rc::new(ReadsbSource::new(reader.at(url.clone()), own, area)),
            _ => Rc::new(CircleRotation::new(reader, urls, area, rotation)),
        }
    };
    Ok(Source { info, connect: Box::new(connect) })
}
