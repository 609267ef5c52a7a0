// The live stream, read by third-party clients.

import { execFileSync, spawn } from "node:child_process";
import { createServer, request as ask } from "node:http";
import type { Server } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource as TheirEventSource } from "eventsource";
import { createParser } from "eventsource-parser";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { Picture } from "../src/stream/index.ts";
import { freePort, launch, PATIENCE, Program, row } from "./support.ts";

const EVENTS = ["snapshot", "delta", "alert", "current"];

/** Three pictures in a loop: aircraft move, appear and disappear. */
const PICTURES = [0, 1, 2].map((step) => [
  row({ icao24: "4b1814", callsign: "SWR123", lat: 47 + step / 100, lon: 8.5 }),
  row({ icao24: "3c6444", country: "Germany", lat: 50, lon: 9.5 - step / 8, altitude: 3_000 + step * 50 }),
  ...(step === 1
    ? []
    : [row({ icao24: "400a1b", callsign: `BAW${step}`, lat: 51.5, lon: -0.5, squawk: `100${step}` })]),
]);

/** A proxy between a client and the server that can cut connections, and records them. */
class CuttingProxy {
  /** Each connection's content encoding, and the id it resumed from. */
  readonly visits: { encoding: string; lastEventId: string | undefined }[] = [];
  private readonly server: Server;

  private constructor(
    readonly url: string,
    to: string,
    accepted: string | undefined,
  ) {
    this.server = createServer((asked, answer) => {
      if (asked.url === "/") {
        // A page of the same origin for a browser.
        answer.setHeader("content-type", "text/html").end("<!doctype html>");
        return;
      }
      const headers = { ...asked.headers, ...(accepted === undefined ? {} : { "accept-encoding": accepted }) };
      const onward = ask(new URL(asked.url ?? "", to), { headers }, (got) => {
        const encoding = got.headers["content-encoding"] ?? "identity";
        // A browser also requests the icon of the page.
        if (asked.url === "/api/v1/stream") {
          this.visits.push({ encoding, lastEventId: asked.headers["last-event-id"]?.toString() });
        }
        delete got.headers["transfer-encoding"];
        delete got.headers.connection;
        answer.writeHead(got.statusCode ?? 500, got.headers);
        got.pipe(answer);
      });
      onward.on("error", () => answer.destroy());
      answer.on("close", () => onward.destroy());
      onward.end();
    });
  }

  static async to(url: string, accepted?: string): Promise<CuttingProxy> {
    const port = await freePort();
    const proxy = new CuttingProxy(`http://127.0.0.1:${port}/`, url, accepted);
    await new Promise<void>((resolve) => proxy.server.listen(port, "127.0.0.1", resolve));
    return proxy;
  }

  /** Cuts every connection. */
  cut(): void {
    this.server.closeAllConnections();
  }

  close(): void {
    this.server.close();
    this.cut();
  }
}

type Deliver = (event: string, data: string, id: string) => void;
/** Reads until the connection ends, or reconnects by itself. Returns a function that stops it. */
type Read = (url: string, deliver: Deliver, ended: () => void, lastEventId: string | undefined) => () => void;

/** Reconnects after each end of the connection, for clients that do not. */
function reconnecting(read: Read): (url: string, deliver: Deliver) => () => void {
  return (url, deliver) => {
    let last: string | undefined;
    let stop = (): void => undefined;
    let stopped = false;
    const connect = (): void => {
      if (stopped) return;
      stop = read(
        url,
        (event, data, id) => {
          if (id !== "") last = id;
          deliver(event, data, id);
        },
        () => setTimeout(connect, 200),
        last,
      );
    };
    connect();
    return () => {
      stopped = true;
      stop();
    };
  };
}

const parsed = (deliver: Deliver): ReturnType<typeof createParser> =>
  createParser({
    onEvent: ({ event, data, id }) => {
      deliver(event ?? "message", data, id ?? "");
    },
  });

