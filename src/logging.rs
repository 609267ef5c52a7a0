//! Logs to stderr, one line per record, in a stable format:
//! `2026-01-31T12:00:00.123Z WARN  flight_monitor::storage store failed, backing off actor=db-writer rows=120`.
//!
//! `RUST_LOG` selects the records and `RUST_LOG_STYLE` the colours. Control characters are escaped, so external text
//! cannot start a new line.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::panic::PanicHookInfo;

use env_logger::fmt::Formatter;
use env_logger::{Builder, Env};
use log::kv::{Key, Value, VisitSource};
use log::{Record, error};

/// The default for `RUST_LOG`. At `info`, the listed dependencies would log every start and connection.
pub const DEFAULT_FILTER: &str = "info,rdkafka=warn,librdkafka=warn,actix_server=warn,tokio_postgres=warn";

/// Initialises logging, and logs each panic as one line. A second call has no effect.
pub fn init() {
    if builder(Env::default()).try_init().is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

fn builder(environment: Env<'_>) -> Builder {
    let mut builder = Builder::from_env(environment.default_filter_or(DEFAULT_FILTER));
    builder.format(format_record);
    builder
}

fn format_record(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let level = record.level();
    let style = out.default_level_style(level);
    let time = out.timestamp_millis();
    writeln!(out, "{time} {style}{level:<5}{style:#} {} {}", record.target(), Body(record))
}

/// Formats the message and key-value pairs of a record on one line.
struct Body<'a>(&'a Record<'a>);

impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaped(f), "{}", self.0.args())?;
        self.0.key_values().visit(&mut Pairs(f)).map_err(|_| fmt::Error)
    }
}

struct Pairs<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl<'kvs> VisitSource<'kvs> for Pairs<'_, '_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        let value = value.to_string();
        let bare =
            !value.is_empty() && value.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"\"=\\".contains(c));
        if bare {
            write!(Escaped(self.0), " {key}={value}")?;
        } else {
            write!(Escaped(self.0), " {key}=")?;
            write!(self.0, "{value:?}")?;
        }
        Ok(())
    }
}

/// Escapes control characters, line breaks and bidirectional overrides.
struct Escaped<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let is_bidirectional = matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || is_bidirectional {
                write!(self.0, "{}", c.escape_default())?;
            } else {
                self.0.write_char(c)?;
            }
        }
        Ok(())
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let location = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let message = panic.payload_as_str().unwrap_or("payload that is not text");
    // Captured only if RUST_BACKTRACE is set.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        error!(thread, location, backtrace:% = backtrace; "panic: {message}");
    } else {
        error!(thread, location; "panic: {message}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use env_logger::WriteStyle;
    use log::{Level, Log};

    use super::*;

    fn body(message: fmt::Arguments<'_>, pairs: &[(&str, &str)]) -> String {
        let record = Record::builder().level(Level::Warn).target("t").args(message).key_values(&pairs).build();
        Body(&record).to_string()
    }

    #[test]
    fn key_values_follow_the_message() {
        assert_eq!(
            body(format_args!("store failed"), &[("actor", "db-writer"), ("rows", "12")]),
            "store failed actor=db-writer rows=12"
        );
    }

    #[test]
    fn values_other_than_bare_words_are_quoted() {
        let line = body(format_args!("m"), &[("a", "two words"), ("b", ""), ("c", "x=\"y\""), ("d", "\\")]);
        assert_eq!(line, r#"m a="two words" b="" c="x=\"y\"" d="\\""#);
    }

    #[test]
    fn external_text_cannot_start_a_line_or_an_escape_sequence() {
        let evil = "a\nERROR forged\r\u{1b}[31m\u{2028}\u{202e}\0\u{85}";
        let line = body(format_args!("{evil}"), &[("key", evil), ("k\ney", "v")]);
        assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}')), "{line:?}");
        assert!(line.starts_with(r"a\nERROR forged\r\u{1b}[31m"), "{line}");
        assert_eq!(body(format_args!("Zürich ✈"), &[]), "Zürich ✈");
    }

    /// The captured output of a logger.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(style: WriteStyle, records: &[(Level, &str, &str)]) -> String {
        let sink = Sink::default();
        let unset = Env::new().filter("FLIGHT_MONITOR_TEST_UNSET").write_style("FLIGHT_MONITOR_TEST_UNSET");
        let logger = builder(unset).write_style(style).target(env_logger::Target::Pipe(Box::new(sink.clone()))).build();
        for (level, target, message) in records {
            let (args, pairs) = (format_args!("{message}"), [("actor", "poller")]);
            logger.log(&Record::builder().level(*level).target(target).args(args).key_values(&pairs).build());
        }
        let written = sink.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn a_line_has_utc_time_level_target_message_and_key_values() {
        let line = logged(WriteStyle::Never, &[(Level::Warn, "flight_monitor::x", "poll failed")]);
        let (time, rest) = line.split_once(' ').unwrap();
        assert_eq!(rest, "WARN  flight_monitor::x poll failed actor=poller\n");
        assert_eq!((time.len(), &time[10..11], &time[19..20], &time[23..]), (24, "T", ".", "Z"), "{time}");
    }

    #[test]
    fn colours_are_written_when_requested() {
        assert!(logged(WriteStyle::Always, &[(Level::Warn, "t", "m")]).contains('\u{1b}'));
    }

    #[test]
    fn noisy_dependencies_are_logged_from_warnings_up() {
        let noisy = ["rdkafka::client", "librdkafka", "actix_server::worker", "tokio_postgres::connection"];
        for target in noisy {
            assert_eq!(logged(WriteStyle::Never, &[(Level::Info, target, "m")]), "", "{target}");
            assert_ne!(logged(WriteStyle::Never, &[(Level::Warn, target, "m")]), "", "{target}");
        }
        assert_ne!(logged(WriteStyle::Never, &[(Level::Info, "flight_monitor", "m")]), "");
        assert_ne!(logged(WriteStyle::Never, &[(Level::Info, "actors::poller", "m")]), "");
        assert_eq!(logged(WriteStyle::Never, &[(Level::Debug, "flight_monitor", "m")]), "");
    }

    /// Runs in a separate process, because replacing the panic hook affects the whole process.
    #[test]
    #[ignore = "panics on purpose; another test runs it in a child process"]
    fn child_process_that_panics() {
        init();
        let worker = std::thread::Builder::new().name("worker".to_owned());
        let _ = worker.spawn(|| panic!("two\nlines")).unwrap().join();
        let _ = std::thread::spawn(|| std::panic::panic_any(7)).join();
    }

    #[test]
    fn a_panic_is_one_line_with_thread_place_and_message() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "logging::tests::child_process_that_panics", "--ignored", "--nocapture"])
            .env_remove("RUST_LOG")
            .env_remove("RUST_BACKTRACE")
            .output()
            .unwrap();
        let errors = String::from_utf8(child.stderr).unwrap();
        let lines: Vec<_> = errors.lines().filter(|line| line.contains(" ERROR ")).collect();
        let [first, second] = lines[..] else { panic!("{errors}") };
        assert!(first.contains(r"panic: two\nlines thread=worker location=src/logging.rs:"), "{first}");
        assert!(second.contains("panic: payload that is not text thread=unnamed"), "{second}");
    }
}
