import { readAlertHistory } from "../api/alerts.ts";
import { ApiError } from "../api/http.ts";
import { alertKey } from "../model/alerts.ts";
import type { Alert } from "../stream/index.ts";

/** Pause between two refreshes, milliseconds. */
const INTERVAL = 15_000;
/** Within this time, the end of an alert is stored, milliseconds. */
const STORAGE_DELAY = 3_000;
const DAY = 24 * 3600;

/** Whether the server keeps alerts, as far as that is known. */
export type AlertHistoryState = "loading" | "shown" | "absent" | "unavailable";

/** Reads the stored alerts of the 24 hours before now, or before a moment of a replay. */
export class AlertHistory {
  state: AlertHistoryState = "loading";
  private readonly stored = new Map<string, Alert>();
  /** The cursor of the first page that has not been read. */
  private cursor: string | undefined;
  private hasRead = false;
  private reading: AbortController | undefined;
  private timer: number | undefined;

  constructor(private readonly onChange: () => void) {}

  /** What has been read so far. */
  get alerts(): readonly Alert[] {
    return [...this.stored.values()];
  }

  /** Whether there are older alerts than those that were read. */
  get hasMore(): boolean {
    return this.cursor !== undefined;
  }

  /** Reads the newest alerts before a moment, Unix seconds; without one, before now and again from time to time. */
  start(at: number | undefined): void {
    this.stop();
    this.stored.clear();
    [this.cursor, this.hasRead] = [undefined, false];
    if (this.state !== "absent") this.state = "loading";
    this.onChange();
    void this.read(at, undefined);
  }

  stop(): void {
    this.reading?.abort();
    window.clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Reads the newest alerts again once an alert that has just ended is stored. */
  refreshSoon(): void {
    if (this.timer === undefined) return;
    window.clearTimeout(this.timer);
    this.wait(undefined, STORAGE_DELAY);
  }

  /** Reads the next page. */
  async readMore(at: number | undefined): Promise<void> {
    const { cursor } = this;
    if (cursor === undefined) return;
    await this.read(at, cursor);
  }

  private async read(at: number | undefined, cursor: string | undefined): Promise<void> {
    this.stop();
    const reading = new AbortController();
    this.reading = reading;
    try {
      const period = at === undefined ? undefined : { from: at - DAY, to: at };
      const { alerts, next_cursor } = await readAlertHistory({ period, cursor }, reading.signal);
      if (reading.signal.aborted) return;
      for (const alert of alerts) this.stored.set(alertKey(alert), alert);
      // A refresh reads the first page again, whatever was read after it.
      if (cursor !== undefined || !this.hasRead) this.cursor = next_cursor ?? undefined;
      [this.state, this.hasRead] = ["shown", true];
    } catch (error) {
      if (reading.signal.aborted) return;
      this.state = error instanceof ApiError && error.isNotFound ? "absent" : "unavailable";
    }
    this.onChange();
    const isFinal = this.state === "absent" || (at !== undefined && this.state === "shown");
    if (isFinal) return;
    this.wait(at, INTERVAL);
  }

  private wait(at: number | undefined, milliseconds: number): void {
    this.timer = window.setTimeout(() => {
      void this.read(at, undefined);
    }, milliseconds);
  }
}
