//! The consumers that write to the configured sinks.

use actors::kafka_consumer::SinkRoute;
use actors::supervision::ActorName;
use anyhow::Context as _;

use super::{Handles, Wiring, consumer, sink_actor};
use crate::kafka::Membership;
use crate::sinks::ConfiguredSink;

/// Starts the consumer that writes to a sink.
pub(super) fn sink_consumer(wiring: &mut Wiring<'_>, actor: ActorName) -> anyhow::Result<Handles> {
    let of_this_actor = |sink: &&ConfiguredSink| sink_actor(sink.name).as_ref() == Some(&actor);
    let configured = wiring.sinks.iter().find(of_this_actor).cloned().context("no configured sink has this name")?;
    let ConfiguredSink { name, sink, group, .. } = configured;
    let embedded = wiring.foundation.cluster.is_embedded();
    let membership = group.filter(|_| !embedded).map_or(Membership::Everything, |suffix| Membership::Group { suffix });
    let route = SinkRoute { name, sink, volatile: embedded };
    Ok(consumer(&wiring.foundation, actor, membership, route))
}
