//! Runs one server under one load.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use loadgen::{Encoding, Load, Plan, Slow, Target};

use crate::group::{Group, pause};
use crate::monitor;
use crate::peers::{PEERS, Peer};
use crate::server::Hub;
use crate::updates::{self, Figures};
use bench::feed::{Feed, Published, World, now, small_state};

/// Events sent to all clients at a fixed rate.
#[derive(Clone, Copy)]
pub(crate) struct Events {
    pub(crate) clients: usize,
    /// Size of one event, including its framing.
    pub(crate) bytes: usize,
    pub(crate) every: Duration,
    pub(crate) count: usize,
}

const TIMEOUT: Duration = Duration::from_secs(90);

impl Events {
    /// Calls `publish` with 1, 2, … when each event is due, and waits until the interval after the last one has passed.
    fn pace(self, mut publish: impl FnMut(usize) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let begin = Instant::now();
        for number in 1..=self.count {
            let due = begin + self.every * u32::try_from(number - 1)?;
            pause(due.saturating_duration_since(Instant::now()));
            publish(number)?;
        }
        pause((begin + self.every * u32::try_from(self.count)?).saturating_duration_since(Instant::now()));
        Ok(())
    }

    /// Returns a payload such that `data: PAYLOAD` and an empty line are `bytes` long.
    fn payload(self, seq: usize) -> String {
        let head = format!("{{\"seq\":{seq},\"sent_at\":{:.3},\"pad\":\"", now() as f64 / 1000.0);
        let pad = self.bytes.saturating_sub(head.len() + "data: \"}\n\n".len());
        format!("{head}{:x<pad$}\"}}", "")
    }
}

/// Connects all clients, a few at a time, and waits until each has its first frame and nothing more arrives.
pub(crate) fn connect(plan: Plan) -> anyhow::Result<Load> {
    let clients = plan.connections as u64;
    let load = Load::start(plan)?;
    let connected = load.wait(TIMEOUT, |progress| progress.answered() == clients || progress.ended() > 0);
    let progress = load.progress();
    ensure!(
        connected && progress.ended() == 0,
        "{} of {clients} clients got a response, {} were disconnected",
        progress.answered(),
        progress.ended(),
    );
    settle(&load);
    Ok(load)
}

/// Waits until nothing has arrived for half a second.
pub(crate) fn settle(load: &Load) {
    load.wait(Duration::from_secs(20), |progress| progress.quiet_for() > Duration::from_millis(500));
}

/// Returns the growth in KiB, divided by `of`.
fn each(kibibytes: u64, before: u64, of: usize) -> f64 {
    kibibytes.saturating_sub(before) as f64 / of.max(1) as f64
}

/// Measures a peer with ready-made events.
pub(crate) fn peer(start: fn() -> anyhow::Result<Peer>, events: Events, slow: Slow) -> anyhow::Result<(Figures, Held)> {
    let mut peer = start()?;
    eprintln!("{}: {} clients, {} bytes every {:?}", peer.name, events.clients, events.bytes, events.every);
    peer.publish(&events.payload(0))?;
    pause(Duration::from_millis(300));
    let before = peer.group.memory()?;
    let load = connect(Plan { slow, ..Plan::new(peer.target.clone(), events.clients) })?;
    peer.publish(&events.payload(0))?;
    settle(&load);
    let idle = peer.group.memory()?;
    let (cpu, since, at) = (peer.group.cpu()?, now(), Instant::now());
    events.pace(|seq| {
        let payload = events.payload(seq);
        peer.publish(&payload)
    })?;
    let seconds = at.elapsed().as_secs_f64();
    settle(&load);
    // Includes the work still pending when the last event was published.
    let cpu = (peer.group.cpu()? - cpu).as_secs_f64();
    let held = Held::measure(&peer.group, idle, None, (slow, events.clients))?;
    let outcome = load.finish()?;
    let figures = Figures {
        name: peer.name.to_owned(),
        latency: updates::latencies(&outcome, since, |visit| !slow.includes(visit.reader)),
        end_to_end: None,
        cpu,
        seconds,
        memory: each(idle, before, events.clients),
        update_bytes: events.bytes as f64,
        gaps: updates::gaps(&outcome),
        problems: loadgen::Report::of(&outcome, |_| true).problems(),
    };
    eprintln!("  {}", figures.summary());
    Ok((figures, held))
}

/// Measures every peer in turn.
pub(crate) fn peers(events: Events) -> anyhow::Result<Vec<Figures>> {
    PEERS.iter().map(|(_, start)| Ok(peer(*start, events, Slow::default())?.0)).collect()
}

/// Memory that a server holds at the end of a run, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// Growth of its PSS since all clients were connected.
    process: u64,
    /// Memory queued in the kernel for sending.
    kernel: u64,
    /// Number of clients that do not read.
    stalled: usize,
}

impl Held {
    fn measure(group: &Group, idle: u64, port: Option<u16>, (slow, clients): (Slow, usize)) -> anyhow::Result<Self> {
        let stalled = (0..clients).filter(|client| slow.includes(*client)).count();
        let kernel = port.map_or(Ok(0), monitor::waiting_to_be_sent)? >> 10;
        Ok(Self { process: group.memory()?.saturating_sub(idle), kernel, stalled })
    }

