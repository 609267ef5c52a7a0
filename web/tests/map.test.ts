// Drawing over time, and hidden tabs.

import { expect, test } from "vitest";

import { altitudeColour, UNKNOWN } from "../src/model/colours.ts";
import {
  field,
  forTest,
  listRow,
  PATIENCE,
  pixelsOf,
  Program,
  row,
  selectInList,
  share,
  shareOf,
  violations,
  visit,
  waitAircraft,
  waitHeadline,
} from "./support.ts";

const shared = share();

test("the trail has the colours of its altitudes, and ends with the selection", async () => {
  const [low, high] = [3_000, 13_000];
  // Eastwards from place to place, then from the first one again.
  const pictures = [8, 8.6, 9.2].map((lon, step) => [
    row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon, altitude: step === 0 ? low : high }),
  ]);
  const server = await forTest(Program.showingInTurn(pictures));
  const { page } = await visit(shared.browser, `${server.url}#view=8/47/8.6`);
  await waitAircraft(page, /^1 aircraft$/);
  const shares = (): Promise<number[]> =>
    Promise.all([low, high].map((altitude) => shareOf(page, altitudeColour(altitude, false), 8)));
  // The symbol has one of the colours, the legend both.
  for (const share of await shares()) expect(share).toBeLessThan(0.0006);
  await selectInList(page, "SWR123");
  await page.getByRole("button", { name: "Close the list" }).click();
  // A line of four pixels' width, some hundred pixels long.
  for (const which of [0, 1]) {
    await expect.poll(async () => (await shares())[which], { timeout: PATIENCE }).toBeGreaterThan(0.0008);
  }
  await page.keyboard.press("Escape");
  await page.locator(".details").waitFor({ state: "hidden" });
  for (const which of [0, 1]) {
    await expect.poll(async () => (await shares())[which], { timeout: PATIENCE }).toBeLessThan(0.0006);
  }
});

test("positions are estimated between two reports only where the setting is on", async () => {
  const altitude = 13_000;
  const server = await forTest(
    Program.showing(
      [row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.5, altitude, speed: 250 })],
      // One report, and none after it for a while.
      { OPENSKY_POLL_INTERVAL: "10m" },
    ),
  );
  // 250 m/s are five pixels a second here.
  const { page } = await visit(shared.browser, `${server.url}#view=10/47/8.5`);
  await waitAircraft(page, /^1 aircraft$/);
  const colour = altitudeColour(altitude, false);
  const right = async (): Promise<number> => (await pixelsOf(page, colour, 24)).right;
  const middle = ((await page.locator("main > .map").boundingBox())?.width ?? 0) / 2;
  await expect.poll(right, { timeout: PATIENCE }).toBeGreaterThan(middle);
  const reported = await right();
  expect(reported).toBeLessThan(middle + 60);
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("checkbox", { name: "Estimate positions between updates" }).check();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  // The estimate is an outline ahead of the report; it moves for a minute at most.
  await expect.poll(right, { timeout: PATIENCE }).toBeGreaterThan(reported + 25);
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("checkbox", { name: "Estimate positions between updates" }).uncheck();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await expect.poll(right, { timeout: PATIENCE }).toBeLessThan(reported + 12);
});

test("the list is sorted on new data only, while its ages grow", async () => {
  const server = await forTest(
    Program.showing(
      Array.from({ length: 60 }, (_, i) =>
        row({ icao24: (0x400000 + i).toString(16), callsign: `TST${i}`, lat: 46 + (i % 8) * 0.2, lon: 8 + i * 0.01 }),
      ),
      { OPENSKY_POLL_INTERVAL: "10m" },
    ),
  );
  const { page } = await visit(shared.browser, `${server.url}#view=6/47/8.5`, {}, async (blank) => {
    await blank.addInitScript(() => {
      const counts = { sorts: 0, filters: 0 };
      (window as unknown as { counts: typeof counts }).counts = counts;
      const { sort, filter } = Array.prototype as {
        sort: (this: unknown[], ...rest: unknown[]) => unknown[];
        filter: (this: unknown[], ...rest: unknown[]) => unknown[];
      };
      Array.prototype.sort = function (this: unknown[], ...rest: unknown[]) {
        if (this.length === 60) counts.sorts += 1;
        return sort.apply(this, rest);
      } as typeof Array.prototype.sort;
      Array.prototype.filter = function (this: unknown[], ...rest: unknown[]) {
        if (this.length === 60) counts.filters += 1;
        return filter.apply(this, rest);
      } as typeof Array.prototype.filter;
    });
  });
  await waitAircraft(page, /^60 aircraft$/);
  await page.getByRole("button", { name: "List" }).click();
  const age = page.getByRole("grid").locator(".rows .row").first().locator("[role=gridcell]").last();
  /** Waits until the age has changed a few times. */
  const ticks = async (): Promise<void> => {
    for (let i = 0; i < 4; i += 1) {
      const before = await age.textContent();
      await expect.poll(() => age.textContent(), { timeout: PATIENCE }).not.toBe(before);
    }
  };
  const counts = (): Promise<unknown> => page.evaluate(() => (window as unknown as { counts: unknown }).counts);
  // Opening the panel sorts and filters, too.
  await ticks();
  const before = await counts();
  await ticks();
  expect(await counts()).toEqual(before);
});

