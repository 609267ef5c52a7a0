import type { ServerStatus } from "../api/types.ts";
import type { ConnectionState } from "../stream/index.ts";
import { clock as clockOf, date, shortClock } from "./time.ts";
import { span } from "./units.ts";

/** What the health of the picture depends on. */
export interface HealthInputs {
  readonly connection: ConnectionState;
  readonly status: ServerStatus | undefined;
  /** The source's latest response time in the picture, Unix seconds. */
  readonly observedAt: number | undefined;
  /** Unix seconds */
  readonly now: number;
}

/** How current and trustworthy the picture is, in words. */
export interface Health {
  readonly tone: "good" | "snapshot" | "simulated" | "waiting" | "bad";
  readonly headline: string;
  readonly explanation: string;
}

/** A picture up to this age is live, an older one a snapshot. Seconds. */
const MAX_LIVE_AGE = 60;
/** An update that is later than this is overdue, seconds. */
const OVERDUE = 60;

/** The health of the live picture. Faults close to the browser take precedence. */
export function health({ connection, status, observedAt, now }: HealthInputs): Health {
  const source = status?.source ?? undefined;
  const clock = (moment: number): string => clockOf(moment, now);
  const old = observedAt === undefined ? "No data yet." : `Positions are ${span(now - observedAt)} old.`;
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
      break;
  }
  if (source !== undefined) {
    const again = source.next_poll_at === null ? "" : ` Next attempt at ${clock(source.next_poll_at)}.`;
    const why = source.reason === null ? "" : ` ${sentence(source.reason)}`;
    switch (source.state) {
      case "rate_limited":
        return {
          tone: "bad",
          headline: source.next_poll_at === null ? "Rate limited" : `Rate limited until ${clock(source.next_poll_at)}`,
          explanation: `OpenSky's rate limit has been reached.${why} ${old}`,
        };
      case "refused":
        return {
          tone: "bad",
          headline: "OpenSky denied access",
          explanation: `OpenSky has refused this server's requests since ${clock(source.since)}.${why}${again} ${old}`,
        };
      case "unavailable":
        return {
          tone: "bad",
          headline: `Source unreachable since ${clock(source.since)}`,
          explanation: `${why}${again} ${old}`.trim(),
        };
      case "malformed":
        return {
          tone: "bad",
          headline: "Unreadable data from OpenSky",
          explanation: `OpenSky has sent unreadable data since ${clock(source.since)}.${why}${again} ${old}`,
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
      case "live":
        break;
    }
  }
  if (source?.last_answer?.states === 0) {
    const since = source.last_states_at ?? undefined;
    return {
      tone: "waiting",
      headline: since === undefined ? "No aircraft reported" : `No aircraft reported for ${span(now - since)}`,
      explanation: `OpenSky answers, but its latest answer contains no aircraft. ${old}`,
    };
  }
  if (observedAt === undefined) {
    return {
      tone: "waiting",
      headline: "Waiting for data",
      explanation: "Waiting for OpenSky's first update.",
    };
  }
  const age = now - observedAt;
  const due = source?.next_poll_at ?? undefined;
  const isLive = age < MAX_LIVE_AGE;
  const isOverdue = !isLive && (due === undefined || due < now - OVERDUE);
  const next = due === undefined || isOverdue ? "" : `, next at ${shortClock(due, now)}`;
  const aged = (name: string): string => (isLive ? name : `${name}, ${span(age)} old${next}`);
  if (status?.traffic === "recorded") {
    const day = status.recorded_at === null ? "" : ` of ${date(status.recorded_at)}`;
    return {
      tone: "simulated",
      headline: aged(`Recorded traffic${day}`),
      explanation: `Recorded OpenSky responses are played back as if they were current. ${old}`,
    };
  }
  if (status?.demonstration === true) {
    return { tone: "simulated", headline: aged("Demo"), explanation: `Simulated aircraft. ${old}` };
  }
  if (isLive) return { tone: "good", headline: "Live", explanation: old };
  const late = due !== undefined && isOverdue ? ` The next update was due at ${clock(due)}.` : "";
  return { tone: isOverdue ? "waiting" : "snapshot", headline: aged("Snapshot"), explanation: `${old}${late}` };
}

/** The figures of the source and the stream, one sentence each. */
export function facts(status: ServerStatus | undefined, delayMs: number | undefined, now: number): string[] {
  const { next_poll_at = null, credits_left = null, last_answer = null, last_states_at = null } = status?.source ?? {};
  const facts: string[] = [];
  if (next_poll_at !== null && next_poll_at > now) facts.push(`Next update due at ${clockOf(next_poll_at, now)}.`);
  if (last_answer !== null) {
    const states = last_answer.states === 0 ? "no aircraft" : `${last_answer.states.toLocaleString("en")} aircraft`;
    facts.push(`OpenSky last answered ${span(now - last_answer.at)} ago, with ${states}.`);
    if (last_answer.states === 0 && last_states_at !== null) {
      facts.push(`It last reported aircraft at ${clockOf(last_states_at, now)}, ${span(now - last_states_at)} ago.`);
    }
  }
  if (credits_left !== null) facts.push(`OpenSky credits left today: ${credits_left.toLocaleString("en")}.`);
  // Only meaningful where both clocks are right.
  if (delayMs !== undefined && delayMs >= -1000) {
    facts.push(`Delivery delay of the latest event: ${(Math.max(0, delayMs) / 1000).toFixed(1)} s.`);
  }
  return facts;
}

/** The health of a replay at a moment, Unix seconds. */
export function replayed(at: number): Health {
  const explanation = `Recorded traffic at ${clockOf(at)}.`;
  return { tone: "simulated", headline: "Replay", explanation };
}

/** Why the map is empty; `undefined` where it is not. */
export function emptiness(counts: { held: number; shown: number; inView: number }, now: Health): string | undefined {
  if (counts.held === 0) {
    if (now.headline === "Replay") return "No recorded traffic here at this time.";
    return now.tone === "waiting" || now.tone === "bad"
      ? `${now.headline}. ${now.explanation}`
      : "No aircraft reported in this area.";
  }
  if (counts.shown === 0) return `No aircraft match the filters (${counts.held.toLocaleString("en")} hidden).`;
  return counts.inView === 0 ? "No aircraft in view. Zoom out or move the map." : undefined;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
