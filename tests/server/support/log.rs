use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use super::TEST_TIMEOUT;

/// The lines that a process writes to a pipe, collected as they arrive.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Lines>, Condvar)>);

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    /// Starts a thread that reads until the other end is closed.
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let into = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                into.change(|lines| lines.lines.push(String::from_utf8_lossy(&line).into_owned()));
            }
            into.change(|lines| lines.ended = true);
        });
        log
    }

    fn change(&self, change: impl FnOnce(&mut Lines)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// Returns the lines read so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.0.lock().unwrap().lines.clone()
    }

    /// Waits until the pipe is closed, and returns every line.
    pub(crate) fn wait_for_end(&self) -> Vec<String> {
        let (mutex, changed) = &*self.0;
        let (lines, timeout) = changed.wait_timeout_while(mutex.lock().unwrap(), TEST_TIMEOUT, |l| !l.ended).unwrap();
        assert!(!timeout.timed_out(), "timed out waiting for the end of the log");
        lines.lines.clone()
    }

    /// Waits for a line for which `find` returns a value. Returns `None` if the log ends first.
    pub(crate) fn wait<T>(&self, what: &str, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let (mutex, changed) = &*self.0;
        let (mut seen, deadline) = (0, Instant::now() + TEST_TIMEOUT);
        let mut lines = mutex.lock().unwrap();
        loop {
            if let Some(found) = lines.lines[seen..].iter().find_map(|line| find(line)) {
                return Some(found);
            }
            seen = lines.lines.len();
            if lines.ended {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not logged within {TEST_TIMEOUT:?}: {what}\n{}", lines.lines.join("\n"));
            lines = changed.wait_timeout(lines, left).unwrap().0;
        }
    }
}
