// What the page costs a browser: `make bench-page`. Prints a table for `docs/benchmarks.md`, and fails only where a
// measurement is impossible.

import { cpus, loadavg } from "node:os";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, test, vi } from "vitest";

import { FastStream } from "./fast-stream.ts";
import { between, CATEGORIES, MainThread, took, worked } from "./main-thread.ts";
import type { Piece } from "./main-thread.ts";
import { Meter, microseconds, SECOND } from "./meter.ts";
import { freePort, launch, PATIENCE, Program, waitAircraft } from "./support.ts";

const AIRCRAFT = 10_000;
/** The number of updates in an hour, one every five seconds. */
const HOUR = 720;
/** Everything in view. */
const WORLD = "#view=1.2/25/10";
const EUROPE = "#view=4.5/49/8";
const VIEWS = [
  ["the whole world in view", WORLD],
  ["Europe in view", EUROPE],
] as const;
/** Requests everything with hardly anything in view: drawing in software would take most of the time. */
const OCEAN = "#view=0.8/-35/-125";
const VIEWPORT = { width: 1280, height: 800 };

let browser: Browser;
let source: Program;
let server: Program;
const lines: string[] = [];

beforeAll(async () => {
  browser = await launch();
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  source = new Program(
    ["simulate", "--address", address, "--aircraft", String(AIRCRAFT), "--all-change", "--daily-credits", "10000000"],
    {},
  );
  await source.start();
  server = await Program.serve([], {
    OPENSKY_BASE_URL: `http://${address}/api`,
    OPENSKY_AUTH_URL: `http://${address}/auth/realms/opensky-network/protocol/openid-connect/token`,
    OPENSKY_CLIENT_ID: "bench",
    OPENSKY_CLIENT_SECRET: "bench-secret",
    OPENSKY_POLL_INTERVAL: "5s",
  });
  await waitPicture(server, AIRCRAFT);
});

afterAll(async () => {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? "?"}), Chromium ${browser.version()}`;
  await browser.close();
  await server.remove();
  await source.remove();
  const table = ["| what | goal | measured | |", "|---|---|---|---|", ...lines].join("\n");
  process.stdout.write(`\n${machine}, WebGL in software, load average ${load()} at the end\n\n${table}\n\n`);
});

test("an update", async () => {
  for (const [where, hash] of VIEWS) {
    const { page, meter, context } = await open(hash);
    // The first updates are slower, until the browser has compiled the hot code.
    await page.waitForTimeout(12_000);
    const main = await traced(page, "update", () => page.waitForTimeout(46_000));
    const updates = meter.begins(20_000).filter((at) => at >= main.begin && at < main.end);
    // From one to the next: drawing in software may finish seconds after the data has arrived.
    const during = (pieces: readonly Piece[]) =>
      updates.slice(1).map((at, index) => between(pieces, updates[index] ?? at, at));
    const script = during(main.thread.script);
    const tasks = during(main.thread.tasks);
    const kilobytes = updates.map((at) => meter.bytes(at, at + SECOND) / 1000);
    row(
      `an update, ${where}: all script from its first byte to the next one's`,
      "≤ 50 ms",
      `${spread(script.map(worked))} (n = ${script.length}, ${middle(kilobytes).toFixed(0)} kB each); with waiting ${spread(script.map(took))}`,
      Math.max(...script.map(worked)) <= 50,
    );
    const all = tasks.flat();
    const longest = Math.max(...all.map((task) => took([task])));
    const most = Math.max(...all.map((task) => worked([task])));
    row(
      "the same: longest task of any kind",
      "≤ 50 ms",
      `${longest.toFixed(1)} ms, of which at most ${most.toFixed(1)} ms are work; all tasks of an update: ${spread(tasks.map(worked))}, with waiting ${spread(tasks.map(took))}`,
      longest <= 50,
    );
    meter.close();
    await context.close();
  }
});

test("panning", async () => {
  for (const [where, hash] of VIEWS) {
    const { page, meter, context } = await open(hash);
    await pan(page, 1_500);
    const main = await traced(page, "panning", () => pan(page, 6_000));
    // Work between two frames is left out: at the pace of drawing in software that is much else.
    const frames = between(main.thread.frames, main.begin, main.end);
    const each = frames.map((frame) => worked([frame]));
    const rate = frames.length / ((main.end - main.begin) / SECOND);
    row(
      `panning, ${where}: script of a frame`,
      "≤ 8 ms",
      `${spread(each)} (n = ${each.length}, ${rate.toFixed(0)} frames a second); with waiting ${spread(frames.map((frame) => took([frame])))}`,
      middle(each) <= 8,
    );
    meter.close();
    await context.close();
  }
});

