// The page where something is missing: out of view, too old, not loaded, not reachable.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { field, PATIENCE, Program, row, share, visit, waitAircraft, waitHeadline } from "./support.ts";

const shared = share(() =>
  Program.showing([
    row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.5 }),
    ...["aaaaa1", "aaaaa2", "aaaaa3", "aaaaa4", "aaaaa5"].map((icao24, number) =>
      row({ icao24, callsign: `ZZZ${number + 1}`, lat: -30, lon: 130 + number, squawk: "7700" }),
    ),
  ]),
);

/** Replaces parts of the only source's status in the answers of the server. */
async function withStatus(page: Page, source: object): Promise<void> {
  await page.route(/\/api\/v1\/status$/, async (route) => {
    const response = await route.fetch();
    const status = (await response.json()) as { sources: object[] };
    const sources = status.sources.map((actual) => ({ ...actual, ...source }));
    const changed = { ...status, demonstration: false, traffic: "live", source: sources[0], sources };
    await route.fulfill({ response, json: changed });
  });
}

test("a selected aircraft keeps its fields when the map moves away, and Centre on map goes back to it", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#icao24=4b1814&view=7/47/8.5`);
  const contact = field(page, "Last contact");
  await contact.getByText(/ago/).waitFor();
  await page.evaluate(() => (location.hash = "#icao24=4b1814&view=7/-30/132"));
  await waitAircraft(page, /^5 aircraft$/);
  await contact.getByText(/ago/).waitFor();
  await page.getByRole("button", { name: "Centre on map" }).click();
  await expect.poll(() => page.url(), { timeout: PATIENCE }).toMatch(/view=7\.00\/47\.0/);
});

test("statistics and search report an unreachable server", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#view=7/47/8.5`);
  await waitAircraft(page, /^1 aircraft$/);
  await page.route(/\/api\/v1\/(flights|stats)/, (route) => route.abort());
  await page.getByRole("button", { name: "Statistics" }).click();
  await page.getByText("Current figures are temporarily unavailable.").waitFor();
  await page.getByText("Statistics are temporarily unavailable.").waitFor();
  expect(await page.locator(".statistics").textContent()).not.toMatch(/\b0 aircraft/);
  await page.getByRole("combobox", { name: /^Search/ }).fill("nobody");
  await page.getByRole("option", { name: "Search outside the loaded area is unavailable" }).waitFor();
  expect(await page.getByText("No matches").count()).toBe(0);
});

test.each([320, 390, 768, 1280, 1600])(
  "a snapshot shows its age and the next update at a width of %i",
  async (width) => {
    const { page } = await visit(
      shared.browser,
      shared.server.url,
      { viewport: { width, height: 800 } },
      async (blank) => {
        await withStatus(blank, { next_poll_at: Math.floor(Date.now() / 1000) + 3600, credits_left: 3120 });
        await blank.addInitScript(() => {
          // The page's clock is twelve minutes ahead of the source's.
          const now = Date.now;
          Date.now = () => now() + 720_000;
        });
      },
    );
    await waitHeadline(page, /^Snapshot, 12 min old, next at \d\d:\d\d UTC$/);
    const cut = await page
      .locator(".headline")
      .evaluate(
        (headline) => headline.scrollWidth - headline.clientWidth + headline.scrollHeight - headline.clientHeight,
      );
    expect(cut).toBeLessThanOrEqual(1);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0);
    await page.locator(".status").click();
    await page.getByText(/^Next update due at \d\d:\d\d:\d\d UTC\.$/).waitFor();
    await page.getByText("OpenSky credits left today: 3,120.").waitFor();
  },
);

test("an empty answer is not shown as a frozen source", async () => {
  const now = Math.floor(Date.now() / 1000);
  const { page } = await visit(shared.browser, shared.server.url, {}, (blank) =>
    withStatus(blank, { state: "quiet", last_answer: { at: now, states: 0 }, last_states_at: now - 720 }),
  );
  await waitHeadline(page, /^No aircraft reported for 1\d min$/);
  await page.locator(".status").click();
  await page.getByText(/^OpenSky last answered .* ago, with no aircraft\.$/).waitFor();
  await page.getByText(/^It last reported aircraft at .* ago\.$/).waitFor();
});

