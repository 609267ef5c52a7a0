import { serverAddress } from "../api/address.ts";
import { problemDetail } from "../api/http.ts";
import type { JournalEntry, TestOutcome, VitalsEvent } from "../api/types.ts";
import { EventParser } from "../stream/index.ts";

/** The state of the connection to `/admin/events`. */
export type FeedState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** Disconnected; the next attempt follows shortly. */
  | { readonly kind: "waiting"; readonly reason: string }
  /** The token is wrong, or there were too many attempts. */
  | { readonly kind: "refused"; readonly reason: string };

interface Listener {
  readonly onVitals: (vitals: VitalsEvent) => void;
  readonly onLog: (entry: JournalEntry) => void;
  readonly onState: (state: FeedState) => void;
}

/** A connection without an event for this long is dead; vitals arrive every second. Milliseconds. */
const MAX_SILENCE = 15_000;
const PAUSE = 2_000;
const TIMEOUT = 10_000;
/** The outcome of a test message takes as long as the endpoint may take. */
const TEST_TIMEOUT = 140_000;

/** Describes the outcome of a test message. */
export function testOutcome({ delivered, error, seconds }: TestOutcome): string {
  const after = `after ${seconds.toFixed(1)} s`;
  return delivered ? `Delivered ${after}.` : `Not delivered, ${after}: ${error ?? "no reason"}.`;
}

/** Reads `/admin/events`, and sends orders. The token is sent in a header, never in an address. */
export class Feed {
  private lastEventId = "";
  private abort = new AbortController();
  private timer: number | undefined;
  private closed = false;

  constructor(
    private readonly token: string,
    private readonly listener: Listener,
  ) {}

  open(): void {
    this.abort = new AbortController();
    this.listener.onState({ kind: "connecting" });
    // It handles its own rejections.
    void this.run(this.abort);
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    this.abort.abort();
  }

  /**
   * Sends an order: posts to a path below the server's root.
   *
   * @throws Error with a message for the user
   */
  async order(path: string): Promise<void> {
    const response = await fetch(serverAddress(path), {
      method: "POST",
      headers: this.headers(),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (!response.ok) throw new Error(await problemDetail(response));
  }

  /** Sends a test message to an endpoint of notifications, and says what happened. */
  async test(endpoint: string): Promise<string> {
    try {
      const response = await fetch(serverAddress(`admin/notify/${encodeURIComponent(endpoint)}/test`), {
        method: "POST",
        headers: this.headers(),
        signal: AbortSignal.timeout(TEST_TIMEOUT),
      });
      if (!response.ok) return await problemDetail(response);
      return testOutcome((await response.json()) as TestOutcome);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private headers(): Record<string, string> {
    return { Authorization: `Bearer ${this.token}` };
  }

  private async run(abort: AbortController): Promise<void> {
    let state: FeedState;
    try {
      state = await this.read(abort);
    } catch (error) {
      state = { kind: "waiting", reason: error instanceof Error ? error.message : String(error) };
    }
    window.clearTimeout(this.timer);
    abort.abort();
    if (this.closed) return;
    this.listener.onState(state);
    if (state.kind === "refused") return;
    this.timer = window.setTimeout(() => {
      this.open();
    }, PAUSE);
  }

  /** Reads until the stream ends. Returns the state after it. */
  private async read(abort: AbortController): Promise<FeedState> {
    this.expectData(abort);
    const headers = { ...this.headers(), ...(this.lastEventId !== "" && { "Last-Event-ID": this.lastEventId }) };
    const response = await fetch(serverAddress("admin/events"), { headers, cache: "no-store", signal: abort.signal });
    if (!response.ok) {
      const reason = await problemDetail(response);
      return { kind: [401, 403, 429].includes(response.status) ? "refused" : "waiting", reason };
    }
    if (response.body === null) return { kind: "waiting", reason: "the answer is empty" };
    this.listener.onState({ kind: "live" });
    const reader = response.body.getReader();
    const [decoder, parser] = [new TextDecoder(), new EventParser(this.lastEventId)];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { kind: "waiting", reason: "the server ended the stream" };
      if (this.closed) return { kind: "waiting", reason: "closed" };
      this.expectData(abort);
      for (const { event, data, lastEventId } of parser.push(decoder.decode(value, { stream: true }))) {
        this.lastEventId = lastEventId;
        if (event === "vitals") this.listener.onVitals(JSON.parse(data) as VitalsEvent);
        else if (event === "log") this.listener.onLog(JSON.parse(data) as JournalEntry);
      }
    }
  }

  private expectData(abort: AbortController): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      abort.abort(new Error("no data from the server for 15 seconds"));
    }, MAX_SILENCE);
  }
}
