import type { ServerStatus, SourceStatus } from "../api/types.ts";
import type { ConnectionState } from "../stream/index.ts";
import { gapSentence } from "./coverage.ts";
import type { CoverageAt } from "./coverage.ts";
import { fault, isAnswering, listed, sourceName, sourceTone } from "./sources.ts";
import { clock as clockOf, date, shortClock } from "./time.ts";
import { span } from "./units.ts";

/** What the health of the picture depends on. */
export interface HealthInputs {
  readonly connection: ConnectionState;
  readonly status: ServerStatus | undefined;
  /** The latest response time of any source in the picture, Unix seconds. */
  readonly observedAt: number | undefined;
  /** Unix seconds */
  readonly now: number;
}

/** How current and trustworthy the picture is, in words. */
export interface Health {
  readonly tone: "good" | "snapshot" | "simulated" | "waiting" | "bad";
  readonly headline: string;
  readonly explanation: string;
  /** What a map without aircraft says. */
  readonly whenEmpty: string;
}

/** A health whose map without aircraft says what the headline and the explanation say. */
interface Judgement extends Omit<Health, "whenEmpty"> {
  readonly whenEmpty?: string;
}

/** A picture up to this age is live, an older one a snapshot. Seconds. */
const MAX_LIVE_AGE = 60;
/** An update that is later than this is overdue, seconds. */
const OVERDUE = 60;
const NOT_REPORTED = "No aircraft reported in this area.";

/** The health of the live picture. Faults close to the browser take precedence. */
export function health(inputs: HealthInputs): Health {
  const { observedAt, status, now } = inputs;
  const sources = status?.sources ?? [];
  // Several sources are polled at times of their own.
  const positions = sources.length > 1 ? "The newest positions" : "Positions";
  const old = observedAt === undefined ? "No data yet." : `${positions} are ${span(now - observedAt)} old.`;
  const [sole] = sources;
  const judgement =
    disconnected(inputs, old) ??
    (sources.length > 1 ? noneLive(sources, now, old) : sole && failing(sole, now, old)) ??
    aged(inputs, old);
  const { headline, explanation } = judgement;
  return { whenEmpty: `${headline}. ${explanation}`, ...judgement };
}

/** The health while the stream is not connected. */
function disconnected({ connection, now }: HealthInputs, old: string): Judgement | undefined {
  switch (connection.kind) {
    case "waiting":
      return {
        tone: "bad",
        headline: "Connection lost",
        explanation: `${sentence(connection.reason)} Trying again in ${span(connection.until / 1000 - now)}. ${old}`,
      };
    case "refused":
      return { tone: "bad", headline: "Connection refused", explanation: `${sentence(connection.reason)} ${old}` };
    case "stopped":
      return { tone: "waiting", headline: "Paused", explanation: `Updates pause while this tab is hidden. ${old}` };
    case "connecting":
      return { tone: "waiting", headline: "Connecting", explanation: `Loading current traffic. ${old}` };
    case "live":
      return undefined;
  }
}

/** The health while the only source does not report current aircraft. */
function failing(source: SourceStatus, now: number, old: string): Judgement | undefined {
  const name = sourceName(source.name);
  const clock = (moment: number): string => clockOf(moment, now);
  const again = nextAttempt([source], now);
  switch (source.state) {
    case "rate_limited":
      return {
        tone: "bad",
        headline: source.next_poll_at === null ? "Rate limited" : `Rate limited until ${clock(source.next_poll_at)}`,
        explanation: `${name}'s rate limit has been reached. ${old}`,
      };
    case "refused":
      return {
        tone: "bad",
        headline: `${name} denied access`,
        explanation: `${name} has refused this server's requests since ${clock(source.since)}.${again} ${old}`,
      };
    case "unavailable":
      return {
        tone: "bad",
        headline: `Source unreachable since ${clock(source.since)}`,
        explanation: `${name} did not respond or reported an error.${again} ${old}`,
      };
    case "malformed":
      return {
        tone: "bad",
        headline: `Unreadable data from ${name}`,
        explanation: `${name} has sent unreadable data since ${clock(source.since)}.${again} ${old}`,
      };
    case "stale":
      return {
        tone: "bad",
        headline: `Stale data from ${name}`,
        explanation: `${name} answers, but the times in its data no longer advance. Stale since ${clock(source.since)}. ${old}`,
      };
    case "paused":
      return {
        tone: "waiting",
        headline: "Polling is paused",
        explanation: `Paused by the operator since ${clock(source.since)}. ${old}`,
      };
    case "not_yet_asked":
      return {
        tone: "waiting",
        headline: "Waiting for the source",
        explanation: `The first request is pending.${again}`,
      };
    case "quiet":
      return quiet([source], now, `${name} answers, but its latest answer contains no aircraft. ${old}`);
    case "live":
      return undefined;
  }
}

/** The headlines of several sources that fail in the same way. */
const ALL: Readonly<Partial<Record<SourceStatus["state"], string>>> = {
  stale: "Stale data from all sources",
  rate_limited: "All sources rate limited",
  refused: "All sources denied access",
  unavailable: "All sources unreachable",
  malformed: "Unreadable data from all sources",
};

