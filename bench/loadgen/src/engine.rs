use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use mio::event::Event as Readiness;
use mio::{Events, Interest, Poll, Token};

use crate::connection::{After, Connection, Event};
use crate::framing::{Beginning, Fingerprint, Piece};
use crate::outcome::{Arrival, End, Frame, Outcome, Visit, fields};
use crate::progress::{Command, Progress, micros, now};
use crate::{Encoding, Plan};

/// Runs all readers on one thread.
pub(crate) struct Engine {
    plan: Plan,
    poll: Poll,
    commands: Receiver<Command>,
    progress: Arc<Progress>,
    readers: Vec<Reader>,
    /// Readers that have yet to connect.
    waiting: VecDeque<usize>,
    /// Number of readers that have started connecting but have no response yet.
    connecting: usize,
    max_connecting: usize,
    /// The last event ID of each target, for readers that reconnect.
    last_event_ids: Vec<Option<String>>,
    log: Log,
}

struct Reader {
    connection: Option<Connection>,
    visit: usize,
    encoding: Encoding,
    /// Bytes of the current frame so far.
    length: u64,
    copy: Copy,
    /// Whether it has received a frame since it connected.
    has_frame: bool,
}

/// What a reader keeps of the current frame. Each distinct frame is kept by one reader only.
enum Copy {
    /// Everything, while there are too few bytes to tell whether the frame is new.
    Undecided(Vec<u8>),
    /// Everything.
    Whole(Vec<u8>),
    /// Nothing: another reader keeps it.
    Nothing,
}

/// What all readers have received.
#[derive(Default)]
struct Log {
    outcome: Outcome,
    known: HashMap<Fingerprint, u32>,
    /// Frames that a reader keeps or has kept.
    begun: HashSet<Beginning>,
    kept: usize,
}

impl Log {
    /// Maximum bytes of kept frames. Frames beyond it are still identified, but their content is dropped.
    const MAX_KEPT: usize = 512 << 20;
}

const WAKER: Token = Token(usize::MAX);
const TICK: Duration = Duration::from_millis(50);
const BUFFER: usize = 256 * 1024;
/// A slow reader reads at most this many bytes at a time until it has the response head; after that its rate applies.
const HEAD_LIMIT: usize = 1024;

impl Engine {
    pub(crate) const fn waker_token() -> Token {
        WAKER
    }

    pub(crate) fn new(plan: Plan, poll: Poll, commands: Receiver<Command>, progress: Arc<Progress>) -> Self {
        let reader = || Reader {
            connection: None,
            visit: 0,
            encoding: Encoding::Identity,
            length: 0,
            copy: Copy::Undecided(Vec::new()),
            has_frame: false,
        };
        Self {
            readers: std::iter::repeat_with(reader).take(plan.connections).collect(),
            waiting: (0..plan.connections).collect(),
            connecting: 0,
            max_connecting: plan.max_connecting.max(1),
            last_event_ids: vec![None; plan.targets.len()],
            log: Log::default(),
            plan,
            poll,
            commands,
            progress,
        }
    }

