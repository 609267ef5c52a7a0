import { createServer, connect } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/** Bytes that arrived from the server. */
export interface Arrival {
  /** Microseconds of the monotonic clock, which Chromium's traces use as well. */
  readonly at: number;
  readonly bytes: number;
}

/** In microseconds. */
export const SECOND = 1_000_000;

/** The current time of that clock. */
export function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** A proxy between a browser and a server that records what the server sends, and when. */
export class Meter {
  readonly arrivals: Arrival[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    /** The address that replaces the server's. */
    readonly url: string,
  ) {}

  static async before(upstream: string): Promise<Meter> {
    const { hostname, port } = new URL(upstream);
    const server = createServer({ noDelay: true }, (browser) => {
      const origin = connect({ host: hostname, port: Number(port), noDelay: true });
      origin.on("data", ({ length }) => meter.arrivals.push({ at: microseconds(), bytes: length }));
      browser.pipe(origin).pipe(browser);
      for (const socket of [browser, origin]) {
        meter.sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          meter.sockets.delete(socket);
          browser.destroy();
          origin.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const meter: Meter = new Meter(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return meter;
  }

  /** The number of bytes that arrived in a period. */
  bytes(from: number, to: number): number {
    return this.arrivals.reduce((sum, { at, bytes }) => (at >= from && at < to ? sum + bytes : sum), 0);
  }

  /** When each large answer began: with at least this many bytes in the following second. */
  begins(least: number): number[] {
    const begins: number[] = [];
    for (const { at } of this.arrivals) {
      if (at < (begins.at(-1) ?? -Infinity) + SECOND) continue;
      // A small answer may arrive shortly before.
      if (this.bytes(at, at + SECOND / 20) >= 4096 && this.bytes(at, at + SECOND) >= least) begins.push(at);
    }
    return begins;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
