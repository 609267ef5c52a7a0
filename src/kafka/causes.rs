use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::throttle::Throttle;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};

/// Remembers why a librdkafka client gets no response. A call that fails only says "timed out"; a rejected password, a
/// host name that does not resolve and a refused connection are reported to callbacks only. Those callbacks end up
/// here.
#[derive(Clone, Debug)]
pub(super) struct Causes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    newest: Mutex<Option<Cause>>,
    /// Shared by all clients of a cluster: during an outage each of them reports several errors a second.
    log: Arc<Throttle>,
}

#[derive(Clone, Debug)]
struct Cause {
    at: Instant,
    code: Option<RDKafkaErrorCode>,
    reason: String,
}

impl Causes {
    /// An older cause belongs to an earlier outage. librdkafka repeats an unchanged cause at least every 30 s, and
    /// takes up to 30 s to notice that a host does not answer.
    const FRESH: Duration = Duration::from_secs(90);
    /// How often librdkafka's errors are logged, counted over all clients of a cluster.
    pub(super) const LOG_PERIOD: Duration = Duration::from_secs(10);

    pub(super) fn new(log: Arc<Throttle>) -> Self {
        Self(Arc::new(Shared { newest: Mutex::new(None), log }))
    }

    fn note(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        let mut newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_fresh = newest.as_ref().is_some_and(|cause| now.duration_since(cause.at) < Self::FRESH);
        // This one follows the error of the last broker and says less.
        if code == Some(RDKafkaErrorCode::AllBrokersDown) && is_fresh {
            return;
        }
        *newest = Some(Cause { at: now, code, reason: without_thread(reason).to_owned() });
    }

    fn newest(&self) -> Option<Cause> {
        let newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.clone().filter(|cause| cause.at.elapsed() < Self::FRESH)
    }

    /// Adds the client's most recent cause to a failure that has no error of its own.
    pub(super) fn explain(&self, failure: &str) -> String {
        match self.newest() {
            Some(cause) => with_advice(format!("{failure}: {}", cause.reason), cause.code),
            None => failure.to_owned(),
        }
    }

    /// Describes a failed call: what failed and why, using whichever of the error and the cause says more.
    pub(super) fn explain_error(&self, failure: &str, error: &KafkaError) -> String {
        let code = match error {
            KafkaError::AdminOp(code) => Some(*code),
            other => other.rdkafka_error_code(),
        };
        match code {
            Some(code) => self.explain_code(failure, code),
            None => self.explain(&format!("{failure}: {error}")),
        }
    }

    /// Like [`explain_error`](Self::explain_error), for an error of which only the code is known.
    pub(super) fn explain_code(&self, failure: &str, code: RDKafkaErrorCode) -> String {
        let words = in_words(code);
        match self.newest() {
            Some(cause) if cause.code == Some(code) && !is_vague(code) => {
                with_advice(format!("{failure}: {}", cause.reason), Some(code))
            }
            Some(cause) if is_vague(code) => with_advice(format!("{failure}: {words}: {}", cause.reason), cause.code),
            _ => with_advice(format!("{failure}: {words}"), Some(code)),
        }
    }
}

impl ClientContext for Causes {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        use RDKafkaLogLevel::{Debug, Info, Notice};
        // A failed connection. Severe failures are also reported as an error, but a broker that hangs up is not, and
        // that is how brokers treat clients that do not authenticate.
        if facility == "FAIL" && !matches!(level, Debug) {
            self.note(None, message);
        }
        match level {
            Debug | Info | Notice => log::debug!(target: "librdkafka", "{facility}: {message}"),
            _ if facility == "FAIL" => {}
            _ => self.warn(message),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // Reaching the end of a partition is not an error.
        if code != Some(RDKafkaErrorCode::PartitionEOF) {
            self.note(code, reason);
            self.warn(reason);
        }
    }
}

impl Causes {
    fn warn(&self, message: &str) {
        match self.0.log.admit() {
            Some(suppressed) => log::warn!(target: "librdkafka", suppressed; "{message}"),
            None => log::debug!(target: "librdkafka", "{message}"),
        }
    }
}