test("a followed aircraft stays clear of panels and of the replay bar", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#icao24=4b1814&view=7/47/8.5`);
  await page.getByRole("button", { name: "Follow" }).click();
  const longitude = (): number => Number(/view=[^/]*\/[^/]*\/([-\d.]+)/.exec(page.url())?.[1]);
  await expect.poll(longitude, { timeout: PATIENCE }).toBeLessThan(8.4);
  const before = longitude();
  // The list narrows the free part from the right: the aircraft moves left, the centre of the map right.
  await page.getByRole("button", { name: "List" }).click();
  await expect.poll(longitude, { timeout: PATIENCE }).toBeGreaterThan(before + 0.5);
});

test("the list's headings are not cut off in any unit", async () => {
  const { page } = await visit(shared.browser, shared.server.url);
  await waitAircraft(page, /aircraft$/);
  for (const units of ["metric", "imperial", "aeronautical"]) {
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    await page.getByRole("combobox", { name: "Units", exact: true }).selectOption(units);
    await page.getByRole("button", { name: "List" }).click();
    for (const heading of await page.locator(".head [role=columnheader]:visible").all()) {
      await heading.getByRole("button").click();
      const cut = await heading.evaluate((cell) => {
        const button = cell.firstElementChild ?? cell;
        return Math.max(cell.scrollWidth - cell.clientWidth, button.scrollWidth - button.clientWidth);
      });
      expect(cut).toBeLessThanOrEqual(0);
    }
  }
});

test("the message of an empty map is not behind a panel", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#view=7/60/-150`);
  await waitAircraft(page, /^0 aircraft$/);
  await page.getByRole("button", { name: "List" }).click();
  const overlap = (): Promise<number> =>
    page.evaluate(() => {
      const message = document.querySelector(".empty")?.getBoundingClientRect() ?? new DOMRect();
      const panel = document.querySelector(".panel.list")?.getBoundingClientRect() ?? new DOMRect();
      return message.width === 0 || panel.width === 0 ? Infinity : message.right - panel.left;
    });
  await expect.poll(overlap, { timeout: PATIENCE }).toBeLessThanOrEqual(0);
});

test("a chart without counts says so", async () => {
  const { page } = await visit(shared.browser, shared.server.url, {}, (blank) =>
    blank.route(/\/api\/v1\/stats/, (route) => route.fulfill({ json: { rows: [] } })),
  );
  await page.getByRole("button", { name: "Statistics" }).click();
  await page.getByText("No hourly counts yet.").waitFor();
  expect(await page.locator(".statistics").textContent()).not.toMatch(/peak|up to/);
});

test("statistics in a replay are of its moment", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#view=7/47/8.5`);
  await waitAircraft(page, /^1 aircraft$/);
  await page.getByRole("button", { name: "Statistics" }).click();
  await page.getByRole("heading", { name: "Current traffic by country" }).waitFor();
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByRole("heading", { name: /^Traffic at .* UTC by country$/ }).waitFor();
  await page.getByText(/aircraft in the loaded area/).waitFor();
  // The hours arrive in a response of their own.
  const now = page.locator(".statistics .marks").getByText("now", { exact: true });
  await expect.poll(() => now.count(), { timeout: PATIENCE }).toBe(0);
});

test("the aircraft of every alert can be opened", async () => {
  const { page } = await visit(shared.browser, shared.server.url);
  const alerts = page.getByRole("list", { name: "Active alerts" });
  await alerts.getByRole("button", { name: "and 2 more" }).click();
  for (const number of [1, 2, 3, 4, 5]) {
    await alerts.getByRole("button", { name: new RegExp(`^ZZZ${number} 7700`) }).waitFor();
  }
  await alerts.getByRole("button", { name: /^ZZZ1 7700/ }).click();
  await page.getByRole("heading", { name: "ZZZ1" }).waitFor();
  await alerts.getByRole("button", { name: "Show fewer" }).waitFor();
});

test("nothing is counted before the first picture has arrived", async () => {
  const { page } = await visit(shared.browser, shared.server.url, {}, (blank) =>
    blank.route(/\/api\/v1\/stream/, () => undefined),
  );
  await waitHeadline(page, /^Connecting$/);
  await page.getByRole("button", { name: "List" }).click();
  await page.getByRole("heading", { name: "No data yet" }).waitFor();
  expect(await page.getByText(/\b0 aircraft/).count()).toBe(0);
});
