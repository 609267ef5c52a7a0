//! The measurements and their goals.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::Context;
use loadgen::{Encoding, Load, Milliseconds, Plan, Report, Slow, Target};

use crate::boxes::{EUROPE, boxes};
use crate::connecting::{Crowd, simultaneous, storm};
use crate::group::pause;
use crate::peers::PEERS;
use crate::runs::{Events, Form, Held, connect, peer, peers, small_events, stream, world};
use crate::server::Hub;
use crate::updates::Figures;
use bench::feed::{Sky, World, now};
use bench::report::Line;

type Measurement = fn(&mut Bench) -> anyhow::Result<Vec<Line>>;

/// All measurements by name.
pub(crate) const MEASUREMENTS: [(&str, Measurement); 10] = [
    ("small", Bench::small),
    ("world", Bench::world),
    ("boxes", Bench::boxes),
    ("encodings", Bench::encodings),
    ("connect", Bench::connect),
    ("idle", Bench::idle),
    ("stalled", Bench::stalled),
    ("storm", Bench::storm),
    ("bytes", Bench::bytes),
    ("growth", Bench::growth),
];

const AIRCRAFT: usize = 10_000;
const CLIENTS: usize = 10_000;
const GZIP: Form = Form { path: "/api/v1/stream", encoding: Encoding::Gzip };
const PLAIN: Form = Form { path: "/api/v1/stream", encoding: Encoding::Identity };
const ORIGINAL: Form = Form { path: "/sse/flights", encoding: Encoding::Identity };

pub(crate) struct Bench {
    quick: bool,
    /// How often each server is measured, in turn.
    rounds: usize,
    pub(crate) kafka: String,
    topics: usize,
}

/// A hub and the world that feeds it.
struct Scene {
    hub: Hub,
    world: World,
}

impl Scene {
    fn stop(self) -> anyhow::Result<()> {
        self.world.stop()?;
        self.hub.group.stop()
    }

    fn plan(&self, query: &str, clients: usize) -> anyhow::Result<Plan> {
        Ok(Plan { encoding: GZIP.encoding, ..Plan::new(stream(&self.hub, query)?, clients) })
    }
}

/// Measures the time until the first byte for `newcomers` clients that connect one after the other.
fn first_byte(scene: &Scene, newcomers: usize) -> anyhow::Result<Milliseconds> {
    let load = Load::start(Plan { max_connecting: 1, ..scene.plan("", newcomers)? })?;
    load.wait(Duration::from_secs(30), |progress| progress.with_frame() == newcomers as u64);
    Report::of(&load.finish()?, |_| true).first_byte.context("no client received a byte")
}

impl Bench {
    pub(crate) fn new(quick: bool, rounds: usize) -> anyhow::Result<Self> {
        let kafka = std::env::var("TEST_KAFKA").context("TEST_KAFKA is not set: use `make bench-hub`")?;
        Ok(Self { quick, rounds, kafka, topics: 0 })
    }

    /// Returns the number of polls to measure: one in quick mode.
    pub(crate) fn polls(&self, polls: usize) -> usize {
        if self.quick { 1 } else { polls }
    }

    /// Returns an unused topic name.
    pub(crate) fn topic(&mut self) -> String {
        self.topics += 1;
        format!("bench-hub-{}-{}", std::process::id(), self.topics)
    }

    fn scene(&mut self) -> anyhow::Result<Scene> {
        let topic = self.topic();
        let hub = Hub::start(&self.kafka, &topic)?;
        let world = World::start(&self.kafka, &topic, Sky::of(AIRCRAFT)?)?;
        world.next()?;
        // Let the hub build the whole picture before measuring.
        pause(Duration::from_secs(1));
        Ok(Scene { hub, world })
    }

    fn small(&mut self) -> anyhow::Result<Vec<Line>> {
        let count = if self.quick { 100 } else { 1000 };
        let mut events = Events { clients: 1000, bytes: 256, every: Duration::from_millis(20), count };
        let mut lines = Vec::new();
        for form in [ORIGINAL, PLAIN] {
            let mut rounds = Vec::new();
            for _ in 0..self.polls(self.rounds) {
                let topic = self.topic();
                let (hub, _) = small_events(&self.kafka, &topic, form, (events, 1, Slow::default()))?;
                // Make the peers' events as long as ours.
                events.bytes = hub.update_bytes.round() as usize;
                let mut round = peers(events)?;
                round.insert(0, hub);
                rounds.push(round);
            }
            let what = format!("1,000 clients, {} bytes, 50 a second", events.bytes);
            lines.extend(compare_with_peers(&what, rounds));
        }
        Ok(lines)
    }

