//! Clients that poll: each requests each path at a fixed interval, at its own time within it, on one thread.

use std::collections::{HashSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::{Events, Interest, Poll, Token};

use crate::connection::Connection;
use crate::{EVERY, Plan};

/// The number of addresses that the clients connect from, since the server limits what it holds for one.
const ADDRESSES: usize = 200;

/// How long the last responses may take.
const GRACE: Duration = Duration::from_secs(10);

/// What the clients received.
pub(crate) struct Measured {
    pub(crate) paths: Vec<PathResult>,
    pub(crate) length: Duration,
}

/// The responses of one path.
#[derive(Default)]
pub(crate) struct PathResult {
    pub(crate) path: String,
    /// From the time a request was due, even if the response before it was late, to the last byte of its response.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) bytes: usize,
    /// The number of responses with status 304.
    pub(crate) unchanged: usize,
    /// The number of responses with another status than 200 and 304.
    pub(crate) failed: usize,
    /// The entity tags of all pictures received.
    pub(crate) tags: HashSet<String>,
}

/// A client of one path.
struct Client {
    path: usize,
    connection: Connection,
    /// The due times of requests that wait for the response before them.
    overdue: VecDeque<Instant>,
}

/// Runs the clients for the planned length, after a second to warm up.
pub(crate) fn run(plan: &Plan, server: SocketAddr) -> anyhow::Result<Measured> {
    let mut poll = Poll::new()?;
    let mut clients = connect(plan, server, &poll)?;
    let began = Instant::now() + Duration::from_millis(100);
    let (measured_from, end) = (began + EVERY, began + EVERY + plan.length);
    let offset = |index: usize| EVERY.mul_f64(index as f64 / clients.len() as f64);
    let mut schedule: VecDeque<_> = (0..clients.len()).map(|index| (began + offset(index), index)).collect();
    let paths = plan.paths.iter().map(|path| PathResult { path: path.clone(), ..PathResult::default() });
    let mut results: Vec<_> = paths.collect();
    let (mut events, mut buffer, mut awaited) = (Events::with_capacity(4096), vec![0; 256 << 10], 0_usize);
    loop {
        let now = Instant::now();
        while let Some((due, index)) = schedule.pop_front_if(|(due, _)| *due <= now) {
            let client = clients.get_mut(index).context("no client")?;
            awaited += 1;
            if client.connection.is_busy() {
                client.overdue.push_back(due);
            } else {
                client.connection.request(&plan.paths[client.path], plan.is_conditional, due)?;
            }
            if due + EVERY < end {
                schedule.push_back((due + EVERY, index));
            }
        }
        if schedule.is_empty() && awaited == 0 {
            break;
        }
        anyhow::ensure!(now < end + GRACE, "{awaited} requests have no response");
        let next = schedule.front().map_or(GRACE, |(due, _)| due.saturating_duration_since(now));
        poll.poll(&mut events, Some(next.max(Duration::from_micros(50))))?;
        for event in &events {
            let client = clients.get_mut(event.token().0).context("no client")?;
            let Some(response) = client.connection.read(&mut buffer)? else { continue };
            let (at, result) = (Instant::now(), &mut results[client.path]);
            awaited -= 1;
            if response.due >= measured_from {
                result.latencies.push(at.saturating_duration_since(response.due));
                result.bytes += response.bytes;
                result.unchanged += usize::from(response.status == 304);
                result.failed += usize::from(!matches!(response.status, 200 | 304));
            }
            // Also those of the warm-up, because the server's counters include it.
            if let Some(tag) = client.connection.tag().filter(|tag| !result.tags.contains(*tag)) {
                result.tags.insert(tag.to_owned());
            }
            if let Some(due) = client.overdue.pop_front() {
                client.connection.request(&plan.paths[client.path], plan.is_conditional, due)?;
            }
        }
    }
    Ok(Measured { paths: results, length: plan.length })
}

fn connect(plan: &Plan, server: SocketAddr, poll: &Poll) -> anyhow::Result<Vec<Client>> {
    let mut clients = Vec::new();
    for number in 0..plan.clients {
        let address = u8::try_from(number % ADDRESSES).unwrap_or_default() + 2;
        for path in 0..plan.paths.len() {
            let connection = Connection::open(server, Ipv4Addr::new(127, 0, 0, address))
                .with_context(|| format!("failed to connect client {number}"))?;
            clients.push(Client { path, connection, overdue: VecDeque::new() });
        }
    }
    for (index, client) in clients.iter_mut().enumerate() {
        poll.registry().register(&mut client.connection.stream, Token(index), Interest::READABLE)?;
    }
    Ok(clients)
}
