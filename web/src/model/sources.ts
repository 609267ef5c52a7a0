import type { ServerStatus, SourceStatus } from "../api/types.ts";
import { clock } from "./time.ts";
import { span } from "./units.ts";

/** The names of the sources that are not named by the operator. */
const NAMES: Readonly<Record<string, string>> = { opensky: "OpenSky", "opensky-own": "OpenSky (own)" };

/** The name of a source, as people read it. */
export function sourceName(name: string): string {
  return NAMES[name] ?? name;
}

/** Who provides the flights of these sources, for the map's attribution; `null` is a source of a time before its name was recorded. */
export function providers(sources: ReadonlySet<string | null>): { readonly name: string; readonly href?: string }[] {
  const isOpenSky = (source: string | null): boolean => source === null || source in NAMES;
  const others = [...sources].filter((source) => !isOpenSky(source)) as string[];
  const openSky = [...sources].some(isOpenSky);
  const network = { name: "The OpenSky Network", href: "https://opensky-network.org/" };
  return [...(openSky ? [network] : []), ...others.sort().map((name) => ({ name }))];
}

/** Names as a text: `roof`, `OpenSky and roof`, `OpenSky, feed and roof`. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}

/** The state of a source in a few words. */
const STATES: Readonly<Record<SourceStatus["state"], string>> = {
  not_yet_asked: "Not polled yet",
  live: "Live",
  quiet: "No aircraft reported",
  stale: "Stale data",
  rate_limited: "Rate limited",
  refused: "Access denied",
  unavailable: "Unreachable",
  malformed: "Unreadable data",
  paused: "Paused",
};

/** Whether a source answers with current data, with or without aircraft. */
export function isAnswering({ state }: SourceStatus): boolean {
  return state === "live" || state === "quiet";
}

/** The colour of a source. */
export function sourceTone({ state }: SourceStatus): "good" | "waiting" | "bad" {
  if (state === "live") return "good";
  return state === "quiet" || state === "paused" || state === "not_yet_asked" ? "waiting" : "bad";
}

/** What is wrong with a source, as a clause: `roof has been unreachable since 14:02:05 UTC`. */
export function fault(source: SourceStatus, now: number): string {
  const name = sourceName(source.name);
  const since = clock(source.since, now);
  switch (source.state) {
    case "stale":
      return `${name} has sent stale data since ${since}`;
    case "rate_limited":
      return `${name} is rate limited${source.next_poll_at === null ? "" : ` until ${clock(source.next_poll_at, now)}`}`;
    case "refused":
      return `${name} has denied access since ${since}`;
    case "unavailable":
      return `${name} has been unreachable since ${since}`;
    case "malformed":
      return `${name} has sent unreadable data since ${since}`;
    case "paused":
      return `${name} has been paused since ${since}`;
    case "not_yet_asked":
      return `${name} has not been polled yet`;
    case "quiet":
      return `${name} reports no aircraft`;
    case "live":
      return `${name} is live`;
  }
}

/** One of several sources in words. */
export interface SourceLine {
  readonly name: string;
  readonly tone: "good" | "waiting" | "bad";
  /** The aircraft whose newest state is from it; empty where it does not answer. */
  readonly aircraft: string;
  /** Its state, its last answer and its next poll. */
  readonly notes: readonly string[];
}

/** The sources where there are several. The facts describe a single one. */
export function sourceLines(status: ServerStatus | undefined, now: number): SourceLine[] {
  const sources = status?.sources ?? [];
  return sources.length < 2 ? [] : sources.map((source) => sourceLine(source, now));
}

function sourceLine(source: SourceStatus, now: number): SourceLine {
  const { state, since, last_answer, next_poll_at } = source;
  const answers = isAnswering(source);
  const notes = [answers || state === "not_yet_asked" ? STATES[state] : `${STATES[state]} since ${clock(since, now)}`];
  if (last_answer !== null) {
    const contents = answers ? "" : `, with ${aircraft(last_answer.states)}`;
    notes.push(`last answer ${span(now - last_answer.at)} ago${contents}`);
  } else if (state !== "not_yet_asked") notes.push("no answer yet");
  if (next_poll_at !== null)
    notes.push(next_poll_at > now ? `next poll at ${clock(next_poll_at, now)}` : "next poll due");
  return {
    name: sourceName(source.name),
    tone: sourceTone(source),
    aircraft: answers ? aircraft(source.aircraft) : "",
    notes,
  };
}

/** The credits of the sources that have some. */
export function credits(status: ServerStatus | undefined): { readonly name: string; readonly left: number }[] {
  return (status?.sources ?? []).flatMap(({ name, credits_left }) =>
    credits_left === null ? [] : [{ name: sourceName(name), left: credits_left }],
  );
}

/** The figures of the source and the stream, one sentence each. */
export function facts(status: ServerStatus | undefined, delayMs: number | undefined, now: number): string[] {
  const facts: string[] = [];
  const [source, ...others] = status?.sources ?? [];
  if (source !== undefined && others.length === 0) facts.push(...answerFacts(source, now));
  for (const { name, left } of credits(status)) {
    facts.push(`${name} credits left today: ${left.toLocaleString("en")}.`);
  }
  // Only meaningful where both clocks are right.
  if (delayMs !== undefined && delayMs >= -1000) {
    facts.push(`Delivery delay of the latest event: ${(Math.max(0, delayMs) / 1000).toFixed(1)} s.`);
  }
  return facts;
}

function answerFacts({ name, next_poll_at, last_answer, last_states_at }: SourceStatus, now: number): string[] {
  const facts: string[] = [];
  if (next_poll_at !== null && next_poll_at > now) facts.push(`Next update due at ${clock(next_poll_at, now)}.`);
  if (last_answer === null) return facts;
  const { at, states } = last_answer;
  facts.push(`${sourceName(name)} last answered ${span(now - at)} ago, with ${aircraft(states)}.`);
  if (states === 0 && last_states_at !== null) {
    facts.push(`It last reported aircraft at ${clock(last_states_at, now)}, ${span(now - last_states_at)} ago.`);
  }
  return facts;
}

function aircraft(count: number): string {
  return count === 0 ? "no aircraft" : `${count.toLocaleString("en")} aircraft`;
}
