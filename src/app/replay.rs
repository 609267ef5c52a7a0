use std::sync::Arc;
use std::time::Duration;

use actors::domain::UnixTime;
use actors::ports::Publisher;
use actors::throttle::Throttle;
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep_until};

use super::pipeline::{NoKafka, kafka_options};
use crate::cli::ReplayArgs;
use crate::config::{Brokers, Settings};
use crate::kafka::{KafkaCluster, KafkaPublisher};
use crate::sources::recorded;

/// Publishes recorded responses in the order of their files, at the pace of the recording or faster.
pub(super) async fn run(args: &ReplayArgs, settings: &Settings) -> anyhow::Result<()> {
    if settings.kafka.bootstrap_servers == Brokers::Embedded {
        bail!(NoKafka("set it to a Kafka cluster, or play the files with `flight-monitor serve --replay FILE…`"));
    }
    let publisher = KafkaPublisher::new(KafkaCluster::new(kafka_options(&settings.kafka)));
    let bar = ProgressBar::new(args.files.len() as u64).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} responses  {msg}  {elapsed}, {eta} left")
            .context("invalid progress bar template")?,
    );
    let began = (Instant::now(), UnixTime::now());
    let (mut first, mut published, mut bad_rows) = (None, 0, 0);
    let mut second = None;
    for file in &args.files {
        let snapshot = recorded::read(file)?;
        let recorded_after = snapshot.time.seconds_since(*first.get_or_insert(snapshot.time)).max(0);
        let plays_after = Duration::from_secs(recorded_after.unsigned_abs()).div_f64(args.speed.get());
        sleep_until(began.0 + plays_after).await;
        bad_rows += snapshot.bad_rows.count();
        if !args.original_times && second.replace(plays_after.as_secs()) == Some(plays_after.as_secs()) {
            static TOO_FAST: Throttle = Throttle::new(Duration::from_secs(10));
            if let Some(suppressed) = TOO_FAST.admit() {
                log::warn!(
                    suppressed;
                    "{}: played in the same second as the previous response, so each aircraft keeps only one of its states; \
                     use a lower --speed or --original-times to keep both",
                    file.display()
                );
            }
        }
        let shift =
            if args.original_times { 0 } else { began.1.0 + plays_after.as_secs().cast_signed() - snapshot.time.0 };
        let states: Vec<_> = recorded::shift_times(snapshot, shift).states.into_iter().map(Arc::new).collect();
        publisher.publish(&states).await.with_context(|| file.display().to_string())?;
        published += states.len();
        bar.set_message(format!("{published} state vectors"));
        bar.inc(1);
    }
    bar.finish();
    log::info!(published, bad_rows, files = args.files.len(); "replayed");
    Ok(())
}
