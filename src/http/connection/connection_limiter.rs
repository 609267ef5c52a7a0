//! Limits the concurrent connections from one address.

use std::net::SocketAddr;

use actix_service::{Service, ServiceFactory, apply_fn_factory};
use ipnet::IpNet;
use tokio::net::TcpStream;

use super::per_address_limit::{AddressPermit, PerAddressLimit};
use super::rejections::{Limit, Rejections};

/// Accepts connections up to a limit per address.
#[derive(Clone)]
pub(crate) struct ConnectionLimiter {
    connections: PerAddressLimit,
    /// Trusted proxies, which are exempt, because each of their connections may be for a different client.
    proxies: Vec<IpNet>,
    rejections: Rejections,
}

/// The error for an address that has reached its limit.
struct Rejected;

impl ConnectionLimiter {
    pub(crate) fn new(connections_per_address: usize, proxies: Vec<IpNet>, rejections: Rejections) -> Self {
        Self { connections: PerAddressLimit::new(connections_per_address), proxies, rejections }
    }

    /// Acquires a permit for a connection from `peer`; `None` if the peer is exempt.
    fn admit(&self, peer: Option<SocketAddr>) -> Result<Option<AddressPermit>, Rejected> {
        // A connection without a peer address is already closed.
        let address = peer.ok_or(Rejected)?.ip().to_canonical();
        if self.proxies.iter().any(|proxy| proxy.contains(&address)) {
            return Ok(None);
        }
        self.connections.try_acquire(address.into(), 1).map(Some).ok_or_else(|| {
            self.rejections.count(Limit::Connections);
            log::debug!(address:%; "connection rejected: too many connections from this address");
            Rejected
        })
    }
}

/// Serves connections within the limit, and closes the others.
pub(crate) fn limited<F>(
    limiter: ConnectionLimiter,
    connections: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = F::Error, InitError = F::InitError>
where
    F: ServiceFactory<TcpStream, Config = (), Response = ()>,
{
    apply_fn_factory(connections, move |socket: TcpStream, service: &F::Service| {
        // Boxed, because a value that is moved into a future takes up twice its size there.
        let served = limiter.admit(socket.peer_addr().ok()).map(|permit| (permit, Box::pin(service.call(socket))));
        async move {
            match served {
                Ok((_permit, serving)) => serving.await,
                Err(Rejected) => Ok(()),
            }
        }
    })
}
