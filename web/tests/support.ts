import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, vi } from "vitest";

/** The program under test. */
const PROGRAM =
  process.env["FLIGHT_MONITOR"] ?? fileURLToPath(new URL("../../target/debug/flight-monitor", import.meta.url));
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Limit for what should happen immediately, on a busy machine. Milliseconds. */
export const PATIENCE = 60_000;

export const ADMIN_TOKEN = "the-token-of-these-tests";

/** A browser that draws in software and uses no network but this machine. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    timeout: PATIENCE,
    args: [
      "--headless",
      "--no-sandbox",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A free port of this machine. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("no port"));
      });
    });
  });
}

/** The program as a process in its own folder. */
export class Program {
  url = "";
  private log = "";
  private readonly folder = mkdtempSync(join(tmpdir(), "flight-monitor-web-"));
  private child: ChildProcess | undefined;

  constructor(
    private readonly arguments_: readonly string[],
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** A server with these flags, and its own embedded broker and database. */
  static async serve(flags: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Program> {
    const port = await freePort();
    const program = new Program(["serve", ...flags], { HTTP_PORT: String(port), ADMIN_TOKEN, ...environment });
    program.url = `http://127.0.0.1:${port}/`;
    await program.start();
    return program;
  }

  /** A server that shows these rows of OpenSky as current. */
  static showing(rows: readonly Row[], environment: Readonly<Record<string, string>> = {}): Promise<Program> {
    return Program.showingInTurn([rows], environment);
  }

  /** A server that shows the next of these pictures at each poll, in a loop. */
  static async showingInTurn(
    pictures: readonly (readonly Row[])[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Program> {
    const folder = mkdtempSync(join(tmpdir(), "flight-monitor-rows-"));
    const files = pictures.map((rows, index) => {
      const file = join(folder, `states-${index}.json`);
      writeFileSync(file, JSON.stringify({ time: 1_700_000_000, states: rows }));
      return file;
    });
    return Program.serve(["--replay", ...files], { OPENSKY_POLL_INTERVAL: "2s", ...environment });
  }

  async start(): Promise<void> {
    const child = spawn(PROGRAM, this.arguments_, {
      cwd: this.folder,
      env: { RUST_BACKTRACE: "0", ...this.environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.child = child;
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      // The end of the log shows why a test failed.
      this.log = (this.log + text).slice(-100_000);
    });
    if (this.url === "") return;
    const end = Date.now() + PATIENCE;
    for (;;) {
      try {
        if ((await fetch(new URL("/health/live", this.url))).ok) return;
      } catch {
        // The server is not listening yet.
      }
      if (child.exitCode !== null || Date.now() > end) throw new Error(`the server did not start:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Waits for the end of a program that ends by itself. */
  async ended(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode !== 0) throw new Error(`the program failed:\n${this.log}`);
  }

  /** Kills the process and waits for its end. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** Kills the process and removes its folder. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A row of OpenSky, in the order of their documentation. */
export type Row = readonly (string | number | boolean | null)[];

/** A row of an airborne aircraft. */
export function row(known: {
  icao24: string;
  callsign?: string;
  country?: string;
  lat: number;
  lon: number;
  altitude?: number;
  speed?: number;
  squawk?: string;
  onGround?: boolean;
  category?: number;
  /** How much older the position is than the last contact, seconds. */
  positionAge?: number;
}): Row {
  const { altitude = 10_000, speed = 230 } = known;
  const time = 1_699_999_999;
  return [
    known.icao24,
    (known.callsign ?? "").padEnd(8),
    known.country ?? "Switzerland",
    time - (known.positionAge ?? 0),
    time,
    known.lon,
    known.lat,
    altitude,
    known.onGround ?? false,
    speed,
    90,
    0,
    null,
    altitude,
    known.squawk ?? "1000",
    false,
    0,
    known.category ?? 4,
  ];
}

/** The browser and the server that the tests of a file share. */
export interface Shared {
  readonly browser: Browser;
  readonly server: Program;
}

/** Starts a browser, and a server where one is given, before the tests of a file, and removes them afterwards. */
export function share(start?: () => Promise<Program>): Shared {
  let shared: { browser?: Browser; server?: Program } = {};
  beforeAll(async () => {
    const [browser, server] = await Promise.all([launch(), start?.()]);
    shared = { browser, ...(server !== undefined && { server }) };
  });
  afterAll(async () => {
    await Promise.all([shared.browser?.close(), shared.server?.remove()]);
  });
  const started = <Value>(value: Value | undefined): Value => {
    if (value === undefined) throw new Error("not started");
    return value;
  };
  return {
    get browser() {
      return started(shared.browser);
    },
    get server() {
      return started(shared.server);
    },
  };
}

/** Removes a server or another program at the end of a test. */
export async function forTest<Started extends Program>(starting: Promise<Started>): Promise<Started> {
  const program = await starting;
  onTestFinished(() => program.remove());
  return program;
}

/** Waits until a server has stored some rows. */
export async function waitStored({ url }: Program): Promise<void> {
  const isStored = async (): Promise<boolean> => {
    const rows = await (await fetch(`${url}api/v1/history`)).text();
    return rows.trim().split("\n").length > 5;
  };
  await vi.waitUntil(isStored, { timeout: PATIENCE, interval: 250 });
}

/** A page of the browser, with its errors and its requests to other hosts. */
export interface Visit {
  readonly page: Page;
  readonly complaints: string[];
}

/** Opens an address in a context of its own, until the end of the test. `prepare` runs before the page loads. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  prepare?: (page: Page) => Promise<unknown>,
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  onTestFinished(async () => {
    // Pending requests may fail when the page closes.
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  });
  page.setDefaultTimeout(PATIENCE);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // Some tests are about requests that fail.
    const text = message.text();
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(`console: ${text}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !/^(data|blob):/.test(request.url())) {
      complaints.push(`request to another host: ${request.url()}`);
    }
  });
  await prepare?.(page);
  await page.goto(url);
  return { page, complaints };
}

/** Signs in to the admin dashboard. */
export async function signIn(page: Page): Promise<void> {
  await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("All running").waitFor();
}

/** A field of the details. */
export function field(page: Page, name: string | RegExp): Locator {
  return page.locator(".fields > div", { hasText: name }).locator("dd");
}

/** A row of the list that contains a text. */
export function listRow(page: Page, text: string): Locator {
  return page.getByRole("grid").locator(".rows .row", { hasText: text });
}

/** Opens the list and selects an aircraft there. */
export async function selectInList(page: Page, callsign: string): Promise<void> {
  await page.getByRole("button", { name: "List" }).click();
  await listRow(page, callsign).click();
  await page.getByRole("heading", { name: callsign }).waitFor();
}

/** Opens a replay. */
export async function openReplay(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Replay" }).click();
  await waitHeadline(page, /^Replay$/);
}

/** Moves a replay to a moment in the past. */
export async function seekReplay(page: Page, secondsAgo: number): Promise<void> {
  await page.getByLabel("Replay time").evaluate((slider, ago) => {
    const input = slider as HTMLInputElement;
    input.value = String(Math.floor(Date.now() / 1000 - ago));
    input.dispatchEvent(new Event("change"));
  }, secondsAgo);
}

/** The violations that axe finds. */
export async function violations(page: Page): Promise<unknown> {
  // Runs outside the page's Content-Security-Policy, like a browser extension.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    type Axe = {
      run: (
        root: Document,
      ) => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
    };
    const { violations } = await (window as unknown as { axe: Axe }).axe.run(document);
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => ({ id, html, failureSummary })),
    );
  });
}

