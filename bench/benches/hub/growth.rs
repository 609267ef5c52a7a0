//! Measures how latency and cost grow with the number of clients and aircraft.

use std::fs;
use std::path::Path;

use loadgen::{Encoding, Plan};

use crate::measurements::Bench;
use crate::plot::{Panel, Series};
use crate::runs::{stream, world};
use crate::server::Hub;
use crate::updates::Figures;
use bench::feed::{Sky, World};
use bench::report::Line;

const AIRCRAFT: [usize; 3] = [100, 1_000, 10_000];
const CLIENTS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const PLOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/images/hub-growth.svg");

impl Bench {
    /// Measures every combination of client and aircraft counts, and draws the plot.
    pub(crate) fn growth(&mut self) -> anyhow::Result<Vec<Line>> {
        let (polls, mut lines) = (self.polls(3), Vec::new());
        let (mut p99, mut cpu) = (Vec::new(), Vec::new());
        for aircraft in AIRCRAFT {
            let topic = self.topic();
            let hub = Hub::start(&self.kafka, &topic)?;
            let feeding = World::start(&self.kafka, &topic, Sky::of(aircraft)?)?;
            feeding.next()?;
            let mut figures = Vec::new();
            for clients in CLIENTS {
                let plan = Plan { encoding: Encoding::Gzip, ..Plan::new(stream(&hub, "")?, clients) };
                figures.push((clients, world(&hub, &feeding, plan, polls)?));
            }
            feeding.stop()?;
            hub.group.stop()?;
            let name = format!("{aircraft} aircraft");
            let series = |value: fn(&Figures) -> f64| Series {
                name: name.clone(),
                points: figures.iter().map(|(clients, figures)| (*clients as f64, value(figures))).collect(),
            };
            p99.push(series(Figures::p99));
            cpu.push(series(Figures::share));
            for (clients, figures) in &figures {
                let what = format!(
                    "growth: {clients} clients, {aircraft} aircraft, {:.0} bytes an update",
                    figures.update_bytes
                );
                lines.push(Line::without_goal(what, figures.summary()));
            }
        }
        let panels = [
            Panel { title: "p99, ms: sent → last byte at a client", series: p99 },
            Panel { title: "CPU of the server, % of a core", series: cpu },
        ];
        let path = Path::new(PLOT);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, crate::plot::svg(&panels, "clients"))?;
        eprintln!("wrote {PLOT}");
        Ok(lines)
    }
}
