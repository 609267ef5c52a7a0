import type { ConnectionState } from "../stream/index.ts";
import { clock as clockOf, date, shortClock } from "./time.ts";
import { span } from "./units.ts";

/** What `GET /api/v1/status` says. */
export interface ServerStatus {
  /** Whether the traffic is anything but live. */
  readonly demonstration: boolean;
  readonly traffic: "live" | "simulated" | "recorded";
  /** When recorded traffic was recorded, Unix seconds. */
  readonly recorded_at: number | null;
  /** `null` where another process asks the source. */
  readonly source: SourceStatus | null;
}

/** How the source of the flights is. Times are Unix seconds. */
export interface SourceStatus {
  readonly state: "not_yet_asked" | "live" | "rate_limited" | "refused" | "unavailable" | "malformed" | "paused";
  readonly since: number;
  readonly reason: string | null;
  readonly response_time: number | null;
  readonly next_poll_at: number | null;
  readonly credits_left: number | null;
  /** The newest answer that could be read: when it came, and how many states it held. */
  readonly last_answer?: { readonly at: number; readonly states: number } | null;
  /** When an answer last held any state. */
  readonly last_states_at?: number | null;
}

/** What the page knows when it says how good its picture is. */
export interface Circumstances {
  readonly connection: ConnectionState;
  readonly status: ServerStatus | undefined;
  /** The newest answer of the source that is in the picture, Unix seconds. */
  readonly observedAt: number | undefined;
  /** Unix seconds */
  readonly now: number;
}

/** How good the picture is, in words. */
export interface Health {
  readonly tone: "good" | "snapshot" | "simulated" | "waiting" | "bad";
  readonly headline: string;
  readonly explanation: string;
}

/** A picture is live up to this age, and a snapshot from then on. Seconds. */
const LIVE = 60;
/** The source may be this late before its next answer is called overdue. Seconds. */
const OVERDUE = 60;

/** Says how good the picture is, and why: what is nearest to the reader comes first. */
export function health({ connection, status, observedAt, now }: Circumstances): Health {
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
      explanation: `OpenSky answers, but its newest answer holds no aircraft. ${old}`,
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
  const isLive = age < LIVE;
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

/** What the source and the server say in figures, for every width of the page: one sentence each. */
export function facts(status: ServerStatus | undefined, delayMs: number | undefined, now: number): string[] {
  const { next_poll_at = null, credits_left = null, last_answer = null, last_states_at = null } = status?.source ?? {};
  const said: string[] = [];
  if (next_poll_at !== null && next_poll_at > now) said.push(`Next update due at ${clockOf(next_poll_at, now)}.`);
  if (last_answer !== null) {
    const states = last_answer.states === 0 ? "no aircraft" : `${last_answer.states.toLocaleString("en")} aircraft`;
    said.push(`OpenSky last answered ${span(now - last_answer.at)} ago, with ${states}.`);
    if (last_answer.states === 0 && last_states_at !== null) {
      said.push(`It last reported aircraft at ${clockOf(last_states_at, now)}, ${span(now - last_states_at)} ago.`);
    }
  }
  if (credits_left !== null) said.push(`OpenSky credits left today: ${credits_left.toLocaleString("en")}.`);
  // Both clocks must be right for it to mean something.
  if (delayMs !== undefined && delayMs >= -1000) {
    said.push(`Delivery delay of the latest event: ${(Math.max(0, delayMs) / 1000).toFixed(1)} s.`);
  }
  return said;
}

/** What is said of the picture of an earlier moment, Unix seconds. */
export function replayed(at: number): Health {
  const explanation = `Recorded traffic at ${clockOf(at)}.`;
  return { tone: "simulated", headline: "Replay", explanation };
}

/** Why nothing is to be seen; `undefined` where something is. */
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
