//! Who may connect: of one address, only so many at once.

use std::net::SocketAddr;

use actix_service::{Service, ServiceFactory, apply_fn_factory};
use ipnet::IpNet;
use tokio::net::TcpStream;

use super::by_address::{ByAddress, Share};
use super::refusals::{Limit, Refusals};

/// Lets connections in.
#[derive(Clone)]
pub(super) struct Admission {
    places: ByAddress,
    /// They may have as many as there is room for, since others stand behind them.
    proxies: Vec<IpNet>,
    refusals: Refusals,
}

/// There are enough connections from this address.
struct Refused;

impl Admission {
    pub(super) fn new(connections_per_address: usize, proxies: Vec<IpNet>, refusals: Refusals) -> Self {
        Self { places: ByAddress::new(connections_per_address), proxies, refusals }
    }

    /// A place for a connection from there, where one is needed.
    fn admit(&self, peer: Option<SocketAddr>) -> Result<Option<Share>, Refused> {
        // It has gone already.
        let address = peer.ok_or(Refused)?.ip().to_canonical();
        if self.proxies.iter().any(|proxy| proxy.contains(&address)) {
            return Ok(None);
        }
        self.places.take(address.into(), 1).map(Some).ok_or_else(|| {
            self.refusals.count(Limit::Connections);
            log::debug!(address:%; "a connection is refused: there are as many from this address as there may be");
            Refused
        })
    }
}

/// Serves those connections that are let in, and closes the others.
pub(super) fn admitted<F>(
    admission: Admission,
    connections: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = F::Error, InitError = F::InitError>
where
    F: ServiceFactory<TcpStream, Config = (), Response = ()>,
{
    apply_fn_factory(connections, move |socket: TcpStream, service: &F::Service| {
        // In a box: what is moved into a future takes its room in it twice.
        let served = admission.admit(socket.peer_addr().ok()).map(|place| (place, Box::pin(service.call(socket))));
        async move {
            match served {
                Ok((_place, serving)) => serving.await,
                Err(Refused) => Ok(()),
            }
        }
    })
}