test("nothing is repainted where no estimated position moves", async () => {
  const server = await forTest(
    Program.showing(
      [
        row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.5, positionAge: 90, speed: 250 }),
        row({ icao24: "3c6444", callsign: "DLH45K", lat: 47, lon: 8.6, onGround: true, speed: 0 }),
      ],
      { OPENSKY_POLL_INTERVAL: "10m" },
    ),
  );
  const { page } = await visit(shared.browser, `${server.url}#icao24=4b1814&view=9/47/8.5`, {}, async (blank) => {
    await blank.addInitScript(() => {
      localStorage.setItem("flight-monitor.settings", JSON.stringify({ smooth: true }));
      const paints = { count: 0 };
      (window as unknown as { paints: typeof paints }).paints = paints;
      const { drawArraysInstanced } = WebGL2RenderingContext.prototype as {
        drawArraysInstanced: (this: WebGL2RenderingContext, ...rest: [number, number, number, number]) => void;
      };
      WebGL2RenderingContext.prototype.drawArraysInstanced = function (...rest) {
        paints.count += 1;
        drawArraysInstanced.apply(this, rest);
      };
    });
  });
  await waitAircraft(page, /^2 aircraft$/);
  const paints = (): Promise<number> =>
    page.evaluate(() => (window as unknown as { paints: { count: number } }).paints.count);
  await expect.poll(paints, { timeout: PATIENCE }).toBeGreaterThan(0);
  const age = field(page, "Last contact");
  // Once the page has settled, its ages grow and nothing is painted.
  await expect
    .poll(
      async () => {
        const before = await paints();
        for (let i = 0; i < 3; i += 1) {
          const text = await age.textContent();
          await expect.poll(() => age.textContent(), { timeout: PATIENCE }).not.toBe(text);
        }
        return (await paints()) - before;
      },
      { timeout: PATIENCE },
    )
    .toBe(0);
});

test("an aircraft whose position is old is marked on the map, in the list and in the details", async () => {
  const server = await forTest(
    Program.showing([
      row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.3 }),
      row({ icao24: "3c6444", callsign: "DLH45K", country: "Germany", lat: 47, lon: 8.7, positionAge: 7_500 }),
    ]),
  );
  const { page } = await visit(shared.browser, `${server.url}#view=8/47/8.5`);
  await waitAircraft(page, /^2 aircraft$/);
  // Only the dashes around it have this colour here.
  await expect.poll(() => shareOf(page, UNKNOWN, 6), { timeout: PATIENCE }).toBeGreaterThan(0.00002);
  await page.getByText("Position over 2 min old").waitFor();
  await page.getByRole("button", { name: "List" }).click();
  const rows = page.getByRole("grid").locator(".rows .row");
  await expect.poll(() => rows.allTextContents(), { timeout: PATIENCE }).toHaveLength(2);
  expect(await listRow(page, "DLH45K").textContent()).toMatch(/Position 2 h \d+ min old/);
  expect(await listRow(page, "SWR123").textContent()).not.toContain("Position");
  await listRow(page, "DLH45K").click();
  await page.getByText(/^Last known position, 2 h \d+ min old$/).waitFor();
  expect(await violations(page)).toEqual([]);
});

test("aircraft are drawn again after a loss of the graphics context", async () => {
  const server = await forTest(Program.showing([row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.5 })]));
  const { page } = await visit(shared.browser, `${server.url}#view=8/47/8.5`);
  const symbols = (): Promise<number> => shareOf(page, altitudeColour(10_000, false));
  await expect.poll(symbols, { timeout: PATIENCE }).toBeGreaterThan(0.0002);
  const shown = await symbols();
  const context = await page.evaluateHandle(() =>
    document
      .querySelector<HTMLCanvasElement>("canvas.maplibregl-canvas")
      ?.getContext("webgl2")
      ?.getExtension("WEBGL_lose_context"),
  );
  await context.evaluate((extension) => {
    extension?.loseContext();
  });
  // The legend has the colour as well.
  await expect.poll(symbols, { timeout: PATIENCE }).toBeLessThan(shown * 0.8);
  await context.evaluate((extension) => {
    extension?.restoreContext();
  });
  await expect.poll(symbols, { timeout: PATIENCE }).toBeGreaterThan(shown * 0.9);
});

test("a hidden tab has no connection, and reconnects when it is shown", async () => {
  const server = await forTest(Program.showing([row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.5 })]));
  const { page } = await visit(shared.browser, server.url);
  await waitAircraft(page, /^1 aircraft$/);
  const clients = async (): Promise<string | undefined> => {
    const metrics = await (await fetch(new URL("/metrics", server.url))).text();
    return /^flight_monitor_sse_clients (\d+)$/m.exec(metrics)?.[1];
  };
  // A headless browser hides no tab, so that the event is simulated.
  const hide = (hidden: boolean): Promise<void> =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await expect.poll(clients, { timeout: PATIENCE }).toBe("1");
  await hide(true);
  await expect.poll(clients, { timeout: PATIENCE }).toBe("0");
  await hide(false);
  await expect.poll(clients, { timeout: PATIENCE }).toBe("1");
  await waitHeadline(page, /^Recorded traffic of 14 Nov 2023$/);
  await waitAircraft(page, /^1 aircraft$/);
});
