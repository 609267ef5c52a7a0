import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";

/** The program that is tested. */
const PROGRAM =
  process.env["FLIGHT_MONITOR"] ?? fileURLToPath(new URL("../../target/debug/flight-monitor", import.meta.url));
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** For what should happen at once, on a machine that is busy. */
export const PATIENCE = 60_000;

export const ADMIN_TOKEN = "the-token-of-these-tests";

/** A browser without network but to this machine, drawing in software. */
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

/** The program as a process, in a folder of its own. */
export class Program {
  url = "";
  private log = "";
  private readonly folder = mkdtempSync(join(tmpdir(), "flight-monitor-web-"));
  private child: ChildProcess | undefined;

  constructor(
    private readonly arguments_: readonly string[],
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** A server with these flags; the embedded broker and database are its own. */
  static async serve(flags: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Program> {
    const port = await freePort();
    const program = new Program(["serve", ...flags], { HTTP_PORT: String(port), ADMIN_TOKEN, ...environment });
    program.url = `http://127.0.0.1:${port}/`;
    await program.start();
    return program;
  }

  /** A server that shows these rows of OpenSky's, as if they were new. */
  static showing(rows: readonly Row[], environment: Readonly<Record<string, string>> = {}): Promise<Program> {
    return Program.showingInTurn([rows], environment);
  }

  /** One that shows these, one after another at each poll, and then from the first on again. */
  static async showingInTurn(
    skies: readonly (readonly Row[])[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Program> {
    const folder = mkdtempSync(join(tmpdir(), "flight-monitor-rows-"));
    const files = skies.map((rows, index) => {
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
      // The last of it is enough to see why a test failed.
      this.log = (this.log + text).slice(-100_000);
    });
    if (this.url === "") return;
    const end = Date.now() + PATIENCE;
    for (;;) {
      try {
        if ((await fetch(new URL("/health/live", this.url))).ok) return;
      } catch {
        // It does not listen yet.
      }
      if (child.exitCode !== null || Date.now() > end) throw new Error(`the server did not start:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The end of one that ends by itself, having done what it was told. */
  async ended(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode !== 0) throw new Error(`it failed:\n${this.log}`);
  }

  /** SIGKILL, and its end. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** The same, and its folder is gone. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A row of OpenSky's, by its index in their documentation. */
export type Row = readonly (string | number | boolean | null)[];

/** A row of an aircraft in the air. */
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
  /** How much older the position is than the last message, seconds. */
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

/** A page of the browser, with everything that went wrong in it. */
export interface Visit {
  readonly page: Page;
  readonly complaints: string[];
}

/** Opens an address, in a context of its own. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A request that failed is what some tests are about.
    const text = message.text();
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(`console: ${text}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !/^(data|blob):/.test(request.url())) {
      complaints.push(`request elsewhere: ${request.url()}`);
    }
  });
  await page.goto(url);
  return { page, complaints };
}

/** What axe finds to complain of. */
export async function violations(page: Page): Promise<unknown> {
  // Evaluated by the browser itself, past the page's policy, as a person's extension would be.
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

/** The share of the map's pixels that are nearly of a colour. */
export async function shareOf(page: Page, colour: Colour, within = 12): Promise<number> {
  return (await pixelsOf(page, colour, within)).share;
}

type Colour = readonly [number, number, number];

/** The same, and how far to the right the last one of them is. */
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

/** Waits until the page says this of its picture. */
export async function waitHeadline(page: Page, headline: RegExp): Promise<void> {
  await expect.poll(() => page.locator(".status .headline").textContent(), { timeout: PATIENCE }).toMatch(headline);
}

/** Waits until so many aircraft are shown. */
export async function waitAircraft(page: Page, text: RegExp): Promise<void> {
  await expect
    .poll(() => page.locator('.fact[title^="Aircraft shown"]').textContent(), { timeout: PATIENCE })
    .toMatch(text);
}

/** Pauses a replay that is far from its end. One that had reached the present may be paused already. */
export async function pause(page: Page): Promise<void> {
  const toggle = page.getByRole("region", { name: "Replay" }).getByRole("button", { name: /^(Pause|Play)$/ });
  const pressed = async (): Promise<string | null> => {
    if ((await toggle.textContent()) === "Pause") await toggle.click();
    return toggle.textContent();
  };
  await expect.poll(pressed, { timeout: PATIENCE }).toBe("Play");
}
