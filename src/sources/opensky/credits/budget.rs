use std::time::Duration;

use actors::ports::{Cadence, CadenceReason};

use super::plan::PollPlan;
use super::refills::RefillWatch;

/// Decides when an account polls next, based on the balances in its responses.
#[derive(Debug)]
pub(in crate::sources::opensky) struct CreditBudget {
    plan: PollPlan,
    refills: RefillWatch,
    pause: Duration,
}

impl CreditBudget {
    pub(in crate::sources::opensky) fn new(plan: PollPlan) -> Self {
        Self { plan, refills: RefillWatch::default(), pause: plan.expected_interval() }
    }

    /// Notes the balance of a successful response. `now` is the time since the Unix epoch.
    pub(in crate::sources::opensky) fn note(&mut self, now: Duration, credits_left: Option<u32>) {
        let known = self.refills.period();
        self.pause = self.refills.after_success(&self.plan, now, credits_left);
        match self.refills.period() {
            period if period == known => {}
            Some(period) => {
                log::info!(period:?; "OpenSky refills the credits about every {} min", period.as_secs() / 60);
            }
            None => log::info!("OpenSky did not refill the credits as expected; spreading them over the day"),
        }
    }

    pub(in crate::sources::opensky) fn cadence(&self) -> Cadence {
        let (pause, resolution) = (self.pause, self.plan.account.resolution());
        let reason = match pause {
            pause if pause <= resolution => CadenceReason::Resolution,
            _ if self.plan.is_auto() => CadenceReason::Quota,
            _ => CadenceReason::Interval,
        };
        Cadence { pause, reason, resolution }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Account;
    use super::*;
    use crate::sources::PollInterval;

    #[test]
    fn the_cadence_gives_the_reason_for_the_pause() {
        let cadence = |interval, credits_left| {
            let mut budget = CreditBudget::new(PollPlan { interval, cost: 4, account: Account::Registered });
            // Noon.
            budget.note(Duration::from_hours(12), credits_left);
            let Cadence { pause, reason, resolution } = budget.cadence();
            assert_eq!(resolution, Duration::from_secs(5));
            (pause.as_secs_f64(), reason)
        };
        assert_eq!(cadence(PollInterval::Auto, Some(4_000)), (43.2, CadenceReason::Quota));
        assert_eq!(cadence(PollInterval::Auto, Some(1_000_000)), (5.0, CadenceReason::Resolution));
        assert_eq!(cadence(PollInterval::Every(Duration::from_secs(60)), Some(0)), (60.0, CadenceReason::Interval));
        assert_eq!(cadence(PollInterval::Every(Duration::from_secs(1)), None), (5.0, CadenceReason::Resolution));
    }
}