/** The share of the map's pixels with nearly this colour. */
export async function shareOf(page: Page, colour: Colour, within = 12): Promise<number> {
  return (await pixelsOf(page, colour, within)).share;
}

type Colour = readonly [number, number, number];

/** The same, and the x-coordinate of the rightmost one. */
export async function pixelsOf(
  page: Page,
  [red, green, blue]: Colour,
  within: number,
): Promise<{ share: number; right: number }> {
  const picture = (await page.locator("main > .map").screenshot()).toString("base64");
  return page.evaluate(
    async ({ picture, colour, within }) => {
      const image = new Image();
      image.src = `data:image/png;base64,${picture}`;
      await image.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.width, image.height];
      const context = canvas.getContext("2d");
      if (context === null) return { share: 0, right: 0 };
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let [count, right] = [0, 0];
      for (let i = 0; i < data.length; i += 4) {
        if (!colour.every((value, part) => Math.abs((data[i + part] ?? 0) - value) <= within)) continue;
        count += 1;
        right = Math.max(right, (i / 4) % canvas.width);
      }
      return { share: count / (data.length / 4), right };
    },
    { picture, colour: [red, green, blue], within },
  );
}

/** Waits for a headline of the status. */
export async function waitHeadline(page: Page, headline: RegExp): Promise<void> {
  await expect.poll(() => page.locator(".status .headline").textContent(), { timeout: PATIENCE }).toMatch(headline);
}

/** Waits for a number of shown aircraft. */
export async function waitAircraft(page: Page, text: RegExp): Promise<void> {
  await expect
    .poll(() => page.locator('.fact[title^="Aircraft shown"]').textContent(), { timeout: PATIENCE })
    .toMatch(text);
}

/** Pauses a replay that is far from its end. A replay that had reached the present may be paused already. */
export async function pause(page: Page): Promise<void> {
  const toggle = page.getByRole("region", { name: "Replay" }).getByRole("button", { name: /^(Pause|Play)$/ });
  const pressed = async (): Promise<string | null> => {
    if ((await toggle.textContent()) === "Pause") await toggle.click();
    return toggle.textContent();
  };
  await expect.poll(pressed, { timeout: PATIENCE }).toBe("Play");
}
