import { readCoverage } from "../api/coverage.ts";
import { ApiError } from "../api/http.ts";
import type { PageStore } from "./state.ts";

/** How often the coverage of the same range is read again, seconds. */
const INTERVAL = 60;
/** The range has this many parts that can be told apart. */
const PARTS = 7_200;

/** Keeps the coverage of a replay's range in the store. Where the server does not tell it, a replay shows no gaps. */
export class CoverageLoader {
  private loading: AbortController | undefined;
  /** The length of the range that was requested, and when. Seconds, Unix seconds. */
  private requested: { readonly seconds: number; readonly at: number } | undefined;
  /** Whether the server keeps no record of its polls. */
  private isAbsent = false;

  constructor(private readonly store: PageStore) {}

  /** Reads the coverage of the last seconds, unless it has just done so. */
  show(seconds: number): void {
    const now = Date.now() / 1000;
    const isRecent = this.requested?.seconds === seconds && now - this.requested.at < INTERVAL;
    if (this.isAbsent || isRecent) return;
    this.requested = { seconds, at: now };
    this.loading?.abort();
    this.loading = new AbortController();
    void this.load(seconds, Math.floor(now), this.loading.signal);
  }

  /** Forgets the coverage. */
  stop(): void {
    this.loading?.abort();
    this.requested = undefined;
    this.store.set({ coverage: undefined });
  }

  private async load(seconds: number, to: number, signal: AbortSignal): Promise<void> {
    const resolution = Math.max(1, Math.floor(seconds / PARTS));
    try {
      const coverage = await readCoverage({ from: to - seconds, to, resolution }, signal);
      if (!signal.aborted) this.store.set({ coverage });
    } catch (error) {
      // What is known of the range remains until the next attempt.
      if (error instanceof ApiError && error.status === 404) this.isAbsent = true;
    }
  }
}
