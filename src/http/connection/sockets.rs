//! Settings of accepted connections, and what the system allows of them.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

/// How many connections may wait to be accepted: a restarted server meets all its clients at once.
const BACKLOG: u32 = 4096;

/// More is not given to the kernel while so much waits in it to be sent. What is on its way to the client is not counted: a
/// distance takes as much of that as it needs. A bound on all of it (`SO_SNDBUF`) would have each part of a long answer wait
/// for the acknowledgement of the part before, which a client's kernel puts off by 40 ms.
const UNSENT: u32 = 16 * 1024;

/// Listens at each of the host's addresses that this machine has.
///
/// # Errors
/// It has none of them, or none is free.
pub(crate) fn listen(host: &str, port: u16) -> io::Result<Vec<TcpListener>> {
    let (mut listeners, mut refused) = (Vec::new(), None);
    for address in (host, port).to_socket_addrs()? {
        match listen_at(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server must not wait until the last connections of the one before are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Bounds how long a client that stops reading is waited for, and what waits in the kernel for it meanwhile: there may be
/// thousands. The kernel ends a connection whose data were not acknowledged for `patience`.
pub(crate) fn bound(stream: &TcpStream, patience: Duration) {
    let socket = SockRef::from(stream);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(patience)))
        .and_then(|()| socket.set_tcp_notsent_lowat(UNSENT));
    if let Err(error) = set {
        log::debug!(error:%; "a connection's settings could not be made");
    }
}

/// How many connections there may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Of clients of streams.
    pub clients: usize,
    /// In all: theirs, and everybody else's.
    pub connections: usize,
}

/// How many of `wanted` clients this process can serve beside `others` connections: raises the limit of open files as far
/// as it may, and says in the log what to change when that is not enough.
pub fn capacity_for(wanted: usize, others: usize) -> Capacity {
    let limit = match raised_limit() {
        Ok(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        Err(error) => {
            log::warn!(
                "how many files this process may open is not known ({error}): many clients may find no capacity"
            );
            return Capacity { clients: wanted, connections: wanted + others };
        }
    };
    let capacity = Capacity::within(limit, wanted, others);
    if capacity.clients < wanted {
        log::warn!(
            "this process may open {limit} files, so it serves at most {} clients at once and not {wanted} (sse.max_clients): raise the \
             hard limit to {} (`ulimit -Hn`, `LimitNOFILE=` of a systemd service, `ulimits.nofile` of a Compose service), or lower \
             sse.max_clients",
            capacity.clients,
            wanted + others + OWN_FILES
        );
    }
    let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
    if let Some(queue) =
        somaxconn.ok().and_then(|text| text.trim().parse::<u32>().ok()).filter(|queue| *queue < BACKLOG)
    {
        log::warn!(
            "the system lets {queue} connections wait to be accepted: when thousands of clients come back at once, some take \
             seconds longer; `sysctl -w net.core.somaxconn={BACKLOG}` mends that"
        );
    }
    capacity
}

/// Files that the process needs for itself: Kafka, the database, logs, timers.
const OWN_FILES: usize = 200;

impl Capacity {
    /// How many connections one address may have: as many streams as it may, and others.
    pub fn for_one_address(self, clients: usize, others: usize) -> usize {
        /// However little room there is, some of it is not for any one address alone.
        const KEPT: usize = 100;
        let kept = KEPT.min(self.connections / 10);
        clients.saturating_add(others).min(self.connections - kept)
    }

    fn within(limit: usize, wanted: usize, others: usize) -> Self {
        let connections = limit.saturating_sub(OWN_FILES).clamp(1, wanted + others);
        // With less room than that, everybody else has to share it as well.
        let clients = limit.saturating_sub(others + OWN_FILES).max(limit / 4).min(connections).clamp(1, wanted.max(1));
        Self { clients, connections }
    }
}

/// The limit of open files, raised to what the process may raise it to.
fn raised_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_the_others_and_the_process_do_not_need() {
        let check = |limit: usize, clients: usize, connections: usize| {
            assert_eq!(Capacity::within(limit, 20_000, 1_000), Capacity { clients, connections }, "{limit}");
        };
        check(1_048_576, 20_000, 21_000);
        check(21_200, 20_000, 21_000);
        check(20_000, 18_800, 19_800);
        check(1_024, 256, 824);
        check(250, 50, 50);
        check(0, 1, 1);
        assert_eq!(Capacity::within(1_048_576, 0, 1_000), Capacity { clients: 1, connections: 1_000 });
    }

    #[test]
    fn one_address_never_has_all_connections() {
        let of_one =
            |connections: usize, clients: usize| Capacity { clients, connections }.for_one_address(clients, 1_024);
        assert_eq!(of_one(21_000, 256), 1_280);
        assert_eq!(of_one(21_000, 20_000), 20_900);
        assert_eq!(of_one(824, 256), 742);
    }

    proptest::proptest! {
        #[test]
        fn there_are_never_more_connections_than_files(limit in 201_usize..100_000, wanted in 0_usize..100_000) {
            let capacity = Capacity::within(limit, wanted, 1_000);
            proptest::prop_assert!(capacity.connections + OWN_FILES <= limit && capacity.clients <= capacity.connections);
        }
    }

    #[test]
    fn the_limit_is_raised_as_far_as_the_process_may() {
        let limit = raised_limit().unwrap();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((soft, hard), (limit, limit));
        assert_eq!(capacity_for(1, 0), Capacity { clients: 1, connections: 1 });
    }
}