/// For a producer that sends no messages, only requests.
impl ConsumerContext for Causes {}

impl ProducerContext<NoCustomPartitioner> for Causes {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

/// Returns whether an error only says that there was no response.
fn is_vague(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::Fail
            | Code::Fatal
            | Code::MessageTimedOut
            | Code::OperationTimedOut
            | Code::PurgeInflight
            | Code::PurgeQueue
            | Code::RequestTimedOut
            | Code::TimedOutQueue
            | Code::WaitingForCoordinator
    )
}

/// Returns librdkafka's text for an error, such as "topic authorization failed".
fn in_words(code: RDKafkaErrorCode) -> String {
    let text = code.to_string();
    let words = text.split_once(" (").map_or(&*text, |(_, words)| words.strip_suffix(')').unwrap_or(words));
    let words = words.strip_prefix("Local: ").or_else(|| words.strip_prefix("Broker: ")).unwrap_or(words);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Appends what to do about an error, where that is known.
fn with_advice(text: String, code: Option<RDKafkaErrorCode>) -> String {
    use RDKafkaErrorCode as Code;
    let advice = match code {
        Some(Code::Authentication | Code::SaslAuthenticationFailed | Code::UnsupportedSASLMechanism) => {
            "check security.protocol and sasl.* in kafka.properties"
        }
        Some(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::ClusterAuthorizationFailed) => {
            "docs/operations.md lists the ACLs that each role needs"
        }
        // Brokers do this to a client that does not authenticate or does not use TLS, but also when they shut down.
        None if text.contains("Disconnected") => {
            "if the broker is up, check security.protocol and sasl.* in kafka.properties"
        }
        Some(Code::Resolve) => "check kafka.bootstrap_servers, and advertised.listeners of the brokers",
        _ => return text,
    };
    format!("{text}; {advice}")
}

/// Strips the thread name that librdkafka's log lines start with.
fn without_thread(message: &str) -> &str {
    match message.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: ")) {
        Some((_, rest)) => rest,
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causes() -> Causes {
        Causes::new(Arc::new(Throttle::new(Causes::LOG_PERIOD)))
    }

    #[test]
    fn a_vague_error_is_explained_by_the_reported_cause() {
        let causes = causes();
        assert_eq!(causes.explain("no response from b1:9092"), "no response from b1:9092");
        let timed_out = KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut);
        assert_eq!(causes.explain_error("topic raw", &timed_out), "topic raw: timed out");

        causes.error(KafkaError::Global(RDKafkaErrorCode::Resolve), "b7:9092/1: Failed to resolve 'b7:9092'");
        causes.error(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        let advice = "check kafka.bootstrap_servers, and advertised.listeners of the brokers";
        assert_eq!(
            causes.explain_error("topic raw", &timed_out),
            format!("topic raw: timed out: b7:9092/1: Failed to resolve 'b7:9092'; {advice}")
        );
        let denied = KafkaError::MessageProduction(RDKafkaErrorCode::TopicAuthorizationFailed);
        let text = causes.explain_error("topic raw", &denied);
        assert!(text.starts_with("topic raw: topic authorization failed; docs/operations.md"), "{text}");
    }

    #[test]
    fn a_disconnect_is_a_cause() {
        let causes = causes();
        let line = "[thrd:b1:9092/bootstrap]: b1:9092/bootstrap: Disconnected: connection closed by peer";
        causes.log(RDKafkaLogLevel::Info, "FAIL", line);
        let text = causes.explain("no response from b1:9092");
        assert!(text.starts_with("no response from b1:9092: b1:9092/bootstrap: Disconnected: "), "{text}");
        assert!(text.contains("check security.protocol"), "{text}");
    }

    #[test]
    fn the_end_of_a_partition_is_not_a_cause() {
        let causes = causes();
        causes.error(KafkaError::Global(RDKafkaErrorCode::PartitionEOF), "topic raw: end of partition");
        assert_eq!(causes.explain("no response"), "no response");
    }
}