    fn world(&mut self) -> anyhow::Result<Vec<Line>> {
        let polls = self.polls(4);
        let events = Events { clients: CLIENTS, bytes: 40 << 10, every: World::EVERY, count: polls };
        let mut rounds = Vec::new();
        for _ in 0..self.polls(self.rounds) {
            let scene = self.scene()?;
            let hub = world(&scene.hub, &scene.world, scene.plan("", CLIENTS)?, polls)?;
            scene.stop()?;
            let mut round = peers(events)?;
            round.insert(0, hub);
            rounds.push(round);
        }
        let ours: Vec<_> = rounds.iter().map(|round| &round[0]).collect();
        let p99 = ours.iter().map(|figures| figures.p99()).fold(0.0, f64::max);
        let mut lines = vec![Line::new(
            "10,000 clients, 10,000 aircraft, gzip: sent → last byte",
            "p99 ≤ 500 ms",
            ours.iter().map(|figures| figures.summary()).collect::<Vec<_>>().join("; again: "),
            p99 <= 500.0,
        )];
        lines.extend(compare_with_peers("10,000 clients, every 5 s (the others: ready frames of 40 KiB)", rounds));
        Ok(lines)
    }

    fn boxes(&mut self) -> anyhow::Result<Vec<Line>> {
        let (scene, polls) = (self.scene()?, self.polls(4));
        let queries = boxes(50, &Sky::of(AIRCRAFT)?.look()?);
        let targets = queries.iter().map(|query| stream(&scene.hub, query)).collect::<anyhow::Result<Vec<Target>>>()?;
        let plan = Plan { targets, ..scene.plan("", CLIENTS)? };
        let figures = world(&scene.hub, &scene.world, plan, polls)?;
        scene.stop()?;
        let reached = figures.p99() <= 300.0 && figures.share() <= 10.0;
        Ok(vec![Line::new(
            "10,000 clients, each one of 50 boxes",
            "p99 ≤ 300 ms, ≤ 10 % of a core",
            figures.summary(),
            reached,
        )])
    }

    fn encodings(&mut self) -> anyhow::Result<Vec<Line>> {
        let scene = self.scene()?;
        let mut counted = BTreeMap::new();
        for clients in [1, 100, CLIENTS] {
            let load = connect(scene.plan("", clients)?)?;
            scene.world.next()?;
            pause(World::EVERY / 2);
            let read = || {
                let counters = ["flight_monitor_sse_encodings_total", "flight_monitor_sse_compressions_total"];
                counters.map(|name| scene.hub.metric(name)).into_iter().collect::<anyhow::Result<Vec<f64>>>()
            };
            let (before, since) = (read()?, now());
            for _ in 0..self.polls(4) {
                scene.world.next()?;
            }
            pause(World::EVERY / 2);
            let after = read()?;
            let (updates, _) = load.finish()?.updates();
            let made = updates.iter().filter(|arrived| arrived.has_changes && arrived.update.sent_at >= since);
            let made = made.map(|arrived| arrived.update.seq).collect::<HashSet<_>>().len() as f64;
            counted.insert(clients, ((after[0] - before[0]) / made, (after[1] - before[1]) / made));
        }
        scene.stop()?;
        let text = counted
            .iter()
            .map(|(clients, (encoded, compressed))| format!("{clients}: {encoded:.2} and {compressed:.2}"));
        let text = text.collect::<Vec<_>>().join("; ");
        let same = counted.values().all(|counts| Some(counts) == counted.values().next());
        Ok(vec![Line::new("encodings and compressions an update, by clients", "the same", text, same)])
    }