    pub(crate) fn run(mut self) -> io::Result<Outcome> {
        let mut events = Events::with_capacity(4096);
        let mut buffer = vec![0; BUFFER];
        let slow = self.plan.slow.every > 0 && self.plan.slow.bytes_per_second > 0;
        let mut next_tick = now() + micros(TICK);
        loop {
            self.open_some();
            let timeout = slow.then(|| Duration::from_micros(next_tick.saturating_sub(now())));
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    WAKER => {}
                    Token(reader) => self.on_ready(reader, event, &mut buffer),
                }
            }
            if slow && now() >= next_tick {
                next_tick = now() + micros(TICK);
                self.read_slowly(&mut buffer);
            }
            loop {
                match self.commands.try_recv() {
                    Ok(Command::ReconnectAll { resume }) => self.reconnect_all(resume),
                    Ok(Command::Finish) | Err(TryRecvError::Disconnected) => return Ok(self.log.outcome),
                    Err(TryRecvError::Empty) => break,
                }
            }
        }
    }

    fn open_some(&mut self) {
        while self.connecting < self.max_connecting
            && let Some(reader) = self.waiting.pop_front()
        {
            if let Err(error) = self.open(reader) {
                self.end(reader, End::Failed(error.to_string()));
            }
        }
    }

    fn open(&mut self, number: usize) -> io::Result<()> {
        let target = number % self.plan.targets.len();
        let (visits, round) = (&mut self.log.outcome.visits, self.log.outcome.cuts.len());
        let reader = &mut self.readers[number];
        reader.visit = visits.len();
        visits.push(Visit {
            reader: number,
            target,
            round,
            opened: now(),
            connected: None,
            first_byte: None,
            status: None,
            bytes: 0,
            end: None,
        });
        self.connecting += 1;
        let source = source_address(number, self.plan.connections, self.plan.source_addresses);
        let mut connection = Connection::open(&self.plan.targets[target], source)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut connection.stream, Token(number), interest)?;
        reader.connection = Some(connection);
        reader.length = 0;
        reader.has_frame = false;
        reader.copy = Copy::Undecided(Vec::new());
        Ok(())
    }

    fn on_ready(&mut self, number: usize, event: &Readiness, buffer: &mut [u8]) {
        let target = number % self.plan.targets.len();
        let reader = &mut self.readers[number];
        let Some(connection) = &mut reader.connection else { return };
        if connection.is_connecting() {
            let id = self.last_event_ids[target].as_deref();
            match connection.request(&self.plan.targets[target], self.plan.encoding, id) {
                Ok(false) => return,
                Ok(true) => {
                    self.log.outcome.visits[reader.visit].connected = Some(now());
                    self.progress.connected.fetch_add(1, Relaxed);
                }
                Err(error) => return self.end(number, End::Failed(error.to_string())),
            }
        }
        let has_head = self.log.outcome.visits[reader.visit].status.is_some();
        if (event.is_readable() || event.is_read_closed()) && !(self.plan.slow.includes(number) && has_head) {
            let max = if self.plan.slow.includes(number) { HEAD_LIMIT } else { usize::MAX };
            self.read(number, buffer, max);
        }
    }

    fn read_slowly(&mut self, buffer: &mut [u8]) {
        let bytes_per_tick = self.plan.slow.bytes_per_second / usize::try_from(1000 / TICK.as_millis()).unwrap_or(1);
        for number in 0..self.readers.len() {
            let connection = self.readers[number].connection.as_ref();
            if self.plan.slow.includes(number) && connection.is_some_and(|connection| !connection.is_connecting()) {
                self.read(number, buffer, bytes_per_tick.max(1));
            }
        }
    }

    fn read(&mut self, number: usize, buffer: &mut [u8], max: usize) {
        let reader = &mut self.readers[number];
        let Some(mut connection) = reader.connection.take() else { return };
        let (log, progress) = (&mut self.log, &self.progress);
        let visit = reader.visit;
        let after = connection.read(buffer, max, |event| match event {
            Event::FirstByte => {
                log.outcome.visits[visit].first_byte = Some(now());
                self.connecting = self.connecting.saturating_sub(1);
            }
            Event::Head(status, encoding) => {
                log.outcome.visits[visit].status = Some(status);
                reader.encoding = encoding;
                if status == 200 {
                    progress.answered.fetch_add(1, Relaxed);
                }
            }
            Event::Body(piece) => {
                let length = piece.bytes.len() as u64;
                log.outcome.visits[visit].bytes += length;
                progress.bytes.fetch_add(length, Relaxed);
                reader.length += length;
                log.copy(reader, piece);
                if let Some(fingerprint) = piece.ended {
                    log.arrived(reader, fingerprint);
                    if !std::mem::replace(&mut reader.has_frame, true) {
                        progress.with_frame.fetch_add(1, Relaxed);
                    }
                    progress.frames.fetch_add(1, Relaxed);
                    progress.last_frame.store(now(), Relaxed);
                }
            }
        });
        match after {
            Ok(After::Waiting) => reader.connection = Some(connection),
            Ok(After::Ended) => self.end(number, End::ByServer),
            Err(error) => self.end(number, End::Failed(error.to_string())),
        }
    }

    fn end(&mut self, number: usize, end: End) {
        let reader = &mut self.readers[number];
        reader.connection = None;
        let visit = &mut self.log.outcome.visits[reader.visit];
        visit.end = Some(end);
        if visit.first_byte.is_none() {
            self.connecting = self.connecting.saturating_sub(1);
        }
        self.progress.ended.fetch_add(1, Relaxed);
    }

    /// Disconnects all readers, which then reconnect at the same moment.
    fn reconnect_all(&mut self, resume: bool) {
        for target in 0..self.plan.targets.len() {
            self.last_event_ids[target] = resume.then(|| self.last_event_id(target)).flatten();
        }
        self.progress.begin_round();
        self.log.outcome.cuts.push(now());
        for reader in &mut self.readers {
            reader.connection = None;
        }
        (self.connecting, self.max_connecting) = (0, usize::MAX);
        self.waiting = (0..self.readers.len()).collect();
    }

    /// Returns the newest `id` received by any reader of this target.
    fn last_event_id(&self, target: usize) -> Option<String> {
        let outcome = &self.log.outcome;
        let mut seen_frames = HashSet::new();
        outcome.arrivals.iter().rev().find_map(|arrival| {
            let visit = usize::try_from(arrival.visit).ok()?;
            if outcome.visits[visit].target != target || !seen_frames.insert(arrival.frame) {
                return None;
            }
            let text = outcome.frames[usize::try_from(arrival.frame).ok()?].text()?;
            fields(&text, "id").next_back().map(str::to_owned)
        })
    }
}

