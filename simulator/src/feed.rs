//! The sources of response rows: generated or recorded.

use std::sync::Arc;

use crate::bad_rows::BadRows;
use crate::faults::FaultKind;
use crate::options::Changes;
use crate::query::StatesQuery;
use crate::recorded::Recorded;
use crate::rows::{Body, Row, StatesResponse};
use crate::world::World;

// Time resolution in seconds: of anonymous requests, and of past states for accounts.
const ANONYMOUS_RESOLUTION: i64 = 10;
const PAST_RESOLUTION: i64 = 5;

/// A source of response rows.
#[derive(Debug)]
pub(crate) enum Feed {
    /// Generated flights that begin and end.
    Flights(Arc<World>),
    /// A fixed number of aircraft, of which a given number change at each poll.
    Steady(Steady),
    /// Recorded responses.
    Recorded(Recorded),
}

/// How states are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll {
    pub(crate) anonymous: bool,
    /// Unix seconds.
    pub(crate) now: i64,
    /// The fault that changes the response, if any.
    pub(crate) faulty: Option<FaultKind>,
}

/// A fixed number of aircraft, updated in turn.
#[derive(Debug)]
pub(crate) struct Steady {
    world: Arc<World>,
    /// Number of aircraft that change at each poll.
    changing: usize,
    /// Last contact of each aircraft, in Unix seconds.
    contacts: Vec<i64>,
    /// Index of the first aircraft to change at the next poll.
    next: usize,
    /// The time of the latest response.
    latest: Option<i64>,
}

impl Feed {
    /// Creates a feed of generated aircraft.
    pub(crate) fn generated(world: World, changes: Changes) -> Self {
        let world = Arc::new(world);
        let changing = match changes {
            Changes::Natural => return Self::Flights(world),
            Changes::All => world.places(),
            Changes::Exactly(number) => number.min(world.places()),
        };
        let contacts = vec![0; world.places()];
        Self::Steady(Steady { world, changing, contacts, next: 0, latest: None })
    }

    /// Returns the generated world; `None` if responses are recorded.
    pub(crate) fn world(&self) -> Option<Arc<World>> {
        match self {
            Self::Flights(world) | Self::Steady(Steady { world, .. }) => Some(Arc::clone(world)),
            Self::Recorded(_) => None,
        }
    }

    /// Returns the time of the newest recorded response in Unix seconds; `None` if flights are generated.
    pub(crate) fn recorded_at(&self) -> Option<i64> {
        match self {
            Self::Flights(_) | Self::Steady(_) => None,
            Self::Recorded(recorded) => recorded.newest(),
        }
    }

    /// Returns the response to a query.
    pub(crate) fn answer(&mut self, query: &StatesQuery, Poll { anonymous, now, faulty }: Poll) -> StatesResponse {
        let with_bad_rows = faulty == Some(FaultKind::BadRows);
        let is_stale = faulty == Some(FaultKind::Stale);
        match self {
            Self::Flights(world) => {
                let time = match query.time {
                    _ if anonymous => now - now.rem_euclid(ANONYMOUS_RESOLUTION),
                    Some(past) => past - past.rem_euclid(PAST_RESOLUTION),
                    None => now,
                };
                let rows = (0..world.places()).filter_map(|place| world.row(place, time));
                write(rows, query, time, world.places(), with_bad_rows)
            }
            Self::Steady(steady) => steady.answer(query, now, is_stale, with_bad_rows),
            Self::Recorded(recorded) => recorded.answer(query, now, is_stale, with_bad_rows),
        }
    }
}

impl Steady {
    fn answer(&mut self, query: &StatesQuery, now: i64, is_stale: bool, with_bad_rows: bool) -> StatesResponse {
        let number = self.contacts.len();
        let (time, changing) = match self.latest {
            None => (now, number),
            Some(latest) if is_stale => (latest, 0),
            Some(latest) => (now.max(latest + 1), self.changing),
        };
        for turn in 0..changing {
            self.contacts[(self.next + turn) % number] = time;
        }
        self.next = (self.next + changing) % number.max(1);
        self.latest = Some(time);
        let rows =
            self.contacts.iter().enumerate().filter_map(|(place, &contact)| self.world.row_at_contact(place, contact));
        write(rows, query, time, number, with_bad_rows)
    }
}

fn write<'a>(
    rows: impl Iterator<Item = Row<'a>>,
    query: &StatesQuery,
    time: i64,
    expected: usize,
    with_bad_rows: bool,
) -> StatesResponse {
    let mut body = Body::new(time, expected);
    let mut bad_rows = with_bad_rows.then(|| BadRows::new(time));
    let mut states = Vec::with_capacity(expected);
    for row in rows.filter(|row| query.matches(Some(row.address), row.position)) {
        if let Some(bad_rows) = &mut bad_rows {
            bad_rows.maybe_add(&mut body);
        }
        row.write(body.next_row(), query.extended);
        states.push((row.address, row.last_contact));
    }
    let bad_rows = bad_rows.map(|bad_rows| bad_rows.complete(&mut body));
    StatesResponse { body: body.finish(), states, bad_rows }
}
