import type { EngineVitals, LogEntry } from "../model/engine.ts";
import { serverAddress } from "../page/base.ts";
import { EventParser } from "../stream/index.ts";

/** How the connection to the engine room is. */
export type FeedState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** It ended, and is tried again in a moment. */
  | { readonly kind: "waiting"; readonly reason: string }
  /** The token is not the one, or was tried too often. */
  | { readonly kind: "refused"; readonly reason: string };

interface Listener {
  readonly onVitals: (vitals: EngineVitals) => void;
  readonly onLog: (entry: LogEntry) => void;
  readonly onState: (state: FeedState) => void;
}

/** What happens at least once a second was not heard of for this long: the connection is dead. */
const LONGEST_SILENCE = 15_000;
const PAUSE = 2_000;
const PATIENCE = 10_000;

/** Reads `/admin/events`, and gives orders. The token goes into a header, never into an address. */
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
    // Its rejections are all handled inside.
    void this.run(this.abort);
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    this.abort.abort();
  }

  /**
   * Gives an order: posts to a path below the server's root.
   *
   * @throws Error with what to tell people
   */
  async order(path: string): Promise<void> {
    const response = await fetch(serverAddress(path), {
      method: "POST",
      headers: this.headers(),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!response.ok) throw new Error(await reasonOf(response));
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

  /** Reads until the stream ends, and says how it did. */
  private async read(abort: AbortController): Promise<FeedState> {
    this.expectSign(abort);
    const headers = { ...this.headers(), ...(this.lastEventId !== "" && { "Last-Event-ID": this.lastEventId }) };
    const response = await fetch(serverAddress("admin/events"), { headers, cache: "no-store", signal: abort.signal });
    if (!response.ok) {
      const reason = await reasonOf(response);
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
      this.expectSign(abort);
      for (const { event, data, lastEventId } of parser.push(decoder.decode(value, { stream: true }))) {
        this.lastEventId = lastEventId;
        if (event === "vitals") this.listener.onVitals(JSON.parse(data) as EngineVitals);
        else if (event === "log") this.listener.onLog(JSON.parse(data) as LogEntry);
      }
    }
  }

  private expectSign(abort: AbortController): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      abort.abort(new Error("nothing was heard from the server for 15 seconds"));
    }, LONGEST_SILENCE);
  }
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    if (typeof detail === "string") return detail;
  } catch {
    // A proxy's answer, which is no problem document.
  }
  return `the server answers ${response.status}`;
}