test("the first aircraft of a running demo", async () => {
  const demo = await Program.serve(["--demo"]);
  try {
    await waitPicture(demo, 1_000);
    const times: FirstAircraft[] = [];
    for (let round = 0; round < 11; round += 1) {
      const context = await browser.newContext({ viewport: VIEWPORT });
      const page = await context.newPage();
      times.push(await openToFirstAircraft(page, demo.url));
      await context.close();
    }
    const drawn = times.slice(1).map((time) => time.drawn);
    const asked = times.slice(1).map((time) => time.asked);
    row(
      "address opened → first aircraft drawn, demonstration, warm server, empty cache",
      "≤ 2 s",
      `${spread(drawn)} (n = ${drawn.length}); of which until WebGL is told to draw it ${spread(asked)}`,
      Math.max(...drawn) <= 2_000,
    );
  } finally {
    await demo.remove();
  }
});

test("the transfer before the first aircraft", async () => {
  for (const [where, hash] of [
    ["the view it opens with", ""],
    ["the whole world in view", WORLD],
  ] as const) {
    // Chromium prefers Brotli.
    const extraHTTPHeaders = { "Accept-Encoding": "gzip" };
    const context = await browser.newContext({ viewport: VIEWPORT, extraHTTPHeaders });
    const page = await context.newPage();
    const encodings = new Set<string>();
    page.on("response", (response) => encodings.add(response.headers()["content-encoding"] ?? "identity"));
    const meter = await Meter.before(server.url);
    // The base map counts, although the aircraft do not wait for it.
    const baseMap = ["land", "borders", "names", "graticule"].map((name) =>
      page.waitForEvent("requestfinished", (request) => request.url().includes(`/assets/${name}-`)),
    );
    await Promise.all([openToFirstAircraft(page, meter.url + hash), ...baseMap]);
    const bytes = meter.bytes(-Infinity, Infinity);
    encodings.delete("identity");
    if ([...encodings].join() !== "gzip") throw new Error(`expected gzip, got ${[...encodings].join()}`);
    row(
      `transfer until the first aircraft is drawn and the base map is there, ${AIRCRAFT.toLocaleString("en")} aircraft in the world, ${where}`,
      "≤ 900 KB",
      `${(bytes / 1000).toFixed(0)} kB: gzip, headers and the stream's snapshot included`,
      bytes <= 900_000,
    );
    meter.close();
    await context.close();
  }
});

