import type { ActorStatus, BufferObservation, ObservedField } from "../api/types.ts";
import { clock } from "../model/time.ts";
import { span } from "../model/units.ts";
import { h, setText, show } from "../ui/dom.ts";
import { Sparkline } from "./sparkline.ts";
import { bytes, moment, observation, observed, phaseName, Rate, tone } from "./vitals.ts";

import "./actor-card.css";

/** What the card of an actor shows in addition to the facts that every card shows. */
interface Part {
  readonly title: string;
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

/** Every actor, in the order of the data flow. */
export const PARTS: Readonly<Record<string, Part>> = {
  poller: {
    title: "Poller",
    does: "polls OpenSky",
    work: { label: "Changes in last poll", field: "changed", counts: false },
    facts: [
      ["Source", sourceState],
      ["Next poll", nextPoll],
      ["Polls", count("polls")],
      ["Failed", count("failed_polls")],
    ],
  },
  "kafka-producer": {
    title: "KafkaProducer",
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
      ["TimescaleDB jobs", timescaleJobs],
    ],
  },
  "kafka-consumer-live": {
    title: "KafkaConsumer, live",
    does: "feeds the live map",
    work: { label: "Records/s", field: "records", counts: true },
    queue: { label: "Lag (records)", field: "lag" },
    facts: [["Lost offsets", count("lost_offsets")]],
  },
  "sse-hub": {
    title: "SseHub",
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

const SINK = "sink-";

/** What the card of an actor shows. A sink is named `sink-<name>`, and a later server may have further actors. */
function partOf(name: string): Part {
  const part = PARTS[name];
  if (part !== undefined) return part;
  if (!name.startsWith(SINK)) return { title: name, does: "", facts: [] };
  return {
    title: `Sink, ${name.slice(SINK.length)}`,
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

const format = (value: number): string =>
  value >= 100 || Number.isInteger(value) ? whole.format(value) : value.toFixed(1);

/** One actor: its phase, charts and facts, and a button to restart it. */
export class ActorCard {
  private readonly part: Part;
  private readonly phase = h("span", { class: "phase" });
  private readonly lists = new Map<string, HTMLElement>();
  private readonly error = h("p", { class: "error" });
  private readonly rate = new Rate();
  private readonly work: Sparkline | undefined;
  private readonly queue: Sparkline | undefined;
  private readonly facts = h("dl", { class: "facts" });
  readonly element: HTMLElement;

  constructor(name: string, onRestart: (title: string) => void) {
    this.part = partOf(name);
    const { title, does, work, queue } = this.part;
    this.work = work === undefined ? undefined : new Sparkline(work.label, format);
    this.queue = queue === undefined ? undefined : new Sparkline(queue.label, format);
    this.element = h(
      "article",
      { class: "actor", "data-actor": name, "aria-label": title },
      h("header", {}, h("h2", {}, title), this.phase),
      h("p", { class: "does" }, does),
      this.work?.element,
      this.queue?.element,
      this.facts,
      this.error,
      h(
        "button",
        {
          type: "button",
          class: "button small",
          "aria-label": `Restart ${title}`,
          click: () => {
            onRestart(title);
          },
        },
        "Restart …",
      ),
    );
  }

  /** Shows the latest vitals. */
  update(actor: ActorStatus, now: number): void {
    this.element.dataset["tone"] = tone(actor.phase);
    this.element.dataset["phase"] = actor.phase;
    const isFinal = actor.phase === "finished";
    setText(this.phase, phaseName(actor.phase) + (isFinal ? "" : ` for ${span(now - actor.since)}`));
    for (const [label, text] of this.part.facts) this.fact(label, text(actor));
    this.fact("Restarts", whole.format(actor.restarts));
    this.fact("Last activity", moment(actor.last_progress, now));
    const { last_error } = actor;
    show(this.error, last_error !== null);
    setText(this.error, last_error === null ? "" : `${clock(last_error.at)}: ${last_error.message}`);
  }

  /** Adds the values of one more second to the charts. */
  sample(actor: ActorStatus, at: number): void {
    const { work, queue } = this.part;
    if (work !== undefined) {
      const value = observed(actor, work.field);
      this.work?.push(work.counts ? this.rate.take(value, at) : value);
    }
    if (queue === undefined || this.queue === undefined) return;
    const waiting = observed(actor, queue.field);
    show(this.queue.element, waiting !== undefined || this.queue.series.last !== null);
    this.queue.push(waiting);
  }

  private fact(label: string, text: string | undefined): void {
    if (text === undefined) return;
    let value = this.lists.get(label);
    if (value === undefined) {
      value = h("dd");
      this.lists.set(label, value);
      this.facts.append(h("div", {}, h("dt", {}, label), value));
    }
    setText(value, text);
  }

  /** Redraws the charts, in the colours of the theme. */
  draw(): void {
    this.work?.draw();
    this.queue?.draw();
  }
}
