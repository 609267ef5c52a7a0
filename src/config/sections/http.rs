use super::Rows;
use crate::config::reader::Reader;
use crate::config::values::{Host, Shown};

/// `http`: where the server listens.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The address to listen on.
    pub host: Host,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
}

impl HttpSettings {
    /// `host:port` to listen on.
    pub fn listen_on(&self) -> String {
        self.host.with_port(self.port)
    }

    pub(in crate::config) fn read(reader: &mut Reader) -> Option<Self> {
        let host = reader.read("http.host");
        let port = reader.read("http.port");
        Some(Self { host: host?, port: port? })
    }

    pub(in crate::config) fn rows(&self) -> Rows {
        vec![("http.host", Shown::text(&self.host)), ("http.port", Shown::text(&self.port))]
    }
}
