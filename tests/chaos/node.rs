//! One of the processes, over all its lives.

use std::time::{Duration, Instant};

use crate::resources::Resources;
use crate::support::{Setup, TestApp};

/// A process that is started again after each of its ends.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    setup: Setup,
    app: Option<TestApp>,
    /// State vectors that its former lives reported as acknowledged by Kafka, as far as they were asked in time.
    acknowledged: u64,
    /// What its present life held after each round.
    held: Vec<Resources>,
}

impl Node {
    pub(crate) const EVERY_ROLE: &str = "collect,store,live";

    /// Starts it.
    pub(crate) fn start(name: &'static str, setup: &Setup, role: &str) -> Self {
        let setup = setup.clone().arguments(["serve", "--roles", role]);
        let app = Some(setup.start());
        Self { name, setup, app, acknowledged: 0, held: Vec::new() }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.app.is_some()
    }

    pub(crate) fn app(&self) -> &TestApp {
        self.app.as_ref().unwrap_or_else(|| panic!("{} is down", self.name))
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.note_acknowledged();
        if let Some(app) = self.app.take() {
            app.kill_9();
        }
    }

    /// SIGTERM, and how long its clean end took.
    pub(crate) fn stop(&mut self) -> Duration {
        self.note_acknowledged();
        let mut app = self.app.take().unwrap();
        let began = Instant::now();
        app.terminate();
        assert_eq!(app.wait_exit(), Some(0), "{} did not end in order", self.name);
        began.elapsed()
    }

    /// The next life.
    pub(crate) fn start_again(&mut self) {
        self.app = Some(self.setup.start());
        self.held.clear();
    }

    /// The next life, which ends by itself at this point of the program.
    pub(crate) fn die_at(&mut self, failpoint: &str) {
        let mut doomed = self.setup.clone().failpoints(&format!("{failpoint}=1*off->return")).start();
        assert_eq!(doomed.wait_exit(), None, "{} ended by itself", self.name);
    }

    /// State vectors that were reported as acknowledged in all its lives; at least so many are on Kafka.
    pub(crate) fn acknowledged(&mut self) -> u64 {
        self.note_acknowledged();
        self.acknowledged
    }

    fn note_acknowledged(&mut self) {
        if let Some(app) = &self.app {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
            let published = app.metric("published_total") as u64;
            self.acknowledged += published;
        }
    }

    /// What it holds of the machine.
    pub(crate) fn resources(&self) -> Resources {
        Resources::of(self.app().id())
    }

    pub(crate) fn note_resources(&mut self) {
        self.held.push(self.resources());
    }

    /// What it held after each round of its present life.
    pub(crate) fn held(&self) -> &[Resources] {
        &self.held
    }

    /// What it held when a third of its present life was over and it had warmed up; `None` when that was too short.
    pub(crate) fn resources_once_warm(&self) -> Option<Resources> {
        let third = self.held.len() / 3;
        (third > 0).then(|| self.held[third])
    }
}