    /// Returns the cost of each client that does not read, in the process and in the kernel, in KiB: the difference
    /// from a run in which all clients read the same events.
    pub(crate) fn for_each_stalled(&self, all_read: &Self) -> (f64, f64) {
        (each(self.process, all_read.process, self.stalled), each(self.kernel, all_read.kernel, self.stalled))
    }
}

/// The requests of the hub's clients.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    pub(crate) path: &'static str,
    pub(crate) encoding: Encoding,
}

/// Measures the hub with `states` small states per event, in the format of the original or of the stream.
pub(crate) fn small_events(
    kafka: &str,
    topic: &str,
    form: Form,
    (events, states, slow): (Events, usize, Slow),
) -> anyhow::Result<(Figures, Held)> {
    /// Enough aircraft that none is used twice within a second, since its `last_contact` must grow.
    const AIRCRAFT: usize = 3_000;
    eprintln!("hub, {}: {} clients, {states} states every {:?}", form.path, events.clients, events.every);
    let hub = Hub::start(kafka, topic)?;
    let feed = Feed::connect(kafka, topic)?;
    let mut published = HashMap::new();
    let mut next = 0;
    let mut publish = |_| {
        let time = i64::try_from(now() / 1_000_000)?;
        let batch = (0..states).map(|_| {
            next = (next + 1) % AIRCRAFT;
            small_state(next, time).map(Arc::new)
        });
        let batch = batch.collect::<anyhow::Result<Vec<_>>>()?;
        let at = feed.publish(&batch)?;
        published.extend(batch.iter().map(|state| ((state.icao24.to_string(), time), at)));
        anyhow::Ok(())
    };
    publish(0)?;
    pause(Duration::from_millis(500));
    let before = hub.group.memory()?;
    let plan = Plan { slow, encoding: form.encoding, ..Plan::new(hub.target(form.path)?, events.clients) };
    let load = connect(plan).with_context(|| hub.group.log())?;
    publish(0)?;
    settle(&load);
    let idle = hub.group.memory()?;
    let (cpu, since, at) = (hub.group.cpu()?, now(), Instant::now());
    events.pace(&mut publish)?;
    let seconds = at.elapsed().as_secs_f64();
    settle(&load);
    let cpu = (hub.group.cpu()? - cpu).as_secs_f64();
    let held = Held::measure(&hub.group, idle, Some(hub.port()), (slow, events.clients))?;
    let outcome = load.finish()?;
    published.retain(|_, at| *at >= since);
    let healthy = |visit: &loadgen::Visit| !slow.includes(visit.reader);
    let telemetry = updates::telemetry_latencies(&outcome, &published, healthy);
    let lengths: Vec<_> = outcome.frames.iter().map(|frame| frame.length).filter(|length| *length > 40).collect();
    let figures = Figures {
        name: format!("hub, {}", form.path),
        latency: telemetry.or_else(|| updates::latencies(&outcome, since, healthy)),
        end_to_end: None,
        cpu,
        seconds,
        memory: each(idle, before, events.clients),
        update_bytes: lengths.iter().sum::<u64>() as f64 / lengths.len().max(1) as f64,
        gaps: updates::gaps(&outcome),
        problems: loadgen::Report::of(&outcome, |_| true).problems(),
    };
    eprintln!("  {}", figures.summary());
    hub.group.stop()?;
    Ok((figures, held))
}

/// Measures the hub and its clients while a sky's states arrive every five seconds.
pub(crate) fn world(hub: &Hub, world: &World, plan: Plan, polls: usize) -> anyhow::Result<Figures> {
    let clients = plan.connections;
    eprintln!("hub: {clients} clients, {} targets, {polls} polls", plan.targets.len());
    let before = hub.group.memory()?;
    world.next()?;
    let load = connect(plan).with_context(|| hub.group.log())?;
    // One poll as warm-up, in which queues and buffers grow to their final size.
    world.next()?;
    pause(World::EVERY / 2);
    let memory = each(hub.group.memory()?, before, clients);
    let (cpu, since, at) = (hub.group.cpu()?, now(), Instant::now());
    let published = (0..polls).map(|_| world.next()).collect::<anyhow::Result<Vec<Published>>>()?;
    pause(World::EVERY / 2);
    let (cpu, seconds) = ((hub.group.cpu()? - cpu).as_secs_f64(), at.elapsed().as_secs_f64());
    let outcome = load.finish()?;
    let after_first = outcome.arrivals.iter().filter(|arrival| arrival.at >= since);
    let bytes: u64 = after_first.map(|arrival| outcome.frames[arrival.frame as usize].length).sum();
    let figures = Figures {
        name: "hub".to_owned(),
        latency: updates::latencies(&outcome, since, |_| true),
        end_to_end: updates::end_to_end(&outcome, &published),
        cpu,
        seconds,
        memory,
        update_bytes: bytes as f64 / (clients * polls) as f64,
        gaps: updates::gaps(&outcome),
        problems: loadgen::Report::of(&outcome, |_| true).problems(),
    };
    eprintln!("  {}", figures.summary());
    Ok(figures)
}

/// Returns the stream with this query, by default the whole world.
pub(crate) fn stream(hub: &Hub, query: &str) -> anyhow::Result<Target> {
    hub.target(&format!("/api/v1/stream{query}"))
}