    fn connect(&mut self) -> anyhow::Result<Vec<Line>> {
        let scene = self.scene()?;
        let crowd = simultaneous(scene.plan("", 1000)?)?;
        let within = crowd.all_within(Duration::from_secs(1));
        let mut lines = vec![Line::new(
            "1,000 clients connect simultaneously, a whole snapshot each",
            "all current ≤ 1 s",
            crowd.summary(),
            within,
        )];
        let load = connect(scene.plan("", 5000)?)?;
        scene.world.next()?;
        pause(World::EVERY / 2);
        let quiet = first_byte(&scene, 100)?;
        scene.world.next()?;
        let busy = first_byte(&scene, 1000)?;
        load.finish()?;
        scene.stop()?;
        let what = "first byte of 100 more, one after another, with 5,000 connected";
        lines.push(Line::new(what, "≤ 20 ms", quiet.to_string(), quiet.p99 <= 20.0));
        lines.push(Line::without_goal("the same for 1,000 more, while all 10,000 aircraft change", busy.to_string()));
        Ok(lines)
    }

    fn idle(&mut self) -> anyhow::Result<Vec<Line>> {
        const IDLE: usize = 5000;
        let scene = self.scene()?;
        let before = scene.hub.group.memory()?;
        let load = connect(scene.plan("", IDLE)?)?;
        scene.world.next()?;
        pause(World::EVERY / 2);
        let each = scene.hub.group.memory()?.saturating_sub(before) as f64 / IDLE as f64;
        load.finish()?;
        scene.stop()?;
        let what = "memory of an idle client, the world's snapshot and an update received: PSS ÷ 5,000";
        let mut lines = vec![Line::new(what, "≤ 8 KiB", format!("{each:.1} KiB"), each <= 8.0)];
        let events = Events { clients: IDLE, bytes: 256, every: Duration::from_secs(1), count: 1 };
        for figures in peers(events)? {
            lines.push(Line::without_goal(format!("the same: {}", figures.name), format!("{:.1} KiB", figures.memory)));
        }
        Ok(lines)
    }

    fn stalled(&mut self) -> anyhow::Result<Vec<Line>> {
        let count = if self.quick { 20 } else { 200 };
        let every = Duration::from_millis(100);
        let events = Events { clients: 200, bytes: 64 << 10, every, count };
        let slow = Slow { every: 5, bytes_per_second: 0 };
        let mut lines = Vec::new();
        let mut ours = |slow| {
            let topic = self.topic();
            // 180 states make 64 KiB in the original's format.
            small_events(&self.kafka, &topic, ORIGINAL, (events, 180, slow))
        };
        let all_read = ours(Slow::default())?;
        let some_stalled = ours(slow)?;
        let (process, kernel) = some_stalled.1.for_each_stalled(&all_read.1);
        let goal = "p99 of the others within 10 %; ≤ 64 KiB a stalled client, kernel included";
        let reached = some_stalled.0.p99() <= 1.1 * all_read.0.p99() && process + kernel <= 64.0;
        lines.push(Line::new(
            "200 clients, 64 KiB × 10/s, 20 % stop reading",
            goal,
            stall_summary(&all_read, &some_stalled),
            reached,
        ));
        for (_, start) in PEERS {
            let all_read = peer(start, events, Slow::default())?;
            let what = format!("the same: {}", all_read.0.name);
            let summary = peer(start, events, slow).map_or_else(
                |error| format!("with stalled clients: {error:#}"),
                |some_stalled| stall_summary(&all_read, &some_stalled),
            );
            lines.push(Line::without_goal(what, summary));
        }
        Ok(lines)
    }

    fn storm(&mut self) -> anyhow::Result<Vec<Line>> {
        let scene = self.scene()?;
        let mut lines = Vec::new();
        for (resume, how) in [(true, "and resume"), (false, "and get a snapshot")] {
            scene.world.next()?;
            pause(Duration::from_secs(1));
            let crowd: Crowd = storm(scene.plan("", CLIENTS)?, resume)?;
            let reached = crowd.all_within(Duration::from_secs(2));
            let what = format!("10,000 clients reconnect simultaneously {how}");
            lines.push(Line::new(what, "all current ≤ 2 s, no error", crowd.summary(), reached));
        }
        scene.stop()?;
        Ok(lines)
    }

