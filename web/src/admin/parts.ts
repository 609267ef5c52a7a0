import type { ActorStatus, BufferObservation, ObservedField, SourceStatus } from "../api/types.ts";
import { sourceName } from "../model/sources.ts";
import { clock } from "../model/time.ts";
import { bytes, observation, observed } from "./vitals.ts";

/** The stages of the data flow: from the sources into Kafka, and from Kafka on. */
export const STAGES = ["poll", "publish", "read"] as const;
export type Stage = (typeof STAGES)[number];

/** What the card of an actor shows in addition to the facts that every card shows. */
export interface Part {
  readonly title: string;
  readonly stage: Stage;
  /** What it does. That of a Poller depends on its source. */
  readonly does: string;
  /** The chart of an observed number, or of its growth per second where it counts. */
  readonly work?: { readonly label: string; readonly field: ObservedField; readonly counts: boolean };
  readonly queue?: { readonly label: string; readonly field: ObservedField };
  readonly facts: readonly (readonly [label: string, text: (actor: ActorStatus) => string | undefined])[];
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const count =
  (field: ObservedField) =>
  (actor: ActorStatus): string | undefined => {
    const value = observed(actor, field);
    return value === undefined ? undefined : whole.format(value);
  };

const POLLER: Part = {
  title: "Poller",
  stage: "poll",
  does: "polls the source",
  work: { label: "Changes in last poll", field: "changed", counts: false },
  facts: [
    ["Source", sourceState],
    ["Aircraft", count("aircraft_held")],
    ["Next poll", nextPoll],
    ["Polls", count("polls")],
    ["Failed", count("failed_polls")],
    ["Bad rows", count("bad_rows")],
    ["Credits left", count("credits_left")],
  ],
};

/** Every actor with a fixed name, in the order of the data flow. */
const PARTS: Readonly<Record<string, Part>> = {
  poller: POLLER,
  merger: {
    title: "Merger",
    stage: "publish",
    does: "merges the sources",
    work: { label: "States/s", field: "states", counts: true },
    facts: [
      ["Aircraft", count("aircraft_known")],
      ["Responses", count("snapshots")],
    ],
  },
  "kafka-producer": {
    title: "KafkaProducer",
    stage: "publish",
    does: "publishes changes",
    work: { label: "States/s", field: "published", counts: true },
    queue: { label: "Queued for Kafka", field: "held" },
    facts: [
      ["Failed attempts", count("failed_tries")],
      ["Dropped", count("dropped")],
    ],
  },
  "kafka-consumer-store": {
    title: "KafkaConsumer, store",
    stage: "read",
    does: "feeds the database",
    work: { label: "Records/s", field: "records", counts: true },
    queue: { label: "Lag (records)", field: "lag" },
    facts: [
      ["Dead letters", count("dead_letters")],
      ["Lost offsets", count("lost_offsets")],
    ],
  },
  "db-writer": {
    title: "DbWriter",
    stage: "read",
    does: "writes to the database",
    work: { label: "Rows/s", field: "inserted", counts: true },
    facts: [
      [
        "Last batch",
        (actor) => {
          const seconds = observed(actor, "last_batch_seconds");
          return seconds === undefined
            ? undefined
            : `${whole.format(observed(actor, "last_batch_states") ?? 0)} in ${(seconds * 1000).toFixed(0)} ms`;
        },
      ],
      ["Duplicates", count("duplicates")],
      ["Alerts", count("alerts")],
      ["TimescaleDB jobs", timescaleJobs],
    ],
  },
  "kafka-consumer-polls": {
    title: "KafkaConsumer, polls",
    stage: "read",
    does: "feeds the database",
    work: { label: "Records/s", field: "records", counts: true },
    queue: { label: "Lag (records)", field: "lag" },
    facts: [
      ["Dead letters", count("dead_letters")],
      ["Lost offsets", count("lost_offsets")],
    ],
  },
  "kafka-consumer-alert-history": {
    title: "KafkaConsumer, alert history",
    stage: "read",
    does: "feeds the database",
    work: { label: "Records/s", field: "records", counts: true },
    queue: { label: "Lag (records)", field: "lag" },
    facts: [
      ["Dead letters", count("dead_letters")],
      ["Lost offsets", count("lost_offsets")],
    ],
  },
  detector: {
    title: "Detector",
    stage: "read",
    does: "applies the rules and publishes alerts",
    work: { label: "Records/s", field: "records", counts: true },
    queue: { label: "Lag (records)", field: "lag" },
    facts: [
      ["Active alerts", count("active")],
      ["Alerts started", count("started")],
      ["Failed transactions", count("failed_tries")],
      ["Lost offsets", count("lost_offsets")],
    ],
  },
  "kafka-consumer-live": {
    title: "KafkaConsumer, live",
    stage: "read",
    does: "feeds the live map",
    work: { label: "Records/s", field: "records", counts: true },
    queue: { label: "Lag (records)", field: "lag" },
    facts: [["Lost offsets", count("lost_offsets")]],
  },
  "kafka-consumer-alerts": {
    title: "KafkaConsumer, alerts",
    stage: "read",
    does: "feeds the live map",
    work: { label: "Records/s", field: "records", counts: true },
    queue: { label: "Lag (records)", field: "lag" },
    facts: [],
  },
  "sse-hub": {
    title: "SseHub",
    stage: "read",
    does: "sends to browsers",
    work: { label: "States/s", field: "states", counts: true },
    queue: { label: "Clients", field: "clients" },
    facts: [
      ["Aircraft", count("aircraft")],
      ["Clients behind", count("clients_behind")],
      ["Evicted", count("clients_evicted")],
    ],
  },
};

const POLLER_OF = "poller-";
const SINK = "sink-";
const NOTIFY = "notify-";

/** What the card of an actor shows. Of several Pollers and sinks each is named, and a later server may have further actors. */
export function partOf(name: string): Part {
  const part = PARTS[name];
  if (part !== undefined) return part;
  if (name.startsWith(POLLER_OF)) {
    const source = sourceName(name.slice(POLLER_OF.length));
    return { ...POLLER, title: `Poller, ${source}`, does: `polls ${source}` };
  }
  const endpoint = endpointOf(name);
  if (endpoint !== undefined) {
    return {
      title: `Notifier, ${endpoint}`,
      stage: "read",
      does: "delivers alerts to an endpoint",
      work: { label: "Deliveries/s", field: "delivered", counts: true },
      queue: { label: "Waiting", field: "waiting" },
      facts: [
        ["Endpoint", endpointState],
        ["Oldest waiting", oldestWaiting],
        ["Delivered", count("delivered")],
        ["Failed attempts", count("failed_tries")],
        ["Dead letters", count("dead_letters")],
      ],
    };
  }
  if (!name.startsWith(SINK)) return { title: name, stage: "read", does: "", facts: [] };
  return {
    title: `Sink, ${name.slice(SINK.length)}`,
    stage: "read",
    does: "writes every record",
    work: { label: "Records/s", field: "records", counts: true },
    queue: { label: "Lag (records)", field: "lag" },
    facts: [
      ["Skipped", count("dead_letters")],
      ["Lost offsets", count("lost_offsets")],
      ["In memory", buffered],
      ["Files", files],
      ["Last file", lastFile],
    ],
  };
}

/** The endpoint to which an actor delivers alerts; `undefined` for other actors. */
export function endpointOf(name: string): string | undefined {
  return name.startsWith(NOTIFY) ? name.slice(NOTIFY.length) : undefined;
}

/** Whether the endpoint of a Notifier accepts notifications, and if not, since when and why. */
export function endpointState(actor: ActorStatus): string {
  if (!("state_since" in actor.observation)) return "–";
  const { state, state_since, reason } = actor.observation;
  return reason === null ? state : `${state} since ${clock(state_since)}: ${reason}`;
}

function oldestWaiting(actor: ActorStatus): string {
  const at = observed(actor, "oldest_waiting");
  return at === undefined ? "–" : clock(at);
}

/** Whether an actor is a Poller: the only one is named `poller`, one of several `poller-<source>`. */
export function isPoller(name: string): boolean {
  return name === "poller" || name.startsWith(POLLER_OF);
}

/** The source of a Poller; `undefined` where it is not known. */
export function polledBy(name: string, sources: readonly SourceStatus[]): SourceStatus | undefined {
  return name === "poller" ? sources[0] : sources.find((source) => name === POLLER_OF + source.name);
}

/** What a Poller does: `polls OpenSky`, `polls roof (readsb)`. */
export function polls({ name, kind }: Pick<SourceStatus, "name" | "kind">): string {
  const shown = sourceName(name);
  return shown === name && name !== kind ? `polls ${name} (${kind})` : `polls ${shown}`;
}

/** The names of actors in the order of the data flow, whatever the order of their start. */
export function inOrder(names: Iterable<string>): string[] {
  const order = Object.keys(PARTS);
  const rank = (name: string): number => {
    const at = order.indexOf(isPoller(name) ? "poller" : name);
    return at < 0 ? order.length : at;
  };
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** What a sink that collects rows for files holds and has written; `undefined` for other sinks. */
function buffer(actor: ActorStatus): BufferObservation | undefined {
  return "buffer" in actor.observation ? (actor.observation.buffer ?? undefined) : undefined;
}

/** The records in memory, and the time of the oldest one. */
export function buffered(actor: ActorStatus): string | undefined {
  const held = buffer(actor);
  if (held === undefined) return undefined;
  const since = held.oldest === null ? "" : `, since ${clock(held.oldest)}`;
  return `${whole.format(held.records)} records${since}`;
}

/** The number of files written, and their size. */
export function files(actor: ActorStatus): string | undefined {
  const held = buffer(actor);
  return held === undefined ? undefined : `${whole.format(held.files)}, ${bytes(held.bytes)}`;
}

function lastFile(actor: ActorStatus): string | undefined {
  const held = buffer(actor);
  if (held === undefined) return undefined;
  return held.last_flush === null ? "not yet" : clock(held.last_flush);
}

/** The title of an actor. */
export function titleOf(name: string): string {
  return partOf(name).title;
}

function sourceState(actor: ActorStatus): string {
  const source = observation(actor, "source");
  return typeof source === "string" ? source.replaceAll("_", " ") : "–";
}

/** The number of background jobs of TimescaleDB, and the failing ones; `undefined` without jobs. */
export function timescaleJobs(actor: ActorStatus): string | undefined {
  const jobs = "jobs" in actor.observation ? actor.observation.jobs : [];
  if (jobs.length === 0) return undefined;
  const failing = jobs.filter((job) => job.consecutive_failures !== 0);
  if (failing.length === 0) return `${whole.format(jobs.length)}, none failing`;
  const names = failing.map((job) => `${job.policy} of ${job.table}`);
  return `${whole.format(jobs.length)}, failing: ${names.join(", ")}`;
}

function nextPoll(actor: ActorStatus): string {
  const at = observed(actor, "next_poll_at");
  if (actor.phase === "paused") return "after resume";
  return at === undefined ? "–" : clock(at);
}