/** The health while none of several sources reports current aircraft. */
function noneLive(sources: readonly SourceStatus[], now: number, old: string): Judgement | undefined {
  const [first] = sources;
  if (first === undefined || sources.some(({ state }) => state === "live")) return undefined;
  const silent = sources.filter((source) => !isAnswering(source));
  if (silent.length === 0) {
    return quiet(sources, now, `All sources answer, but their latest answers contain no aircraft. ${old}`);
  }
  if (silent.length === sources.length && sources.every(({ state }) => state === first.state)) {
    // The same for all of them.
    if (first.state === "paused") return failing(first, now, old);
    if (first.state === "not_yet_asked") {
      const explanation = `The first requests are pending.${nextAttempt(sources, now)}`;
      return { tone: "waiting", headline: "Waiting for the sources", explanation };
    }
  }
  const faults = sources.map((source) => fault(source, now)).join("; ");
  const headline =
    silent.length < sources.length
      ? `No aircraft reported, without ${names(silent, sources)}`
      : ((sources.every(({ state }) => state === first.state) ? ALL[first.state] : undefined) ?? "No source available");
  const tone = silent.some((source) => sourceTone(source) === "bad") ? "bad" : "waiting";
  return { tone, headline, explanation: `${faults}.${nextAttempt(silent, now)} ${old}` };
}

/** The health while sources answer without aircraft. */
function quiet(sources: readonly SourceStatus[], now: number, explanation: string): Judgement {
  const reported = sources.flatMap(({ last_states_at }) => last_states_at ?? []);
  const since = reported.length === 0 ? "" : ` for ${span(now - Math.max(...reported))}`;
  return { tone: "waiting", headline: `No aircraft reported${since}`, explanation };
}

/** The health by the age of the picture, while a source is live. */
function aged({ status, observedAt, now }: HealthInputs, old: string): Judgement {
  const sources = status?.sources ?? [];
  const live = sources.filter(({ state }) => state === "live");
  if (observedAt === undefined) {
    const whose = live.length === 1 && live[0] !== undefined ? `${sourceName(live[0].name)}'s` : "the";
    return { tone: "waiting", headline: "Waiting for data", explanation: `Waiting for ${whose} first update.` };
  }
  const missing = sources.filter((source) => !isAnswering(source));
  const without = missing.length === 0 ? "" : `, without ${names(missing, sources)}`;
  const faults = missing.map((source) => fault(source, now)).join("; ");
  const degraded = missing.length === 0 ? "" : `${faults}; aircraft from ${names(live, sources)} are shown. `;
  const whenEmpty = missing.length === 0 ? NOT_REPORTED : `${NOT_REPORTED} ${faults}.`;

  const age = now - observedAt;
  const polls = live.flatMap(({ next_poll_at }) => next_poll_at ?? []);
  const due = polls.length === 0 ? undefined : Math.min(...polls);
  const isLive = age < MAX_LIVE_AGE;
  const isOverdue = !isLive && (due === undefined || due < now - OVERDUE);
  const next = due === undefined || isOverdue || without !== "" ? "" : `, next at ${shortClock(due, now)}`;
  const headlineOf = (name: string): string => (isLive ? name : `${name}, ${span(age)} old${next}`) + without;
  const tone = status?.demonstration === true ? "simulated" : isLive ? "good" : isOverdue ? "waiting" : "snapshot";
  const late = due !== undefined && isOverdue ? ` The next update was due at ${clockOf(due, now)}.` : "";
  if (status?.traffic === "recorded") {
    const day = status.recorded_at === null ? "" : ` of ${date(status.recorded_at)}`;
    const explanation = `${degraded}Recorded responses are played back as if they were current. ${old}`;
    return { tone, headline: headlineOf(`Recorded traffic${day}`), explanation, whenEmpty };
  }
  if (status?.demonstration === true) {
    return { tone, headline: headlineOf("Demo"), explanation: `${degraded}Simulated aircraft. ${old}`, whenEmpty };
  }
  const judgement: Judgement = {
    tone,
    headline: headlineOf(isLive ? "Live" : "Snapshot"),
    explanation: degraded + old + late,
  };
  return tone === "waiting" ? judgement : { ...judgement, whenEmpty };
}

/** The names of some of the sources, or their number where they are many. */
function names(some: readonly SourceStatus[], all: readonly SourceStatus[]): string {
  return some.length > 2 ? `${some.length} of ${all.length} sources` : listed(some.map(({ name }) => sourceName(name)));
}

function nextAttempt(sources: readonly SourceStatus[], now: number): string {
  const polls = sources.flatMap(({ next_poll_at }) => next_poll_at ?? []);
  return polls.length === 0 ? "" : ` Next attempt at ${clockOf(Math.min(...polls), now)}.`;
}

/** The health of a replay at a moment, Unix seconds, by what is known of the sources then. */
export function replayed(at: number, { gap, missing }: CoverageAt): Health {
  const tone = "simulated";
  if (gap !== undefined) {
    const explanation = gapSentence(gap);
    return { tone, headline: "Replay, no data", explanation, whenEmpty: explanation };
  }
  const traffic = `Recorded traffic at ${clockOf(at)}.`;
  const whenEmpty = "No recorded traffic here at this time.";
  if (missing.length === 0) return { tone, headline: "Replay", explanation: traffic, whenEmpty };
  const silent = `${listed(missing)} did not answer.`;
  const headline = `Replay, without ${missing.length > 2 ? `${missing.length} sources` : listed(missing)}`;
  return { tone, headline, explanation: `${traffic} ${silent}`, whenEmpty: `${whenEmpty} ${silent}` };
}

/**
 * Why the map is empty; `undefined` where it is not.
 *
 * @param limit why the filter cannot find all of its aircraft
 */
export function emptiness(
  counts: { held: number; shown: number; inView: number },
  now: Health,
  limit?: string,
): string | undefined {
  if (counts.held === 0) return now.whenEmpty;
  if (counts.shown === 0) {
    const hidden = `No aircraft match the filters (${counts.held.toLocaleString("en")} hidden).`;
    return limit === undefined ? hidden : `${hidden} ${limit}`;
  }
  return counts.inView === 0 ? "No aircraft in view. Zoom out or move the map." : undefined;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
