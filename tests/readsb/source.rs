//! Opens sources as the configuration does.

use std::rc::Rc;
use std::time::Duration;

use actors::ports::{SourceError, StateSource};
use actors::supervision::ConfiguredName;
use flight_monitor::proxy::Proxies;
use flight_monitor::sources::{ApiKey, KINDS, PollInterval, Source, SourceSettings};

/// Returns the settings of a source at an address, which is polled at a fixed interval.
pub(crate) fn settings(address: &str) -> SourceSettings {
    SourceSettings {
        name: ConfiguredName::new("roof").unwrap(),
        priority: None,
        address: Some(address.parse().unwrap()),
        bounding_box: None,
        location: None,
        api_key: None,
        poll_interval: PollInterval::Every(Duration::from_secs(1)),
        request_timeout: Duration::from_secs(30),
        proxies: Ok(Proxies::default()),
        authorities: None,
    }
}

/// Returns a key that no error and no log may contain.
pub(crate) fn key() -> Option<ApiKey> {
    Some(ApiKey { header: "api-auth".to_owned(), key: "hunter2".to_owned() })
}

pub(crate) fn open(kind: &str, settings: &SourceSettings) -> anyhow::Result<Source> {
    (KINDS.iter().find(|known| known.name == kind).unwrap().open)(settings)
}

pub(crate) fn connect(kind: &str, settings: &SourceSettings) -> Rc<dyn StateSource> {
    (open(kind, settings).unwrap().connect)()
}

/// Polls, and returns the kind and text of the failure. Asserts that neither its display nor its debug form contains the
/// key.
pub(crate) async fn failure(source: &dyn StateSource) -> (&'static str, String) {
    let error = source.fetch().await.unwrap_err();
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains("hunter2"), "the key leaks: {shown}");
    }
    let kind = match error {
        SourceError::Refused(_) => "refused",
        SourceError::RateLimited { .. } => "limited",
        SourceError::Unavailable(_) => "unavailable",
        SourceError::Malformed(_) => "malformed",
    };
    (kind, error.to_string())
}