impl Log {
    /// Keeps the bytes unless another reader keeps the same frame.
    fn copy(&mut self, reader: &mut Reader, piece: Piece<'_>) {
        if let Copy::Undecided(bytes) | Copy::Whole(bytes) = &mut reader.copy {
            bytes.extend_from_slice(piece.bytes);
        }
        if let (Copy::Undecided(bytes), Some(beginning)) = (&mut reader.copy, piece.beginning) {
            let new = self.begun.insert(beginning) && self.kept < Self::MAX_KEPT;
            reader.copy = if new { Copy::Whole(std::mem::take(bytes)) } else { Copy::Nothing };
        }
    }

    fn arrived(&mut self, reader: &mut Reader, fingerprint: Fingerprint) {
        let length = std::mem::take(&mut reader.length);
        let new = u32::try_from(self.outcome.frames.len()).unwrap_or(u32::MAX);
        let frame = *self.known.entry(fingerprint).or_insert(new);
        if frame == new {
            self.outcome.frames.push(Frame { length, bytes: None, encoding: reader.encoding });
        }
        let copy = std::mem::replace(&mut reader.copy, Copy::Undecided(Vec::new()));
        if let Copy::Undecided(bytes) | Copy::Whole(bytes) = copy
            && let Some(frame) = usize::try_from(frame).ok().and_then(|frame| self.outcome.frames.get_mut(frame))
            && frame.bytes.is_none()
        {
            self.kept += bytes.len();
            frame.bytes = Some(bytes.into());
        }
        let visit = u32::try_from(reader.visit).unwrap_or(u32::MAX);
        self.outcome.arrivals.push(Arrival { visit, frame, at: now() });
    }
}

/// Returns a source address from 127.0.0.2 upwards. Spreading the connections avoids running out of ephemeral ports or
/// hitting the server's limit per address.
fn source_address(number: usize, connections: usize, addresses: u8) -> Ipv4Addr {
    const CONNECTIONS_PER_ADDRESS: usize = 250;
    let addresses = match addresses {
        0 => connections.div_ceil(CONNECTIONS_PER_ADDRESS).clamp(1, 250),
        some => usize::from(some),
    };
    let last = u8::try_from(number % addresses).unwrap_or_default();
    Ipv4Addr::new(127, 0, 0, last.saturating_add(2))
}