    fn bytes(&mut self) -> anyhow::Result<Vec<Line>> {
        let polls = self.polls(6);
        let forms = [
            ("world, gzip", GZIP, ""),
            ("world, zstd", Form { encoding: Encoding::Zstd, ..GZIP }, ""),
            ("world, identity", PLAIN, ""),
            ("Europe, gzip", GZIP, EUROPE),
            ("Europe, zstd", Form { encoding: Encoding::Zstd, ..GZIP }, EUROPE),
            ("the original's format, world", ORIGINAL, ""),
            ("the original's format, world, gzip", Form { encoding: Encoding::Gzip, ..ORIGINAL }, ""),
        ];
        let scene = self.scene()?;
        let loads = forms.iter().map(|(_, form, query)| {
            let target = scene.hub.target(&format!("{}{query}", form.path))?;
            Ok(Load::start(Plan { encoding: form.encoding, ..Plan::new(target, 1) })?)
        });
        let loads = loads.collect::<anyhow::Result<Vec<_>>>()?;
        scene.world.next()?;
        pause(World::EVERY / 2);
        let before: Vec<_> = loads.iter().map(|load| load.progress().bytes()).collect();
        for _ in 0..polls {
            scene.world.next()?;
        }
        pause(World::EVERY / 2);
        let mut lines = Vec::new();
        for ((name, ..), (load, before)) in forms.iter().zip(loads.into_iter().zip(before)) {
            let update = (load.progress().bytes() - before) as f64 / polls as f64;
            load.finish()?;
            let an_hour = update * (3600.0 / World::EVERY.as_secs_f64()) / f64::from(1 << 20);
            let figure = format!("{an_hour:.1} MiB an hour, {:.1} KiB an update", update / 1024.0);
            lines.push(Line::without_goal(format!("bytes a client, 10,000 aircraft every 5 s: {name}"), figure));
        }
        scene.stop()?;
        Ok(lines)
    }
}

fn stall_summary((all_read, without): &(Figures, Held), (some_stalled, held): &(Figures, Held)) -> String {
    let (process, kernel) = held.for_each_stalled(without);
    let p99 = |figures: &Figures| figures.latency.map_or("no samples".to_owned(), |l| format!("{:.1} ms", l.p99));
    let problems = some_stalled.problems.as_ref().map_or(String::new(), |problems| format!("; {problems}"));
    format!(
        "p99 {} when all read, {} with stalled clients; per stalled client {process:.0} KiB in the process, {kernel:.0} KiB in the kernel{problems}",
        p99(all_read),
        p99(some_stalled),
    )
}

/// Returns a line for each server, with ratios of ours to each peer. Each figure is the mean of all rounds.
fn compare_with_peers(what: &str, rounds: Vec<Vec<Figures>>) -> Vec<Line> {
    let mut servers: Vec<Vec<Figures>> = Vec::new();
    for round in rounds {
        servers.resize_with(round.len().max(servers.len()), Vec::new);
        for (server, figures) in servers.iter_mut().zip(round) {
            server.push(figures);
        }
    }
    let mean =
        |server: &[Figures], value: fn(&Figures) -> f64| server.iter().map(value).sum::<f64>() / server.len() as f64;
    let mut lines = Vec::new();
    let Some((ours, others)) = servers.split_first() else { return lines };
    let summaries = |server: &[Figures]| server.iter().map(Figures::summary).collect::<Vec<_>>().join("; again: ");
    lines.push(Line::without_goal(format!("{what}: {}", ours[0].name), summaries(ours)));
    for other in others {
        let name = &other[0].name;
        let ratio = |value: fn(&Figures) -> f64| mean(ours, value) / mean(other, value);
        let (cpu, p99, memory) = (ratio(Figures::share), ratio(Figures::p99), ratio(|figures| figures.memory));
        let (goal, reached) = match name.as_str() {
            "floor" => ("hub within 1.25 × of it in CPU and p99", cpu <= 1.25 && p99 <= 1.25),
            _ => ("hub ahead in CPU, p99 and memory", cpu < 1.0 && p99 < 1.0 && memory < 1.0),
        };
        let figure =
            format!("{}. Hub: {cpu:.2} × its CPU, {p99:.2} × its p99, {memory:.2} × its memory", summaries(other));
        lines.push(Line::new(format!("the same: {name}"), goal, figure, reached));
    }
    lines
}
