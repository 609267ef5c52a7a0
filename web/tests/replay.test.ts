import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { launch, PATIENCE, pause, Program, row, violations, visit, waitAircraft, waitHeadline } from "./support.ts";

let browser: Browser;
let server: Program;
beforeAll(async () => {
  browser = await launch();
  server = await Program.showing([
    row({ icao24: "4b1814", callsign: "SWR123", lat: 47.0, lon: 8.5 }),
    row({ icao24: "3c6444", callsign: "DLH45K", country: "Germany", lat: 50.0, lon: 9.5, altitude: 3_000 }),
  ]);
  // A history to look at: until the first rows are stored.
  await vi.waitUntil(
    async () => {
      const rows = await (await fetch(`${server.url}api/v1/history`)).text();
      return rows.trim().split("\n").length > 5;
    },
    { timeout: PATIENCE, interval: 250 },
  );
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

async function seek(page: Page, secondsAgo: number): Promise<void> {
  await page.getByLabel("Replay time").evaluate((slider, ago) => {
    const input = slider as HTMLInputElement;
    input.value = String(Math.floor(Date.now() / 1000 - ago));
    input.dispatchEvent(new Event("change"));
  }, secondsAgo);
}

test("the past is replayed on the same map, and the present comes back", async () => {
  const { page, complaints } = await visit(browser, server.url);
  await waitAircraft(page, /^2 aircraft$/);
  await page.getByRole("button", { name: "Replay" }).click();
  await waitHeadline(page, /^Replay$/);
  // A quarter of an hour ago nothing was stored: it opens where something is.
  const agoOf = (moment: string): number => Date.now() / 1000 - Number(moment);
  await expect
    .poll(async () => agoOf(await page.getByLabel("Replay time").inputValue()), { timeout: PATIENCE })
    .toBeLessThan(800);
  await waitAircraft(page, /^2 aircraft$/);
  // Before the server was started nothing was stored, which is said.
  await seek(page, 3000);
  await page.getByText("No recorded traffic here at this time.").waitFor();
  await pause(page);
  await seek(page, 0);
  await waitAircraft(page, /^2 aircraft$/);
  await page.getByRole("button", { name: "List" }).click();
  await page.getByRole("grid").locator(".row", { hasText: "SWR123" }).click();
  await page.getByRole("heading", { name: "SWR123" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("region", { name: "Replay" }).getByRole("button", { name: "Live" }).click();
  await waitHeadline(page, /^Recorded traffic of 14 Nov 2023$/);
  await waitAircraft(page, /^2 aircraft$/);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test("statistics of now and of the day", async () => {
  const { page } = await visit(browser, server.url);
  await waitAircraft(page, /^2 aircraft$/);
  await page.getByRole("button", { name: "Statistics" }).click();
  await page.getByText("2 aircraft tracked worldwide, 2 airborne").waitFor();
  const countries = page.locator(".statistics .bars").first();
  expect(await countries.locator("dt").allTextContents()).toEqual(["Germany", "Switzerland"]);
  await expect.poll(() => page.locator(".hours li").count(), { timeout: PATIENCE }).toBe(24);
  expect(await violations(page)).toEqual([]);
  await page.context().close();
});
