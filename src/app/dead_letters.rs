use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use actors::batch::DeadLetter;
use anyhow::{Context, anyhow, bail};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::pipeline::{NoKafka, kafka_options};
use crate::cli::DeadLettersArgs;
use crate::config::{Brokers, Settings};
use crate::kafka::{DeadLetterReader, FoundLetter, KafkaCluster, KafkaPublisher, ReadFrom, codec};

/// Lists or resends the dead letters.
pub(super) async fn run(args: &DeadLettersArgs, settings: &Settings) -> anyhow::Result<()> {
    if settings.kafka.bootstrap_servers == Brokers::Embedded {
        bail!(NoKafka("see the log of that process for its dead letters"));
    }
    let cluster = KafkaCluster::new(kafka_options(&settings.kafka));
    let letters = DeadLetterReader::open(&cluster).await.map_err(|error| anyhow!("Kafka: {error}"))?;
    if args.resend {
        let kafka = &settings.kafka;
        let topics = Topics {
            raw: (&kafka.topic_raw).into(),
            polls: (&kafka.topic_polls).into(),
            alerts: (&kafka.topic_alerts).into(),
        };
        resend(args, &topics, &cluster, &letters).await
    } else {
        list(args, &letters, io::stdout()).await
    }
}

impl DeadLettersArgs {
    fn from(&self) -> ReadFrom {
        if self.all { ReadFrom::Beginning } else { ReadFrom::Resent }
    }

    fn selects(&self, letter: &DeadLetter) -> bool {
        self.reason.as_ref().is_none_or(|reason| letter.reason.contains(reason))
    }
}

async fn list(args: &DeadLettersArgs, letters: &DeadLetterReader, out: impl Write) -> anyhow::Result<()> {
    let mut out = BufWriter::new(out);
    let mut reading = letters.read(args.from());
    let mut count = 0_u64;
    while let Some(found) = reading.recv().await {
        let found = found.map_err(|error| anyhow!(error))?;
        if !args.selects(&found.letter) {
            continue;
        }
        count += 1;
        let written = if args.json { write_json(&mut out, &found) } else { write_line(&mut out, &found) };
        if let Err(error) = written.and_then(|()| if reading.is_empty() { out.flush() } else { Ok(()) }) {
            // The consumer of the output, such as `head`, has closed the pipe.
            return if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error.into()) };
        }
    }
    log::info!("{count} dead letters");
    Ok(())
}

/// The topics whose records the server stores.
struct Topics {
    raw: Arc<str>,
    polls: Arc<str>,
    alerts: Arc<str>,
}

/// What resending does with a letter.
enum Resend {
    /// Publishes it with this key.
    WithKey(Option<bytes::Bytes>),
    /// This version cannot decode it.
    Unreadable,
    /// Its topic is not one whose records the server stores.
    Foreign,
}

impl Topics {
    fn resend(&self, letter: &DeadLetter) -> Resend {
        let value = letter.value.as_deref();
        let own_key = || letter.key.clone();
        let key = if letter.topic == self.raw {
            codec::decode(value).map(|_| own_key())
        } else if letter.topic == self.polls {
            codec::decode_poll(value).map(|_| own_key())
        } else if letter.topic == self.alerts {
            codec::decode_alert(value).map(|alert| Some(codec::resent_alert_key(&alert).into()))
        } else {
            return Resend::Foreign;
        };
        key.map_or(Resend::Unreadable, Resend::WithKey)
    }
}

/// A batch of letters to resend, limited in number and size.
#[derive(Default)]
struct ResendBatch {
    letters: BTreeMap<Arc<str>, Vec<DeadLetter>>,
    count: usize,
    bytes: usize,
    /// The offset after the last examined letter of each partition.
    seen: BTreeMap<i32, i64>,
}

impl ResendBatch {
    const MAX_LETTERS: usize = 1_000;
    const MAX_BYTES: usize = 8 << 20;

    fn is_full(&self) -> bool {
        self.count >= Self::MAX_LETTERS || self.bytes >= Self::MAX_BYTES
    }
}

async fn resend(
    args: &DeadLettersArgs,
    topics: &Topics,
    cluster: &KafkaCluster,
    letters: &DeadLetterReader,
) -> anyhow::Result<()> {
    let publisher = KafkaPublisher::new(cluster.clone());
    let commits_position = args.reason.is_none() && !args.all;
    let (mut resent, mut unreadable, mut foreign) = (0, 0_u64, 0_u64);
    let mut batch = ResendBatch::default();
    let mut reading = letters.read(args.from());
    loop {
        let found = reading.recv().await.transpose().map_err(|error| anyhow!(error))?;
        let last = found.is_none();
        if let Some(FoundLetter { partition, offset, letter }) = found {
            batch.seen.insert(partition, offset + 1);
            match topics.resend(&letter) {
                Resend::Foreign => foreign += 1,
                Resend::Unreadable => unreadable += 1,
                Resend::WithKey(key) if args.selects(&letter) => {
                    batch.bytes += letter.value.as_ref().map_or(0, bytes::Bytes::len);
                    batch.count += 1;
                    batch.letters.entry(letter.topic.clone()).or_default().push(DeadLetter { key, ..letter });
                }
                Resend::WithKey(_) => {}
            }
        }
        if !(last || batch.is_full()) {
            continue;
        }
        let sent = std::mem::take(&mut batch);
        for (topic, letters) in &sent.letters {
            let sent = publisher.republish(topic, letters).await;
            sent.with_context(|| format!("failed after {resent} dead letters were resent"))?;
            resent += letters.len();
        }
        if commits_position && !sent.seen.is_empty() {
            letters.commit(&sent.seen).await.map_err(|error| anyhow!(error))?;
        }
        if last {
            break;
        }
    }
    log::info!(resent, unreadable, of_other_topics = foreign; "resent the dead letters that this version can decode");
    Ok(())
}

fn write_line(out: &mut impl Write, FoundLetter { partition, offset, letter }: &FoundLetter) -> io::Result<()> {
    let value = match &letter.value {
        None => "no value".to_owned(),
        Some(value) => {
            let start: String = String::from_utf8_lossy(value).chars().take(60).flat_map(char::escape_debug).collect();
            format!("{} bytes: {start}", value.len())
        }
    };
    let DeadLetter { topic, partition: source_partition, offset: source_offset, reason, timestamp, .. } = letter;
    writeln!(
        out,
        "{partition}/{offset}  {}  from {topic} {source_partition}/{source_offset}  {reason}  ({value})",
        format_time(*timestamp)
    )
}

/// A dead letter as a JSON line.
#[derive(Serialize)]
struct Line<'a> {
    partition: i32,
    offset: i64,
    time: String,
    source_topic: &'a str,
    source_partition: i32,
    source_offset: i64,
    reason: &'a str,
    key: Option<String>,
    /// Invalid UTF-8 is replaced by U+FFFD.
    value: Option<String>,
}

fn write_json(out: &mut impl Write, FoundLetter { partition, offset, letter }: &FoundLetter) -> io::Result<()> {
    let text = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let line = Line {
        partition: *partition,
        offset: *offset,
        time: format_time(letter.timestamp),
        source_topic: &letter.topic,
        source_partition: letter.partition,
        source_offset: letter.offset,
        reason: &letter.reason,
        key: text(&letter.key),
        value: text(&letter.value),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// Formats Unix milliseconds as RFC 3339, or as the number itself if it is out of range.
fn format_time(milliseconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| milliseconds.to_string())
}
