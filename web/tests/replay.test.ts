import { expect, test } from "vitest";

import {
  openReplay,
  PATIENCE,
  pause,
  Program,
  row,
  seekReplay,
  selectInList,
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
    row({
      icao24: "3c6444",
      callsign: "DLH45K",
      country: "Germany",
      lat: 50.0,
      lon: 9.5,
      altitude: 3_000,
      squawk: "7600",
    }),
  ]);
  await waitStored(server);
  return server;
});

test("past traffic is replayed on the same map until Live is chosen", async () => {
  const { page, complaints } = await visit(shared.browser, shared.server.url);
  await waitAircraft(page, /^2 aircraft$/);
  await openReplay(page);
  // Nothing is recorded of a quarter of an hour ago: it opens where a recording begins.
  const agoOf = (moment: string): number => Date.now() / 1000 - Number(moment);
  await expect
    .poll(async () => agoOf(await page.getByLabel("Replay time").inputValue()), { timeout: PATIENCE })
    .toBeLessThan(800);
  await waitAircraft(page, /^2 aircraft$/);
  // The server judges the recorded states, too.
  const emergency = page.getByRole("list", { name: "Active alerts" }).getByText("DLH45K 7600 radio failure");
  await emergency.waitFor();
  // Nothing is recorded of the time before the server started.
  await seekReplay(page, 3000);
  await page.getByText("No recorded traffic here at this time.").waitFor();
  await emergency.waitFor({ state: "hidden" });
  await pause(page);
  await seekReplay(page, 0);
  await waitAircraft(page, /^2 aircraft$/);
  await selectInList(page, "SWR123");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("region", { name: "Replay" }).getByRole("button", { name: "Live" }).click();
  await waitHeadline(page, /^Recorded traffic of 14 Nov 2023$/);
  await waitAircraft(page, /^2 aircraft$/);
  expect(complaints).toEqual([]);
});

test("statistics of current traffic and of the day", async () => {
  const { page } = await visit(shared.browser, shared.server.url);
  await waitAircraft(page, /^2 aircraft$/);
  await page.getByRole("button", { name: "Statistics" }).click();
  await page.getByText("2 aircraft tracked worldwide, 2 airborne").waitFor();
  const countries = page.locator(".statistics .bars").first();
  expect(await countries.locator("dt").allTextContents()).toEqual(["Germany", "Switzerland"]);
  await expect.poll(() => page.locator(".hours li").count(), { timeout: PATIENCE }).toBe(24);
  expect(await violations(page)).toEqual([]);
});
