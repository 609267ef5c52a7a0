//! Who may connect: of one address, only so many at once.

use std::net::SocketAddr;

use actix_service::{Service, ServiceFactory, apply_fn_factory};
use ipnet::IpNet;
use tokio::net::TcpStream;

use super::per_address_limit::{AddressPermit, PerAddressLimit};
use super::rejections::{Limit, Rejections};

/// Lets connections in.
#[derive(Clone)]
pub(crate) struct ConnectionLimiter {
    connections: PerAddressLimit,
    /// They may have as many as there is room for, since others stand behind them.
    proxies: Vec<IpNet>,
    rejections: Rejections,
}

/// There are enough connections from this address.
struct Rejected;

impl ConnectionLimiter {
    pub(crate) fn new(connections_per_address: usize, proxies: Vec<IpNet>, rejections: Rejections) -> Self {
        Self { connections: PerAddressLimit::new(connections_per_address), proxies, rejections }
    }

    /// A place for a connection from there, where one is needed.
    fn admit(&self, peer: Option<SocketAddr>) -> Result<Option<AddressPermit>, Rejected> {
        // It has gone already.
        let address = peer.ok_or(Rejected)?.ip().to_canonical();
        if self.proxies.iter().any(|proxy| proxy.contains(&address)) {
            return Ok(None);
        }
        self.connections.try_acquire(address.into(), 1).map(Some).ok_or_else(|| {
            self.rejections.count(Limit::Connections);
            log::debug!(address:%; "a connection is refused: there are as many from this address as there may be");
            Rejected
        })
    }
}

/// Serves those connections that are let in, and closes the others.
pub(crate) fn limited<F>(
    limiter: ConnectionLimiter,
    connections: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = F::Error, InitError = F::InitError>
where
    F: ServiceFactory<TcpStream, Config = (), Response = ()>,
{
    apply_fn_factory(connections, move |socket: TcpStream, service: &F::Service| {
        // In a box: what is moved into a future takes its room in it twice.
        let served = limiter.admit(socket.peer_addr().ok()).map(|place| (place, Box::pin(service.call(socket))));
        async move {
            match served {
                Ok((_place, serving)) => serving.await,
                Err(Rejected) => Ok(()),
            }
        }
    })
}
