import { Picture } from "./picture.ts";
import { EventParser } from "./sse.ts";
import { scopeQuery } from "./state.ts";
import type { Scope } from "./state.ts";
import { ProtocolError } from "./table.ts";

/** The state of a connection. */
export type ConnectionState =
  | { readonly kind: "connecting" }
  /** The picture is complete and kept up to date. */
  | { readonly kind: "live" }
  /** Disconnected; the next attempt is at `until`, Unix milliseconds. */
  | { readonly kind: "waiting"; readonly until: number; readonly reason: string }
  /** The server rejected the query; there is no further attempt. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "stopped" };

/** The parts of the platform that a connection uses. */
export interface Platform {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly after: (milliseconds: number, action: () => void) => () => void;
}

const PLATFORM: Platform = {
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

/** A connection without data for this long, three heartbeats, is dead. Milliseconds. */
export const MAX_SILENCE = 45_000;
const DEFAULT_PAUSE = 2_000;
const MAX_PAUSE = 30_000;

interface Listener {
  readonly onPicture: (picture: Picture) => void;
  readonly onState: (state: ConnectionState) => void;
}

/** The stream of one scope. It reconnects whenever it ends, until it is closed. */
export class Connection {
  state: ConnectionState = { kind: "connecting" };
  /** The delivery delay of the latest event, milliseconds. */
  lag: number | undefined;
  private readonly platform: Platform;
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
    platform: Partial<Platform>,
    private readonly listener: Listener,
  ) {
    this.platform = { ...PLATFORM, ...platform };
  }

  close(): void {
    this.closed = true;
    this.cancelTimer?.();
    this.abort.abort();
  }

  open(): void {
    this.abort = new AbortController();
    this.become({ kind: "connecting" });
    // It handles its own rejections.
    void this.run(this.abort);
  }

  private async run(abort: AbortController): Promise<void> {
    let reason: string;
    try {
      reason = await this.read(abort);
    } catch (error) {
      if (this.closed) return;
      // The picture no longer matches the stream: the next connection starts with a snapshot.
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

  /** Reads until the stream ends. Returns the reason. */
  private async read(abort: AbortController): Promise<string> {
    this.expectData(abort);
    const query = scopeQuery(this.scope);
    if (this.lastEventId !== "") query.set("last_event_id", this.lastEventId);
    const address = query.size === 0 ? this.url : `${this.url}?${query.toString()}`;
    const { fetch } = this.platform;
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
      this.expectData(abort);
      const events = parser.push(decoder.decode(value, { stream: true }));
      if (parser.retry !== undefined) this.retry = parser.retry;
      for (const { event, data, lastEventId } of events) {
        // From here on the picture may be newer than the id: deltas that resume from the id would not fit.
        if (event === "snapshot") this.lastEventId = "";
        if (this.picture.apply(event, data) !== "complete") continue;
        this.lastEventId = lastEventId;
        this.failures = 0;
        if (this.picture.sentAt !== undefined) this.lag = this.platform.now() - this.picture.sentAt;
        if (this.state.kind !== "live") this.become({ kind: "live" });
        this.listener.onPicture(this.picture);
      }
    }
  }

  private async refusal(response: Response): Promise<string> {
    const detail = await problemDetail(response);
    const mayPass = response.status >= 500 || [408, 425, 429].includes(response.status);
    // An error without a problem document comes from a proxy, which may reach the server later.
    if (detail !== undefined && !mayPass) this.become({ kind: "refused", reason: detail });
    return detail ?? `the server returned ${response.status}`;
  }

  private wait(reason: string): void {
    const base = Math.max(this.retry ?? DEFAULT_PAUSE, 500);
    // First the pause that the server asks for, which spreads its clients; then exponential backoff.
    const jitter = this.failures === 0 ? 1 : 0.75 + this.platform.random() / 2;
    const pause = Math.max(Math.min(base * 2 ** Math.min(this.failures, 6), MAX_PAUSE) * jitter, this.retry ?? 0);
    this.failures += 1;
    this.become({ kind: "waiting", until: this.platform.now() + pause, reason });
    this.cancelTimer = this.platform.after(pause, () => {
      this.open();
    });
  }

  private expectData(abort: AbortController): void {
    this.cancelTimer?.();
    this.cancelTimer = this.platform.after(MAX_SILENCE, () => {
      abort.abort(new Error("no data from the server for 45 seconds"));
    });
  }

  private become(state: ConnectionState): void {
    if (this.closed) return;
    this.state = state;
    this.listener.onState(state);
  }
}

/** The detail of a problem document (RFC 9457), if the answer is one. */
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
