//! Accepted connections: limits, TLS, sockets, and the requests in flight.

pub(crate) mod capacity;
pub(crate) mod client_address;
pub(crate) mod connection_limiter;
pub(crate) mod disconnect;
pub(crate) mod in_flight;
pub(crate) mod per_address_limit;
pub(crate) mod plain_connection;
pub(crate) mod rejections;
pub(crate) mod socket_handoff;
pub(crate) mod sockets;
pub(crate) mod tls;
pub(crate) mod tls_connection;
