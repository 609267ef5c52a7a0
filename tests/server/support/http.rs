use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::AsSendBody;
use ureq::http::{HeaderMap, Request};
use url::{Position, Url};

/// A response with any status. The body is not decompressed.
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl HttpResponse {
    /// Returns a header, or an empty string if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Asserts that this is a problem document with this status, and returns it.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        problem
    }
}

/// Sends one request. Does not follow redirects.
pub(crate) fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> HttpResponse {
    request_with(method, url, headers, ())
}

/// Sends one request with a body. Does not follow redirects.
pub(crate) fn request_with(method: &str, url: &str, headers: &[(&str, &str)], body: impl AsSendBody) -> HttpResponse {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .max_redirects(0)
        .proxy(None)
        .build()
        .new_agent();
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(body).unwrap()).unwrap_or_else(|error| panic!("{method} {url}: {error}"));
    let mut body = Vec::new();
    response.body_mut().as_reader().read_to_end(&mut body).unwrap();
    HttpResponse { status: response.status().as_u16(), headers: response.headers().clone(), body }
}

/// Resolves a relative URL in the response of `path` to a path and query.
pub(crate) fn resolve(path: &str, address: &str) -> String {
    let server = Url::parse("http://server/").unwrap();
    server.join(path).unwrap().join(address).unwrap()[Position::BeforePath..].to_owned()
}
