//! Derives the maximum number of connections from the limit on open files.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::sockets::BACKLOG;

/// The maximum number of concurrent connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The maximum number of stream clients.
    pub clients: usize,
    /// The maximum number of connections in total.
    pub connections: usize,
}

/// File descriptors reserved for the process itself: Kafka, the database, logs, timers.
const OWN_FILES: usize = 200;

impl Capacity {
    /// Raises the limit on open files as far as allowed, and returns how many of the `wanted` clients fit in addition
    /// to `others` connections. If that is fewer than wanted, logs a warning that says what to change.
    pub fn raise(wanted: usize, others: usize) -> Self {
        let limit = match raised_limit() {
            Ok(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
            Err(error) => {
                log::warn!(error:%; "failed to read the limit on open files, assuming that it allows sse.max_clients");
                return Self { clients: wanted, connections: wanted + others };
            }
        };
        let capacity = Self::within(limit, wanted, others);
        if capacity.clients < wanted {
            log::warn!(
                "open files are limited to {limit}, which allows {} concurrent stream clients instead of {wanted} \
                 (sse.max_clients): raise the hard limit to {} (`ulimit -Hn`, `LimitNOFILE=` of a systemd service, \
                 `ulimits.nofile` of a Compose service), or lower sse.max_clients",
                capacity.clients,
                wanted + others + OWN_FILES
            );
        }
        let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
        let backlog = somaxconn.ok().and_then(|text| text.trim().parse::<u32>().ok());
        if let Some(backlog) = backlog.filter(|backlog| *backlog < BACKLOG) {
            log::warn!(
                "the system limits the queue of incoming connections to {backlog}: when thousands of clients reconnect \
                 simultaneously, some take seconds longer; raise the limit with `sysctl -w \
                 net.core.somaxconn={BACKLOG}`"
            );
        }
        capacity
    }

    /// Returns the maximum for one address: its streams and other connections, but never all connections.
    pub fn for_one_address(self, clients: usize, others: usize) -> usize {
        const RESERVED: usize = 100;
        let reserved = RESERVED.min(self.connections / 10);
        clients.saturating_add(others).min(self.connections - reserved)
    }

    fn within(limit: usize, wanted: usize, others: usize) -> Self {
        let connections = limit.saturating_sub(OWN_FILES).clamp(1, wanted + others);
        // With a low limit, streams get at least a quarter of it.
        let clients = limit.saturating_sub(others + OWN_FILES).max(limit / 4).min(connections).clamp(1, wanted.max(1));
        Self { clients, connections }
    }
}

/// Raises the soft limit on open files to the hard limit, and returns it.
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
    fn stream_clients_get_the_remaining_file_descriptors() {
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
    fn one_address_cannot_take_all_connections() {
        let for_one_address =
            |connections: usize, clients: usize| Capacity { clients, connections }.for_one_address(clients, 1_024);
        assert_eq!(for_one_address(21_000, 256), 1_280);
        assert_eq!(for_one_address(21_000, 20_000), 20_900);
        assert_eq!(for_one_address(824, 256), 742);
    }

    proptest::proptest! {
        #[test]
        fn connections_never_exceed_the_limit_on_open_files(limit in 201_usize..100_000, wanted in 0_usize..100_000) {
            let capacity = Capacity::within(limit, wanted, 1_000);
            proptest::prop_assert!(capacity.connections + OWN_FILES <= limit && capacity.clients <= capacity.connections);
        }
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_limit() {
        let limit = raised_limit().unwrap();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((soft, hard), (limit, limit));
        assert_eq!(Capacity::raise(1, 0), Capacity { clients: 1, connections: 1 });
    }
}
