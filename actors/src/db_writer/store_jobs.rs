//! Monitors the jobs that the database runs by itself, whose failures would otherwise go unnoticed.

use std::collections::BTreeSet;

use crate::metrics::{JobLabels, Metrics};
use crate::ports::{StoreError, StoreJob};
use crate::supervision::{ActorName, Readiness, Vitals, WatchedPart};

/// Detects when a job starts to fail and when it recovers.
#[derive(Debug, Default)]
pub(super) struct JobWatch {
    known: BTreeSet<JobLabels>,
    failing: BTreeSet<JobLabels>,
    unreadable: bool,
}

impl JobWatch {
    /// Processes an observation: logs each job once per series of failures, and updates metrics and readiness every
    /// time. Returns the jobs to report; `None` if they could not be read.
    pub(super) fn update(
        &mut self,
        read: Result<Vec<StoreJob>, StoreError>,
        metrics: &Metrics,
        vitals: &Vitals,
    ) -> Option<Vec<StoreJob>> {
        let jobs = match read {
            Ok(jobs) => jobs,
            Err(error) => {
                if !std::mem::replace(&mut self.unreadable, true) {
                    log::warn!(actor = vitals.name(); "failed to read the state of TimescaleDB's jobs: {error}");
                }
                return None;
            }
        };
        self.unreadable = false;
        self.log_changes(&jobs, vitals.name());
        let known = jobs.iter().map(JobLabels::from).collect();
        let removed: Vec<_> = self.known.difference(&known).cloned().collect();
        metrics.show_jobs(&jobs, &removed);
        self.known = known;
        vitals.watched(WatchedPart::TimescaleJobs, readiness(&jobs));
        Some(jobs)
    }

    fn log_changes(&mut self, jobs: &[StoreJob], actor: &ActorName) {
        let mut failing = BTreeSet::new();
        for job in jobs {
            let (labels, policy, table) = (JobLabels::from(job), &*job.policy, &*job.table);
            let failed_before = self.failing.contains(&labels);
            if job.consecutive_failures == 0 {
                if failed_before {
                    log::info!(actor, policy, table; "TimescaleDB job has recovered");
                }
                continue;
            }
            if !failed_before {
                log::warn!(
                    actor, policy, table, consecutive_failures = job.consecutive_failures;
                    "TimescaleDB job failed: {}", last_error(job)
                );
            }
            failing.insert(labels);
        }
        self.failing = failing;
    }
}

fn last_error(job: &StoreJob) -> &str {
    job.last_error.as_deref().unwrap_or("no reason recorded, see PostgreSQL's log")
}

/// Returns `None` if there are no jobs.
fn readiness(jobs: &[StoreJob]) -> Option<Readiness> {
    let mut failing = jobs.iter().filter(|job| job.consecutive_failures > 0).map(|job| {
        let StoreJob { policy, table, consecutive_failures, .. } = job;
        format!("{policy} of {table} failed {consecutive_failures} times in a row: {}", last_error(job))
    });
    let Some(first) = failing.next() else { return (!jobs.is_empty()).then_some(Readiness::Ready) };
    Some(Readiness::NotReady(failing.fold(first, |reasons, reason| format!("{reasons}; {reason}"))))
}

impl From<&StoreJob> for JobLabels {
    fn from(job: &StoreJob) -> Self {
        Self { policy: job.policy.clone(), table: job.table.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(policy: &str, consecutive_failures: u64) -> StoreJob {
        StoreJob {
            policy: policy.into(),
            table: "state_vectors".into(),
            interval: 1800,
            last_success: Some(7),
            failures: 3 + consecutive_failures,
            consecutive_failures,
            last_error: (consecutive_failures > 0).then(|| "no such symbol".into()),
        }
    }

    #[test]
    fn a_failing_job_is_reported_until_it_succeeds_again_or_is_removed() {
        let (metrics, vitals) = (Metrics::unregistered(), Vitals::unregistered(ActorName::DbWriter));
        let mut watch = JobWatch::default();
        let labels = JobLabels::from(&job("retention", 0));
        let part = |vitals: &Vitals| vitals.status().watched.iter().map(|part| part.readiness.clone()).next();
        watch.update(Ok(vec![job("compression", 0), job("retention", 0)]), &metrics, &vitals);
        assert_eq!(part(&vitals), Some(Readiness::Ready));

        watch.update(Ok(vec![job("compression", 0), job("retention", 2)]), &metrics, &vitals);
        let Some(Readiness::NotReady(reason)) = part(&vitals) else { panic!("not reported") };
        assert_eq!(reason, "retention of state_vectors failed 2 times in a row: no such symbol");
        assert_eq!(metrics.job_failures.get_or_create(&labels).get(), 5);
        assert_eq!(metrics.job_consecutive_failures.get_or_create(&labels).get(), 2);

        let unreadable = Err(StoreError::Refused("permission denied".into()));
        assert_eq!(watch.update(unreadable, &metrics, &vitals), None);
        assert!(matches!(part(&vitals), Some(Readiness::NotReady(_))), "the last known state is kept");

        watch.update(Ok(vec![job("retention", 0)]), &metrics, &vitals);
        assert_eq!(part(&vitals), Some(Readiness::Ready));
        assert_eq!(metrics.job_consecutive_failures.get_or_create(&labels).get(), 0);
        watch.update(Ok(Vec::new()), &metrics, &vitals);
        assert_eq!(part(&vitals), None);
    }
}