const READERS: Record<string, (url: string, deliver: Deliver) => () => void> = {
  eventsource: (url, deliver) => {
    const source = new TheirEventSource(url);
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        deliver(name, String(event.data), event.lastEventId);
      });
    }
    return () => {
      source.close();
    };
  },
  "@microsoft/fetch-event-source": (url, deliver) => {
    const ending = new AbortController();
    void fetchEventSource(url, {
      signal: ending.signal,
      openWhenHidden: true,
      onmessage: ({ event, data, id }) => {
        deliver(event, data, id);
      },
    });
    return () => {
      ending.abort();
    };
  },
  "eventsource-parser": reconnecting((url, deliver, ended, lastEventId) => {
    const ending = new AbortController();
    const parser = parsed(deliver);
    const read = async (): Promise<void> => {
      const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
      const { body } = await fetch(url, { headers, signal: ending.signal });
      const decoder = new TextDecoder();
      const reader = body?.getReader();
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
        parser.feed(decoder.decode(part.value, { stream: true }));
      }
    };
    read().then(ended, ended);
    return () => {
      ending.abort();
    };
  }),
  "curl --compressed": reconnecting((url, deliver, ended, lastEventId) => {
    const header = lastEventId === undefined ? [] : ["--header", `Last-Event-ID: ${lastEventId}`];
    const curl = spawn("curl", ["--silent", "--no-buffer", "--noproxy", "*", "--compressed", ...header, url]);
    const parser = parsed(deliver);
    curl.stdout.setEncoding("utf8").on("data", (text: string) => {
      parser.feed(text);
    });
    curl.on("close", ended);
    return () => curl.kill();
  }),
  "httpx-sse": reconnecting((url, deliver, ended, lastEventId) => {
    const client = fileURLToPath(new URL("httpx-sse/client.py", import.meta.url));
    const python = spawn(PYTHON, [client, url, ...(lastEventId === undefined ? [] : [lastEventId])]);
    createInterface(python.stdout).on("line", (line) => {
      deliver(...(JSON.parse(line) as [string, string, string]));
    });
    python.on("close", ended);
    return () => python.kill();
  }),
};

const PYTHON = execFileSync(fileURLToPath(new URL("httpx-sse/python.sh", import.meta.url)), {
  encoding: "utf8",
}).trim();

let server: Program;
let browser: Browser;
beforeAll(async () => {
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", new EventTarget());
  [server, browser] = await Promise.all([Program.showingInTurn(PICTURES), launch()]);
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await Promise.all([server.remove(), browser.close()]);
});

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** Checks that a client has the picture of the server after updates and a cut connection. */
async function check(
  proxy: CuttingProxy,
  encodings: readonly string[],
  read: (url: string, deliver: Deliver) => (() => unknown) | Promise<() => unknown>,
): Promise<void> {
  endings.push(() => {
    proxy.close();
  });
  const picture = new Picture();
  const came = { snapshot: 0, delta: 0, current: 0 };
  let wrong: unknown;
  const deliver: Deliver = (event, data) => {
    try {
      picture.apply(event, data);
      if (event in came) came[event as keyof typeof came] += 1;
    } catch (error) {
      wrong ??= error;
    }
  };
  endings.unshift(await read(`${proxy.url}api/v1/stream`, deliver));
  const updates = async (count: number): Promise<void> => {
    const enough = came.delta + count;
    await expect.poll(() => came.delta, { timeout: PATIENCE }).toBeGreaterThanOrEqual(enough);
  };
  const agrees = async (): Promise<void> => {
    const sorted = <T extends { icao24: string }>(states: T[]): T[] =>
      states.sort((one, other) => one.icao24.localeCompare(other.icao24));
    await expect
      .poll(
        async () => {
          const flights = (await (await fetch(new URL("api/v1/flights", server.url))).json()) as {
            states: { icao24: string }[];
          };
          const held = sorted([...picture.aircraft()]);
          return (
            flights.states.length > 1 &&
            JSON.stringify(entries(held)) === JSON.stringify(entries(sorted(flights.states)))
          );
        },
        { timeout: PATIENCE },
      )
      .toBe(true);
  };
  await updates(2);
  await agrees();
  const before = proxy.visits.length;
  proxy.cut();
  await expect.poll(() => proxy.visits.length, { timeout: PATIENCE }).toBeGreaterThan(before);
  await updates(2);
  await agrees();
  expect(wrong).toBeUndefined();
  expect(came.snapshot, "it resumed").toBe(1);
  expect(proxy.visits.at(-1)?.lastEventId).toMatch(/^[0-9a-f]+-\d+-world$/);
  for (const visit of proxy.visits) expect(encodings).toContain(visit.encoding);
}

/** The members of each object, sorted by name. */
function entries(states: object[]): unknown[] {
  return states.map((state) => Object.entries(state).sort(([one], [other]) => one.localeCompare(other)));
}

test.each(Object.entries(READERS))("%s has the picture of the server", async (_, read) => {
  await check(await CuttingProxy.to(server.url), ["gzip", "zstd"], read);
});

test.each(["gzip", "zstd"])("the EventSource of a browser does, with %s", async (encoding) => {
  const proxy = await CuttingProxy.to(server.url, encoding);
  await check(proxy, [encoding], async (url, deliver) => {
    const page = await browser.newPage();
    await page.goto(proxy.url);
    await page.exposeFunction("deliver", deliver);
    await page.evaluate(
      ({ url, names }) => {
        const source = new EventSource(url);
        for (const name of names) {
          source.addEventListener(name, (event) => {
            (window as unknown as { deliver: Deliver }).deliver(name, String(event.data), event.lastEventId);
          });
        }
      },
      { url, names: EVENTS },
    );
    return () => page.close();
  });
});
