// The pictures in `docs/images/`: `make screenshots`. Look at each before committing it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, test, vi } from "vitest";

import type { StateVector } from "../src/stream/state.ts";
import { launch, openReplay, PATIENCE, Program, seekReplay, signIn, visit, waitHeadline } from "./support.ts";

const AIRCRAFT = 6_000;
const DESKTOP = { width: 1200, height: 720 };
const EUROPE = "#view=4.3/48/9";
/** How long a trail grows before it is shown, in milliseconds. */
const TRAIL = 240_000;
/** How long drawing in software takes, in milliseconds. */
const SETTLING = 8_000;

let browser: Browser;
let server: Program;
const folder = mkdtempSync(join(tmpdir(), "flight-monitor-pictures-"));
const database = { DATABASE_URL: `sqlite://${join(folder, "flights.db")}` };
let begin = 0;
/** An aircraft that has just begun to climb: its trail will have many colours. */
let climber: StateVector | undefined;

beforeAll(async () => {
  browser = await launch();
  server = await Program.serve(["--demo", "--demo-aircraft", String(AIRCRAFT)], database);
  const states = await vi.waitUntil(
    async () => {
      const states = await flights();
      return states.length > AIRCRAFT / 2 && states;
    },
    { timeout: PATIENCE, interval: 500 },
  );
  begin = Date.now();
  climber = states
    .filter(({ lat, lon }) => (lat ?? 0) > 44 && (lat ?? 0) < 54 && (lon ?? 0) > -2 && (lon ?? 0) < 16)
    .filter(({ vertical_rate, callsign }) => (vertical_rate ?? 0) > 5 && callsign !== null)
    .sort((one, other) => (one.baro_altitude ?? Infinity) - (other.baro_altitude ?? Infinity))[0];
  await importDay(states);
});
afterAll(async () => {
  await browser.close();
  await server.remove();
  rmSync(folder, { recursive: true, force: true });
});

test("map-light", async () => {
  await take("map-light", EUROPE, { colorScheme: "light" });
});

test("map-dark", async () => {
  await take("map-dark", "#view=3.5/38/-92", { colorScheme: "dark" });
});

test("list", async () => {
  await take("list", EUROPE, { colorScheme: "dark" }, async (page) => {
    await page.getByRole("button", { name: "List" }).click();
    await page.getByRole("columnheader", { name: /Alt/ }).getByRole("button").click();
  });
});

test("admin", async () => {
  // A visitor of the map, so that there is a client.
  await visit(browser, server.url + EUROPE);
  const viewport = { width: 1200, height: 1120 };
  const { page } = await visit(browser, `${server.url}admin`, { colorScheme: "light", viewport });
  await signIn(page);
  // The charts show the last minutes.
  await page.waitForTimeout(60_000);
  await keep(page, "admin-dashboard");
});

test("details", async () => {
  await trailHasGrown();
  const viewport = { width: 1200, height: 860 };
  await take("details", linkTo(climber), { colorScheme: "light", viewport }, selected);
});

test("phone", async () => {
  const phone = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
  await take("phone", "#view=4/47/7", { colorScheme: "dark", ...phone });
});

test("replay", async () => {
  await trailHasGrown();
  await take("replay", EUROPE, { colorScheme: "dark" }, async (page) => {
    await openReplay(page);
    await seekReplay(page, TRAIL / 1000);
    await page.waitForTimeout(SETTLING);
  });
});

test("statistics", async () => {
  // Hourly counts lag by a few minutes.
  await vi.waitUntil(
    async () => {
      const { rows } = (await (await fetch(new URL("/api/v1/stats?by=hour", server.url))).json()) as {
        rows: readonly unknown[];
      };
      return rows.length >= 22;
    },
    { timeout: 8 * PATIENCE, interval: 5_000 },
  );
  const viewport = { width: 1200, height: 1080 };
  await take("statistics", EUROPE, { colorScheme: "light", viewport }, async (page) => {
    await page.getByRole("button", { name: "Statistics" }).click();
    await page.getByText(/tracked worldwide/).waitFor();
  });
});

/** Opens an address, prepares the page and takes a picture. */
async function take(
  name: string,
  hash: string,
  options: BrowserContextOptions,
  prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { page } = await visit(browser, server.url + hash, { viewport: DESKTOP, ...options });
  await waitHeadline(page, /^Demo$/);
  await prepare(page);
  await page.waitForTimeout(SETTLING);
  await keep(page, name);
}

/** Saves a picture as WebP, a third as large as PNG, which Playwright itself does not support. */
async function keep(page: Page, name: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 85 });
  const path = fileURLToPath(new URL(`../../docs/images/${name}.webp`, import.meta.url));
  writeFileSync(path, Buffer.from(data, "base64"));
}

async function trailHasGrown(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, begin + TRAIL - Date.now()));
}

async function selected(page: Page): Promise<void> {
  await page.getByRole("heading", { name: climber?.callsign ?? "no aircraft" }).waitFor();
  await page.locator(".chart canvas").waitFor();
}

/** A link that shows an aircraft next to its details. */
function linkTo(state: StateVector | undefined): string {
  return `#icao24=${state?.icao24 ?? ""}&view=8.4/${state?.lat ?? 0}/${(state?.lon ?? 0) - 0.3}`;
}

async function flights(): Promise<readonly StateVector[]> {
  const answer = await fetch(new URL("/api/v1/flights", server.url));
  return ((await answer.json()) as { states: readonly StateVector[] }).states;
}

/** Imports a day of traffic for the statistics: in each past hour some of these aircraft, with other addresses. */
async function importDay(states: readonly StateVector[]): Promise<void> {
  const rows = [
    "icao24,callsign,origin_country,lat,lon,baro_altitude,on_ground,time_position,last_contact,observed_at",
  ];
  for (let ago = 1; ago < 24; ago += 1) {
    const hour = new Date(begin - ago * 3_600_000).getUTCHours();
    // Few at night, most in the afternoon.
    const share = 0.62 - 0.34 * Math.cos(((hour - 3) / 24) * 2 * Math.PI);
    for (const state of states.slice(0, Math.round(states.length * share))) {
      const then = state.last_contact - ago * 3_600;
      const { callsign, origin_country, lat, lon, baro_altitude, on_ground } = state;
      const known = [callsign, origin_country, lat, lon, baro_altitude, on_ground].map((value) => value ?? "");
      rows.push([`f${state.icao24.slice(1)}`, ...known, lat === null ? "" : then, then, then].join(","));
    }
  }
  const file = join(folder, "day.csv");
  writeFileSync(file, `${rows.join("\n")}\n`);
  const importing = new Program(["import", file], database);
  await importing.start();
  await importing.ended();
  await importing.remove();
}
