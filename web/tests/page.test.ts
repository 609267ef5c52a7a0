import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { altitudeColour, EMERGENCY } from "../src/model/colours.ts";
import {
  field,
  forTest,
  freePort,
  listRow,
  PATIENCE,
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

const AIRCRAFT = [
  row({ icao24: "4b1814", callsign: "SWR123", lat: 47.0, lon: 8.5 }),
  row({ icao24: "3c6444", callsign: "DLH45K", country: "Germany", lat: 50.0, lon: 9.5, altitude: 3_000, speed: 120 }),
  row({
    icao24: "400a1b",
    callsign: "BAW9",
    country: "United Kingdom",
    lat: 51.5,
    lon: -0.5,
    altitude: 0,
    speed: 5,
    onGround: true,
  }),
  row({
    icao24: "3d2b7c",
    callsign: "CHX1",
    country: "Germany",
    lat: 48.4,
    lon: 12.1,
    altitude: 600,
    speed: 60,
    category: 8,
  }),
];

const shared = share();

describe("with four aircraft", () => {
  let server: Program;
  beforeAll(async () => {
    server = await Program.showing(AIRCRAFT);
  });
  afterAll(async () => {
    await server.remove();
  });

  async function open(hash = "", options = {}): Promise<Page> {
    const { page, complaints } = await visit(shared.browser, server.url + hash, options);
    await waitAircraft(page, /^4 aircraft$/);
    expect(complaints).toEqual([]);
    return page;
  }

  test("the first aircraft are drawn, and no other host is contacted", async () => {
    const { page, complaints } = await visit(shared.browser, `${server.url}#view=7/47/8.5`);
    await waitAircraft(page, /aircraft$/);
    await waitHeadline(page, /^Recorded traffic of 14 Nov 2023$/);
    const colour = altitudeColour(10_000, false);
    await expect.poll(() => shareOf(page, colour), { timeout: PATIENCE }).toBeGreaterThan(0.0001);
    expect(complaints).toEqual([]);
  });

  test("search, selection, details and their link", async () => {
    const page = await open();
    await page.keyboard.press("/");
    await page.keyboard.type("swr1");
    await page.getByRole("option", { name: /SWR123/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "SWR123" }).waitFor();
    const altitude = field(page, /^Altitude/);
    expect(await altitude.textContent()).toBe("32,808 ft (FL328)");
    const airline = field(page, "Airline");
    await expect.poll(() => airline.textContent(), { timeout: PATIENCE }).toBe("Swiss International Air Lines");
    // No aircraft table is configured, and Swiss registrations do not follow from the address.
    expect(await field(page, "Operator").isVisible()).toBe(false);
    expect(await field(page, "Registration").isVisible()).toBe(false);
    await expect.poll(() => page.url(), { timeout: PATIENCE }).toMatch(/#icao24=4b1814&view=6\.00\/47\.00\d/);
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("combobox", { name: "Units", exact: true }).selectOption("metric");
    expect(await altitude.textContent()).toBe("10,000 m");
    await page.reload();
    await page.getByRole("heading", { name: "SWR123" }).waitFor();
    expect(await altitude.textContent()).toBe("10,000 m");
    await page.keyboard.press("Escape");
    await page.locator(".details").waitFor({ state: "hidden" });
    await expect.poll(() => page.url(), { timeout: PATIENCE }).not.toContain("icao24");
  });

  test("an aircraft selected before the map has loaded is shown once it has", async () => {
    const { page } = await visit(shared.browser, `${server.url}health/live`);
    let release = (): void => undefined;
    const allowed = new Promise<void>((resolve) => (release = resolve));
    await page.route(/\/assets\/aircraft-map-/, async (route) => {
      await allowed;
      await route.continue();
    });
    // The load event of the page waits for the map's script.
    await page.goto(server.url, { waitUntil: "commit" });
    await waitAircraft(page, /^4 aircraft$/);
    await page.keyboard.press("/");
    await page.keyboard.type("swr1");
    await page.getByRole("option", { name: /SWR123/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "SWR123" }).waitFor();
    expect(page.url()).not.toContain("icao24");
    release();
    await expect.poll(() => page.url(), { timeout: PATIENCE }).toMatch(/#icao24=4b1814&view=6\.00\/47\.00\d/);
  });

  test("a click on the map selects the aircraft there", async () => {
    const page = await open("#view=3.5/47/8.5");
    const map = page.locator("main > .map");
    const box = await map.boundingBox();
    const colour = altitudeColour(10_000, false);
    await expect.poll(() => shareOf(page, colour), { timeout: PATIENCE }).toBeGreaterThan(0.00001);
    await map.click({ position: { x: (box?.width ?? 0) / 2, y: (box?.height ?? 0) / 2 } });
    await page.getByRole("heading", { name: "SWR123" }).waitFor();
  });

  test("filters", async () => {
    const page = await open();
    await page.getByRole("button", { name: "Filters", exact: true }).click();
    await page.getByRole("combobox", { name: "Country", exact: true }).selectOption("Germany");
    await waitAircraft(page, /^2 of 4 aircraft$/);
    await page.getByLabel("Minimum altitude").fill("5000");
    await waitAircraft(page, /^1 of 4 aircraft$/);
    await page.getByLabel("Minimum altitude").fill("50000");
    await page.getByText("No aircraft match the filters (4 hidden).").waitFor();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await waitAircraft(page, /^4 aircraft$/);
  });

  test("the keyboard moves through the list, and its headings sort it", async () => {
    const page = await open();
    await page.getByRole("button", { name: "List" }).click();
    const rows = page.getByRole("grid").locator(".rows .row");
    await expect.poll(() => rows.count(), { timeout: PATIENCE }).toBe(4);
    await page.getByRole("columnheader", { name: /Alt/ }).getByRole("button").click();
    await expect
      .poll(() => page.locator('.rows .row[aria-rowindex="2"]').textContent(), { timeout: PATIENCE })
      .toMatch(/^SWR123/);
    await page.getByRole("grid").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "DLH45K" }).waitFor();
  });

  test("times name their zone, and flight levels begin at the transition altitude", async () => {
    const page = await open("#icao24=4b1814&view=4/47/8.5", { timezoneId: "Asia/Tokyo" });
    const contact = field(page, "Last contact");
    await expect.poll(() => contact.textContent(), { timeout: PATIENCE }).toMatch(/ \d\d:\d\d:\d\d UTC$/);
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    await page.getByRole("combobox", { name: "Times" }).selectOption("Local time");
    await expect.poll(() => contact.textContent(), { timeout: PATIENCE }).toMatch(/ \d\d:\d\d:\d\d GMT\+9$/);
    await page.getByRole("button", { name: "Close the settings" }).click();
    await page.getByRole("button", { name: "List" }).click();
    expect(await listRow(page, "SWR123").textContent()).toContain("FL328");
    expect(await listRow(page, "DLH45K").textContent()).toContain("9,843");
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    await page.getByLabel("Transition altitude (ft)").fill("5000");
    await page.getByLabel("Transition altitude (ft)").press("Enter");
    await page.getByRole("button", { name: "List" }).click();
    await expect.poll(() => listRow(page, "DLH45K").textContent(), { timeout: PATIENCE }).toContain("FL098");
  });

  test("both themes", async () => {
    const sea = { light: [0xcf, 0xdd, 0xe8], dark: [0x0d, 0x15, 0x1d] } as const;
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await open("", { colorScheme });
      await expect.poll(() => shareOf(page, sea[colorScheme], 4), { timeout: PATIENCE }).toBeGreaterThan(0.1);
      await page.getByRole("button", { name: "Settings" }).click();
      const other = colorScheme === "light" ? "dark" : "light";
      await page.getByRole("combobox", { name: "Theme", exact: true }).selectOption(other);
      await expect.poll(() => shareOf(page, sea[other], 4), { timeout: PATIENCE }).toBeGreaterThan(0.05);
    }
  });

  test("on a phone nothing overflows, and details open from below", async () => {
    const page = await open("", { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBe(0);
    await page.getByRole("combobox").fill("SWR");
    await page.getByRole("option", { name: /SWR123/ }).tap();
    await page.getByRole("heading", { name: "SWR123" }).waitFor();
    const details = await page.locator(".details").boundingBox();
    expect(details).toMatchObject({ x: 0, width: 390 });
    expect((details?.y ?? 0) + (details?.height ?? 0)).toBe(780);
  });

  test.each([320, 360, 390, 768])(
    "at a width of %i pixels the bar keeps its lines, and the search hint is not cut off",
    async (width) => {
      const page = await open("", { viewport: { width, height: 700 }, hasTouch: true, isMobile: true });
      const outside = await page.evaluate(() => {
        const headline = document.querySelector(".headline");
        if (headline !== null) headline.textContent = "Source unreachable since 14:05:09";
        const bar = document.querySelector(".bar")?.getBoundingClientRect() ?? new DOMRect();
        return [...document.querySelectorAll(".bar :is(h1, input, button)")]
          .filter((part) => {
            const { top, bottom, right } = part.getBoundingClientRect();
            return top < bar.top || bottom > bar.bottom || right > bar.right;
          })
          .map((part) => part.textContent);
      });
      expect(outside).toEqual([]);
      const search = page.getByRole("combobox", { name: /^Search aircraft by callsign/ });
      const spare = await search.evaluate((field) => {
        const { font, paddingLeft, paddingRight } = getComputedStyle(field);
        const context = document.createElement("canvas").getContext("2d");
        if (context === null) return -Infinity;
        context.font = font;
        const { width } = context.measureText((field as HTMLInputElement).placeholder);
        return field.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - width;
      });
      expect(spare).toBeGreaterThanOrEqual(0);
    },
  );

  test("on a phone the sheet that was opened last lies above the other", async () => {
    const page = await open("", { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true });
    await page.getByRole("button", { name: "List" }).tap();
    await listRow(page, "SWR123").tap();
    await page.getByRole("button", { name: "Follow" }).tap();
    await page.getByRole("button", { name: "Settings" }).tap();
    // A covered button cannot be tapped.
    await page.getByRole("button", { name: "Close the settings" }).tap();
    await page.getByRole("button", { name: "Close the details" }).tap();
  });

  test.each(["light", "dark"] as const)("axe finds no violations, %s", async (colorScheme) => {
    const page = await open("", { colorScheme });
    await selectInList(page, "SWR123");
    expect(await violations(page)).toEqual([]);
    for (const name of ["Filters", "Settings"]) {
      await page.getByRole("button", { name, exact: true }).click();
      expect(await violations(page)).toEqual([]);
    }
  });

  test("the page reconnects to a restarted server", async () => {
    const page = await open();
    await server.kill();
    await waitHeadline(page, /^Connection lost$/);
    // The last picture stays, with its age.
    await waitAircraft(page, /^4 aircraft$/);
    await page.getByRole("button", { name: /Connection lost/ }).click();
    await page
      .getByText(/Trying again in/)
      .first()
      .waitFor();
    await server.start();
    await waitHeadline(page, /^Recorded traffic of 14 Nov 2023$/);
  });
});

test("an emergency is marked on the map and first in the list", async () => {
  const server = await forTest(
    Program.showing([...AIRCRAFT, row({ icao24: "aaaaaa", callsign: "ZZZ1", lat: 40, lon: -3, squawk: "7700" })]),
  );
  // An emergency outside the view is listed, with a way to it.
  const near = (await visit(shared.browser, `${server.url}#view=7/47/8.5`)).page;
  const far = near.locator(".alert-notices").getByRole("button");
  await far.filter({ hasText: /^ZZZ1 7700 emergency since/ }).click();
  await near.getByRole("heading", { name: "ZZZ1" }).waitFor();
  await expect.poll(() => near.url(), { timeout: PATIENCE }).toMatch(/#icao24=aaaaaa&view=7\.00\/40\.0/);
  const { page } = await visit(shared.browser, server.url);
  await waitAircraft(page, /^5 aircraft$/);
  const emergency = page.locator(".alert-notices").getByRole("button");
  expect(await emergency.textContent()).toMatch(/^ZZZ1 7700 emergency since \d\d:\d\d:\d\d UTC$/);
  await expect.poll(() => shareOf(page, EMERGENCY, 6), { timeout: PATIENCE }).toBeGreaterThan(0.00005);
  await page.getByRole("button", { name: "List" }).click();
  await expect
    .poll(() => page.locator('.rows .row[aria-rowindex="2"]').textContent(), { timeout: PATIENCE })
    .toMatch(/^ZZZ1.*7700 emergencyaaaaaa/);
  await emergency.click();
  await page.getByRole("heading", { name: "ZZZ1" }).waitFor();
});

test("a failing source is named until it recovers", async () => {
  const port = await freePort();
  const source = new Program(["simulate", "--address", `127.0.0.1:${port}`, "--aircraft", "50"], {});
  onTestFinished(() => source.remove());
  await source.start();
  const server = await forTest(
    Program.serve([], {
      OPENSKY_BASE_URL: `http://127.0.0.1:${port}/api`,
      OPENSKY_AUTH_URL: `http://127.0.0.1:${port}/auth/realms/opensky-network/protocol/openid-connect/token`,
      OPENSKY_CLIENT_ID: "tests",
      OPENSKY_CLIENT_SECRET: "tests-secret",
      OPENSKY_POLL_INTERVAL: "2s",
    }),
  );
  const { page } = await visit(shared.browser, server.url);
  await waitHeadline(page, /^Live$/);
  await source.kill();
  await waitHeadline(page, /^Source unreachable since \d\d:\d\d:\d\d UTC$/);
  await page.getByRole("button", { name: /Source unreachable/ }).click();
  await page
    .getByText(/Next attempt at/)
    .first()
    .waitFor();
  await source.start();
  await waitHeadline(page, /^Live$/);
});
