//! A process of the program, across its restarts.

use std::time::{Duration, Instant};

use crate::resources::Resources;
use crate::support::{Setup, TestApp};

/// A process that is started again each time it exits.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    setup: Setup,
    app: Option<TestApp>,
    /// State vectors that earlier runs of the process reported as acknowledged by Kafka. Includes only what was read
    /// before each run ended.
    acknowledged: u64,
    /// The resources held by the current run of the process, after each round.
    held: Vec<Resources>,
}

impl Node {
    pub(crate) const EVERY_ROLE: &str = "collect,store,live";

    /// Starts the process with this role.
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

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.record_acknowledged();
        if let Some(app) = self.app.take() {
            app.kill_9();
        }
    }

    /// Stops the process with SIGTERM, and returns how long the clean shutdown took.
    pub(crate) fn stop(&mut self) -> Duration {
        self.record_acknowledged();
        let mut app = self.app.take().unwrap();
        let began = Instant::now();
        app.terminate();
        assert_eq!(app.wait_exit(), Some(0), "{} did not exit cleanly", self.name);
        began.elapsed()
    }

    /// Starts the process again.
    pub(crate) fn start_again(&mut self) {
        self.app = Some(self.setup.start());
        self.held.clear();
    }

    /// Starts the process, and waits until it kills itself at this failpoint.
    pub(crate) fn die_at(&mut self, failpoint: &str) {
        let mut doomed = self.setup.clone().failpoints(&format!("{failpoint}=1*off->return")).start();
        assert_eq!(doomed.wait_exit(), None, "{} exited instead of being killed", self.name);
    }

    /// Returns how many state vectors all runs of the process reported as acknowledged. Kafka holds at least this many.
    pub(crate) fn acknowledged(&mut self) -> u64 {
        self.record_acknowledged();
        self.acknowledged
    }

    fn record_acknowledged(&mut self) {
        if let Some(app) = &self.app {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
            let published = app.metric("published_total") as u64;
            self.acknowledged += published;
        }
    }

    /// Returns the resources that the process holds now.
    pub(crate) fn resources(&self) -> Resources {
        Resources::of(self.app().id())
    }

    pub(crate) fn record_resources(&mut self) {
        self.held.push(self.resources());
    }

    /// Returns the resources held after each round of the current run.
    pub(crate) fn samples(&self) -> &[Resources] {
        &self.held
    }

    /// Returns the resources held after the first third of the current run, when the process has warmed up. Returns
    /// `None` if the run is too short for that.
    pub(crate) fn resources_once_warm(&self) -> Option<Resources> {
        let third = self.held.len() / 3;
        (third > 0).then(|| self.held[third])
    }
}
