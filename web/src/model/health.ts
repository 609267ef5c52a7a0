import type { ConnectionState } from "../stream/index.ts";
import { clock as clockOf, date } from "./time.ts";
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
  readonly tone: "good" | "simulated" | "waiting" | "bad";
  readonly headline: string;
  readonly explanation: string;
}

/** Older than this a picture is called old where nobody tells when the next one is due. Seconds. */
const OLD = 180;

/** Says how good the picture is, and why: what is nearest to the reader comes first. */
export function health({ connection, status, observedAt, now }: Circumstances): Health {
  const source = status?.source ?? undefined;
  const clock = (moment: number): string => clockOf(moment, now);
  const old = observedAt === undefined ? "There is no picture yet." : `The picture is ${span(now - observedAt)} old.`;
  switch (connection.kind) {
    case "waiting":
      return {
        tone: "bad",
        headline: "Connection lost",
        explanation: `${sentence(connection.reason)} Trying again in ${span(connection.until / 1000 - now)}. ${old}`,
      };
    case "refused":
      return { tone: "bad", headline: "Refused", explanation: `${sentence(connection.reason)} ${old}` };
    case "stopped":
      return { tone: "waiting", headline: "Paused", explanation: `The stream rests while nobody looks. ${old}` };
    case "connecting":
      return { tone: "waiting", headline: "Connecting", explanation: `Asking the server for the picture. ${old}` };
    case "live":
      break;
  }
  if (source !== undefined) {
    const again = source.next_poll_at === null ? "" : ` It is asked again at ${clock(source.next_poll_at)}.`;
    const why = source.reason === null ? "" : ` ${sentence(source.reason)}`;
    switch (source.state) {
      case "rate_limited":
        return {
          tone: "bad",
          headline: source.next_poll_at === null ? "Rate limited" : `Rate limited until ${clock(source.next_poll_at)}`,
          explanation: `The source gives no more answers for now.${why} ${old}`,
        };
      case "refused":
        return {
          tone: "bad",
          headline: "Source refuses",
          explanation: `The source refuses this server since ${clock(source.since)}.${why}${again} ${old}`,
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
          headline: "Source answers nonsense",
          explanation: `Its answers cannot be read since ${clock(source.since)}.${why}${again} ${old}`,
        };
      case "paused":
        return {
          tone: "waiting",
          headline: "Polling is paused",
          explanation: `This server's operator has it so since ${clock(source.since)}. ${old}`,
        };
      case "not_yet_asked":
        return { tone: "waiting", headline: "Waiting for the source", explanation: `It was not asked yet.${again}` };
      case "live":
        break;
    }
  }
  if (observedAt === undefined) {
    return {
      tone: "waiting",
      headline: "Waiting for data",
      explanation: "No answer of the source has come through yet.",
    };
  }
  if (status?.traffic === "recorded") {
    const day = status.recorded_at === null ? "" : ` of ${date(status.recorded_at)}`;
    return {
      tone: "simulated",
      headline: `Recorded traffic${day}`,
      explanation: `Recorded OpenSky responses are played back as if they were current. ${old}`,
    };
  }
  if (status?.demonstration === true) {
    return { tone: "simulated", headline: "Demo", explanation: `Simulated aircraft. ${old}` };
  }
  const due = source?.next_poll_at ?? undefined;
  const next = due === undefined ? "" : ` The source is asked again at ${clock(due)}.`;
  if (now - observedAt > OLD && (due === undefined || due < now - 60)) {
    return { tone: "waiting", headline: `Data is ${span(now - observedAt)} old`, explanation: `${old}${next}` };
  }
  return { tone: "good", headline: "Live", explanation: `${old}${next}` };
}

/** What is said of the picture of an earlier moment, Unix seconds. */
export function replayed(at: number): Health {
  const explanation = `Recorded traffic at ${clockOf(at)}.`;
  return { tone: "simulated", headline: "Replay", explanation };
}

/** Why nothing is to be seen; `undefined` where something is. */
export function emptiness(counts: { held: number; shown: number; inView: number }, now: Health): string | undefined {
  if (counts.held === 0) {
    return now.tone === "good" || now.tone === "simulated"
      ? now.headline === "Replay"
        ? "Nothing is stored of this area at this time."
        : "The source knows no aircraft in this area."
      : `${now.headline}. ${now.explanation}`;
  }
  if (counts.shown === 0) return `None of the ${counts.held.toLocaleString("en")} aircraft here passes the filter.`;
  return counts.inView === 0 ? "No aircraft in view. Zoom out or move the map." : undefined;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