test("an hour's heap", async () => {
  const fast = await FastStream.before(server.url);
  const context = await browser.newContext({ viewport: { width: 320, height: 240 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await page.goto(fast.url + OCEAN);
  await waitAircraft(page, new RegExp(`^${AIRCRAFT.toLocaleString("en")} aircraft$`));
  await vi.waitUntil(() => fast.hasBegun, { timeout: PATIENCE });
  const shown = await watchUpdates(page);
  const begin = Date.now();
  const heaps: number[] = [];
  for (let update = 1; update <= HOUR; update += 1) {
    fast.update();
    await shown();
    // Every five minutes from the fifth.
    if (update % 60 === 0) heaps.push(await heap(session));
  }
  const seconds = (Date.now() - begin) / 1000;
  const [first, last] = [heaps[0] ?? NaN, heaps.at(-1) ?? NaN];
  const growth = Math.max(...heaps) / first - 1;
  row(
    `JavaScript heap after an hour of ${AIRCRAFT.toLocaleString("en")} aircraft: ${HOUR} updates in ${seconds.toFixed(0)} s`,
    "flat within 10 %",
    `${megabytes(first)} after 5 minutes, ${megabytes(last)} after 60, at most ${(growth * 100).toFixed(1)} % more than at 5 (n = ${heaps.length})`,
    Math.abs(last / first - 1) <= 0.1 && growth <= 0.1,
  );
  fast.close();
  await context.close();
});

/** A page with every aircraft of its scope, behind a meter. */
async function open(hash: string): Promise<{ page: Page; meter: Meter; context: BrowserContext }> {
  const meter = await Meter.before(server.url);
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  await openToFirstAircraft(page, meter.url + hash);
  return { page, meter, context };
}

/** What the main thread did during an action. `TRACES` names a folder that keeps the traces, for the tools of the browser. */
async function traced(
  page: Page,
  name: string,
  action: () => Promise<void>,
): Promise<{ thread: MainThread; begin: number; end: number }> {
  await browser.startTracing(page, { categories: CATEGORIES });
  const begin = microseconds();
  await action();
  const end = microseconds();
  const trace = await browser.stopTracing();
  const folder = process.env["TRACES"];
  if (folder !== undefined) writeFileSync(join(folder, `${name}-${begin}.json`), trace);
  const thread = new MainThread(trace);
  if (thread.tasks.length === 0) throw new Error("the trace has no tasks of the page");
  return { thread, begin, end };
}

/** Pans the map to and fro. */
async function pan(page: Page, milliseconds: number): Promise<void> {
  const [x, y] = [VIEWPORT.width / 2, VIEWPORT.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const begin = Date.now();
  for (let now = 0; now < milliseconds; now = Date.now() - begin) {
    const turn = (now / 2_000) * 2 * Math.PI;
    await page.mouse.move(x + 250 * Math.sin(turn), y + 60 * (1 - Math.cos(turn)));
    await page.waitForTimeout(8);
  }
  await page.mouse.up();
}

/** In milliseconds since the address was opened. */
interface FirstAircraft {
  /** The draw call. */
  readonly asked: number;
  /** The completion of the draw call. */
  readonly drawn: number;
}

async function openToFirstAircraft(page: Page, url: string): Promise<FirstAircraft> {
  await page.addInitScript(() => {
    const it = window as unknown as { firstAircraft: Promise<FirstAircraft> };
    it.firstAircraft = new Promise((resolve) => {
      const { prototype } = WebGL2RenderingContext;
      // Only the aircraft are drawn by it.
      // eslint-disable-next-line @typescript-eslint/unbound-method -- applied to the context that it is called on
      const { drawArraysInstanced } = prototype;
      prototype.drawArraysInstanced = function (this: WebGL2RenderingContext, ...how) {
        drawArraysInstanced.apply(this, how);
        prototype.drawArraysInstanced = drawArraysInstanced;
        const asked = performance.now();
        const fence = this.fenceSync(this.SYNC_GPU_COMMANDS_COMPLETE, 0);
        const look = (): void => {
          if (fence === null || this.clientWaitSync(fence, 0, 0) !== this.TIMEOUT_EXPIRED) {
            resolve({ asked, drawn: performance.now() });
          } else setTimeout(look, 2);
        };
        setTimeout(look, 2);
      };
    });
  });
  await page.goto(url, { waitUntil: "commit" });
  return page.evaluate(() => (window as unknown as { firstAircraft: Promise<FirstAircraft> }).firstAircraft);
}

/** Returns a function that waits until the page has drawn the next update. */
async function watchUpdates(page: Page): Promise<() => Promise<void>> {
  let tell = (): void => undefined;
  let next = new Promise<void>((resolve) => (tell = resolve));
  await page.exposeFunction("updateWasShown", () => {
    tell();
  });
  await page.evaluate(() => {
    const { parse } = JSON;
    const it = window as unknown as { updateWasShown: () => void };
    JSON.parse = (...given) => {
      const value: unknown = parse(...given);
      if (typeof value === "object" && value !== null && "after" in value) {
        requestAnimationFrame(() => requestAnimationFrame(it.updateWasShown));
      }
      return value;
    };
  });
  return async () => {
    await next;
    next = new Promise((resolve) => (tell = resolve));
  };
}

/** The bytes in use after a garbage collection. */
async function heap(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

async function waitPicture({ url }: Program, least: number): Promise<void> {
  await vi.waitUntil(
    async () => {
      const { count } = (await (await fetch(new URL("/api/v1/flights", url))).json()) as { count: number };
      return count >= least;
    },
    { timeout: PATIENCE, interval: 500 },
  );
}

function row(what: string, goal: string, measured: string, reached: boolean): void {
  const line = `| ${what} | ${goal} | ${measured} | ${reached ? "reached" : "**missed**"} |`;
  lines.push(line);
  process.stdout.write(`${line} load average ${load()}\n`);
}

function quantile(values: readonly number[], share: number): number {
  const ordered = [...values].sort((one, other) => one - other);
  return ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)] ?? NaN;
}

const middle = (values: readonly number[]): number => quantile(values, 0.5);

function spread(milliseconds: readonly number[]): string {
  const digits = middle(milliseconds) < 100 ? 1 : 0;
  const shown = [middle(milliseconds), quantile(milliseconds, 0.95), Math.max(...milliseconds)];
  const [p50, p95, max] = shown.map((value) => value.toFixed(digits));
  return `p50 ${p50 ?? ""} ms, p95 ${p95 ?? ""} ms, max ${max ?? ""} ms`;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const load = (): string => loadavg()[0]?.toFixed(1) ?? "?";
