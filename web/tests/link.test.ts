// The link in the address: view, selection, panel, filter, replay.

import { expect, test } from "vitest";

import {
  openReplay,
  PATIENCE,
  pause,
  Program,
  row,
  seekReplay,
  share,
  violations,
  visit,
  waitAircraft,
  waitHeadline,
  waitStored,
} from "./support.ts";

const shared = share(async () => {
  const server = await Program.showing([
    row({ icao24: "4b1814", callsign: "SWR123", lat: 47.0, lon: 8.5 }),
    row({ icao24: "3c6444", callsign: "DLH45K", country: "Germany", lat: -33.0, lon: 151, altitude: 3_000 }),
  ]);
  await waitStored(server);
  return server;
});

test("a link to an aircraft alone moves the map to it", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#icao24=3c6444`);
  await page.getByRole("heading", { name: "DLH45K" }).waitFor();
  await expect
    .poll(() => page.url(), { timeout: PATIENCE })
    .toMatch(/icao24=3c6444&view=6\.00\/-3[23]\.\d+\/1(4[89]|5[01])\./);
});

test.each([1280, 390])("the link keeps filters, which are shown as chips, %i pixels wide", async (width) => {
  const { page } = await visit(shared.browser, `${shared.server.url}#view=1.5/0/60`, {
    viewport: { width, height: 780 },
  });
  await waitAircraft(page, /^2 aircraft$/);
  await page.getByRole("button", { name: "Filters", exact: true }).click();
  await page.getByRole("combobox", { name: "Country", exact: true }).selectOption("Germany");
  await page.getByLabel("Minimum altitude").fill("5000");
  await waitAircraft(page, /^1 of 2 aircraft$/);
  await expect.poll(() => page.url(), { timeout: PATIENCE }).toContain("panel=filters&minalt=1524&country=Germany");
  await page.reload();
  await waitAircraft(page, /^1 of 2 aircraft$/);
  await page.getByRole("button", { name: "Close filters" }).click();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Remove filter: Altitude from 5,000 ft" }).click();
  await page.getByRole("button", { name: "Remove filter: Germany" }).click();
  await waitAircraft(page, /^2 aircraft$/);
  await expect.poll(() => page.url(), { timeout: PATIENCE }).not.toContain("country");
});

test("an inverted range and an invalid squawk are reported at their fields", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#view=1.5/0/60&panel=filters`);
  await waitAircraft(page, /^2 aircraft$/);
  await page.getByLabel("Minimum altitude").fill("9000");
  await page.getByLabel("Maximum altitude").fill("1000");
  await page.getByText("The minimum is above the maximum.").waitFor();
  await waitAircraft(page, /^2 aircraft$/);
  await page.getByLabel("Squawk").fill("7798");
  await page.getByText("A squawk code has four digits from 0 to 7.").waitFor();
  expect(await page.getByLabel("Squawk").getAttribute("aria-invalid")).toBe("true");
  expect(await violations(page)).toEqual([]);
});

test("a reload keeps the replay, its moment and its speed", async () => {
  const { page } = await visit(shared.browser, shared.server.url);
  await waitAircraft(page, /aircraft$/);
  await openReplay(page);
  await seekReplay(page, 3000);
  await pause(page);
  await page.getByLabel("Speed", { exact: true }).selectOption("30×");
  const moment = await page.getByLabel("Replay time").inputValue();
  await expect.poll(() => page.url(), { timeout: PATIENCE }).toContain(`at=${moment}&speed=30`);
  await page.reload();
  await waitHeadline(page, /^Replay$/);
  expect(await page.getByLabel("Speed", { exact: true }).inputValue()).toBe("30");
  const after = Number(await page.getByLabel("Replay time").inputValue());
  expect(after - Number(moment)).toBeGreaterThanOrEqual(0);
  expect(after - Number(moment)).toBeLessThan(2900);
});
