import { Picture } from "./picture.ts";
import { EventParser } from "./sse.ts";
import { scopeQuery } from "./state.ts";
import type { Scope } from "./state.ts";
import { ProtocolError } from "./table.ts";

/** How a connection is. */
export type ConnectionState =
  | { readonly kind: "connecting" }
  /** The picture is complete, and kept so. */
  | { readonly kind: "live" }
  /** It ended, and is tried again at `until`, Unix milliseconds. */
  | { readonly kind: "waiting"; readonly until: number; readonly reason: string }
  /** The server does not understand what is asked: nothing is tried again. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "stopped" };

/** What a connection uses of its platform. */
export interface Surroundings {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly after: (milliseconds: number, action: () => void) => () => void;
}

const PLATFORM: Surroundings = {
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now(),
  random: () => Math.random(),
  after: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Three heartbeats: without a sign for this long a connection is dead. */
export const LONGEST_SILENCE = 45_000;
const FIRST_PAUSE = 2_000;
const LONGEST_PAUSE = 30_000;

interface Listener {
  readonly onPicture: (picture: Picture) => void;
  readonly onState: (state: ConnectionState) => void;
}

/** One scope's stream, connected again whenever it ends, until it is closed. */
export class Connection {
  state: ConnectionState = { kind: "connecting" };
  /** How long the newest event was on its way, in milliseconds. */
  lag: number | undefined;
  private readonly surroundings: Surroundings;
  private picture = new Picture();
  private lastEventId = "";
  private retry: number | undefined;
  private failures = 0;
  private abort = new AbortController();
  private cancelTimer: (() => void) | undefined;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly scope: Scope,
    surroundings: Partial<Surroundings>,
    private readonly listener: Listener,
  ) {
    this.surroundings = { ...PLATFORM, ...surroundings };
  }

  close(): void {
    this.closed = true;
    this.cancelTimer?.();
    this.abort.abort();
  }

  open(): void {
    this.abort = new AbortController();
    this.become({ kind: "connecting" });
    // Its rejections are all handled inside.
    void this.run(this.abort);
  }

  private async run(abort: AbortController): Promise<void> {
    let reason: string;
    try {
      reason = await this.read(abort);
    } catch (error) {
      if (this.closed) return;
      // What is held does not fit what comes: the next connection begins anew.
      if (error instanceof ProtocolError) {
        this.lastEventId = "";
        this.picture = new Picture();
      }
      reason = error instanceof Error ? error.message : String(error);
    } finally {
      this.cancelTimer?.();
      abort.abort();
    }
    if (!this.closed && this.state.kind !== "refused") this.wait(reason);
  }

  /** Reads until the stream ends, and says why it did. */
  private async read(abort: AbortController): Promise<string> {
    this.expectSign(abort);
    const query = scopeQuery(this.scope);
    if (this.lastEventId !== "") query.set("last_event_id", this.lastEventId);
    const address = query.size === 0 ? this.url : `${this.url}?${query.toString()}`;
    const { fetch } = this.surroundings;
    const response = await fetch(address, {
      headers: { Accept: "text/event-stream" },
      cache: "no-store",
      signal: abort.signal,
    });
    if (!response.ok) return await this.refusal(response);
    if (response.body === null) return "the answer is empty";
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser(this.lastEventId);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "the server ended the stream";
      if (this.closed) return "closed";
      this.expectSign(abort);
      const events = parser.push(decoder.decode(value, { stream: true }));
      if (parser.retry !== undefined) this.retry = parser.retry;
      for (const { event, data, lastEventId } of events) {
        // From here on what is held may be newer than what the id stands for: deltas from there would not fit it.
        if (event === "snapshot") this.lastEventId = "";
        if (this.picture.apply(event, data) !== "complete") continue;
        this.lastEventId = lastEventId;
        this.failures = 0;
        if (this.picture.sentAt !== undefined) this.lag = this.surroundings.now() - this.picture.sentAt;
        if (this.state.kind !== "live") this.become({ kind: "live" });
        this.listener.onPicture(this.picture);
      }
    }
  }

  private async refusal(response: Response): Promise<string> {
    const detail = await problemDetail(response);
    const mayPass = response.status >= 500 || [408, 425, 429].includes(response.status);
    // What the server itself does not say is of a proxy before it, which may find it again.
    if (detail !== undefined && !mayPass) this.become({ kind: "refused", reason: detail });
    return detail ?? `the server answers ${response.status}`;
  }

  private wait(reason: string): void {
    const base = Math.max(this.retry ?? FIRST_PAUSE, 500);
    // The first time as long as the server says, which spreads its clients; then longer and longer.
    const jitter = this.failures === 0 ? 1 : 0.75 + this.surroundings.random() / 2;
    const pause = Math.max(Math.min(base * 2 ** Math.min(this.failures, 6), LONGEST_PAUSE) * jitter, this.retry ?? 0);
    this.failures += 1;
    this.become({ kind: "waiting", until: this.surroundings.now() + pause, reason });
    this.cancelTimer = this.surroundings.after(pause, () => {
      this.open();
    });
  }

  private expectSign(abort: AbortController): void {
    this.cancelTimer?.();
    this.cancelTimer = this.surroundings.after(LONGEST_SILENCE, () => {
      abort.abort(new Error("nothing was heard from the server for 45 seconds"));
    });
  }

  private become(state: ConnectionState): void {
    if (this.closed) return;
    this.state = state;
    this.listener.onState(state);
  }
}

/** What a problem document (RFC 9457) says; `undefined` where the answer is none. */
async function problemDetail(response: Response): Promise<string | undefined> {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/^application\/problem\+json *(;|$)/i.test(type)) return undefined;
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    return typeof detail === "string" ? detail : undefined;
  } catch {
    return undefined;
  }
}
