import { serverAddress } from "./address.ts";
import type { ServerStatus } from "./types.ts";

const INTERVAL = 5_000;
const TIMEOUT = 10_000;

/** Polls `/api/v1/status`. A failure clears the status until the next poll; the stream reports a lost connection. */
export class StatusPoller {
  private timer: number | undefined;
  private running = false;

  constructor(private readonly onStatus: (status: ServerStatus | undefined) => void) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    void this.poll();
  }

  stop(): void {
    this.running = false;
    window.clearTimeout(this.timer);
  }

  private async poll(): Promise<void> {
    this.onStatus(await readStatus());
    window.clearTimeout(this.timer);
    if (!this.running) return;
    this.timer = window.setTimeout(() => {
      void this.poll();
    }, INTERVAL);
  }
}

/** The status of the server; `undefined` where it does not answer. */
export async function readStatus(): Promise<ServerStatus | undefined> {
  try {
    const response = await fetch(serverAddress("api/v1/status"), {
      signal: AbortSignal.timeout(TIMEOUT),
      cache: "no-store",
    });
    return response.ok ? ((await response.json()) as ServerStatus) : undefined;
  } catch {
    return undefined;
  }
}
