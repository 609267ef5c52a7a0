use std::rc::Rc;

use actors::ports::StateSource;
use anyhow::Context as _;

use super::file::FileReader;
use super::source::{PollPace, ReadsbSource};
use super::url::{KeyHeader, UrlReader};
use crate::sources::address::SourceAddress;
use crate::sources::http::Endpoint;
use crate::sources::kind::{AddressForm, SourceKind};
use crate::sources::source::{Source, SourceInfo, SourceSettings};

/// A receiver's `aircraft.json`.
pub(in crate::sources) static KIND: SourceKind = SourceKind {
    name: "readsb",
    about: "A receiver's aircraft.json, by URL or file: readsb, dump1090-fa, tar1090, ultrafeeder, piaware",
    addresses: &[AddressForm::Http, AddressForm::File],
    example: "http://roof/tar1090/data/aircraft.json or /run/readsb/aircraft.json",
    priority: 20,
    open: |settings| match settings.address.clone() {
        Some(SourceAddress::Http(url)) => open_url(&url, settings),
        Some(SourceAddress::File(path)) => {
            let pace = PollPace::of_file(settings.poll_interval);
            let description = format!("{}, {}", path.display(), how_often(pace));
            let info = KIND.info(settings, description, pace.interval());
            let (area, timeout) = (settings.bounding_box, settings.request_timeout);
            Ok(source(info, move || Rc::new(ReadsbSource::new(FileReader::new(path, timeout), pace, area))))
        }
        _ => anyhow::bail!("it has neither a URL nor a path"),
    },
};

fn open_url(url: &Endpoint, settings: &SourceSettings) -> anyhow::Result<Source> {
    let list = list_url(url);
    let pace = PollPace::of_url(settings.poll_interval);
    let network = settings.network().context("failed to set up the network")?;
    let key = settings.api_key.clone().map(KeyHeader::new).transpose().map_err(anyhow::Error::msg)?;
    let info = SourceInfo {
        proxies: network.proxies.describe([list.url()]),
        ..KIND.info(settings, format!("{list}, {}", how_often(pace)), pace.interval())
    };
    let (area, timeout) = (settings.bounding_box, settings.request_timeout);
    Ok(source(info, move || Rc::new(ReadsbSource::new(UrlReader::new(list, key, timeout, network), pace, area))))
}

fn source(info: SourceInfo, connect: impl FnOnce() -> Rc<dyn StateSource> + Send + 'static) -> Source {
    Source { info, connect: Box::new(connect) }
}

fn how_often(pace: PollPace) -> String {
    match pace {
        PollPace::OnChange { .. } => "as soon as it changes".to_owned(),
        PollPace::Every(interval) => format!("every {interval:?}"),
    }
}

/// Returns the URL of the list: the given one if it is that of a `.json` file, or else the list of the page there.
fn list_url(url: &Endpoint) -> Endpoint {
    let path = url.url().path().trim_end_matches('/');
    if path.ends_with(".json") {
        url.clone()
    } else if path.ends_with("/data") {
        url.join("aircraft.json")
    } else {
        url.join("data/aircraft.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_found_from_the_page() {
        let check = |url: &str, list: &str| assert_eq!(list_url(&url.parse().unwrap()).to_string(), list);
        check("http://roof/tar1090/", "http://roof/tar1090/data/aircraft.json");
        check("http://roof/tar1090", "http://roof/tar1090/data/aircraft.json");
        check("http://roof:8080", "http://roof:8080/data/aircraft.json");
        check("http://roof/skyaware/data/", "http://roof/skyaware/data/aircraft.json");
        check("https://roof/x/all.json", "https://roof/x/all.json");
    }
}
