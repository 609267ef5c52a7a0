use std::time::Duration;

use crate::config::section::section;
use crate::config::values::{Roles, hours, secs};

section! {
    /// What this process does.
    pub struct ServerSettings in "server" {
        /// What this process does: collect (poll OpenSky and publish to Kafka), store (write from Kafka to the
        /// database and the sinks), live (stream from Kafka to browsers), detect (apply the rules to what is on Kafka
        /// and publish alerts), archive (write from Kafka to archive.url). A process without one of the first three
        /// needs a Kafka cluster in kafka.bootstrap_servers.
        roles: Roles = "collect,store,live,detect" => flag "roles";
        /// How long an orderly shutdown may take before the process exits anyway. Whatever sends SIGTERM must wait at
        /// least as long: docker stop kills after 10 s by default (--time 30, stop_grace_period).
        shutdown_timeout: Duration = "25s", secs(1)..=hours(1);
    }
}
